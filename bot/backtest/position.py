"""The position that is replayed: from flags, or the hedge's own as its chain shows it now."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.settings import Settings
from core.amm.presets import chain_preset
from core.clock import SystemClock
from core.config import HedgeConfig
from core.errors import ConfigurationError
from core.facts import LpFacts, LpPosition
from core.replay.setup import Position
from core.replay.theory.position import liquidity_of_value

# One tick, less what rounded flags may lack.
NARROWEST = 1.00009


@dataclass(frozen=True, slots=True)
class Wanted:
    """The range and its size: exactly one of `value_quote` and `liquidity`."""

    lower: float
    upper: float
    value_quote: float | None
    liquidity: float | None

    def at(self, first_price: float) -> Position:
        """With the liquidity that `value_quote` buys at that price, where none was given."""
        liquidity = self.liquidity
        if liquidity is None:
            liquidity = liquidity_of_value(self.value_quote or 0.0, first_price, self.lower, self.upper)
        return Position(self.lower, self.upper, liquidity)


def wanted_position(options: argparse.Namespace) -> Wanted | None:
    """None: no flag was given. Raises ConfigurationError for flags that do not make a position."""
    lower, upper, value, liquidity = options.lower, options.upper, options.value_quote, options.liquidity
    if {lower, upper, value, liquidity} == {None}:
        return None
    if lower is None or upper is None:
        raise ConfigurationError("--lower and --upper belong together: give both edges of the range.")
    if value is None and liquidity is None:
        raise ConfigurationError("how large is the position? Give --value-quote, or --liquidity.")
    _refuse_no_range(lower, upper)
    return Wanted(lower, upper, value, liquidity)


def _refuse_no_range(lower: float, upper: float) -> None:
    if lower >= upper:
        raise ConfigurationError(f"--lower {lower:g} is not below --upper {upper:g}.")
    if upper / lower < NARROWEST:
        raise ConfigurationError(f"--lower {lower:.10g} to --upper {upper:.10g} is narrower than one tick, 0.01 %.")


def positions_on_chain(name: str, settings: Settings) -> Sequence[LpPosition]:
    """Those with liquidity. Raises ConfigurationError, Refused and Transient."""
    hedge = settings.config.hedges[name]
    try:
        urls = settings.rpc_urls(hedge.chain)
    except ConfigurationError:
        raise ConfigurationError(
            "which position? Give --lower, --upper and --value-quote (or --liquidity), or put the address of a "
            f"{hedge.chain} node in .env so that {name}'s own can be read."
        ) from None
    settings.require_known_contracts()
    facts = asyncio.run(_read(name, hedge, settings, urls))
    return [position for position in facts.positions if position.liquidity]


async def _read(name: str, hedge: HedgeConfig, settings: Settings, urls: Sequence[str]) -> LpFacts:
    from core.amm.reader import ChainReader  # heavy, and of no use to who names a position

    preset = chain_preset(hedge.chain, settings.config.chains.get(hedge.chain))
    reader = ChainReader(preset, {name: hedge}, urls, SystemClock())
    try:
        await reader.prepare()
        return (await reader.read())[name]
    finally:
        await reader.aclose()


def as_one(name: str, positions: Sequence[LpPosition]) -> Position:
    """Raises ConfigurationError when there is none, or when they are not all of one range."""
    if not positions:
        raise ConfigurationError(f"{name} has no liquidity on its chain now: give --lower, --upper and --value-quote.")
    ranges = {(position.price_lower, position.price_upper) for position in positions}
    if len(ranges) > 1:
        raise ConfigurationError(
            f"{name}'s positions have {len(ranges)} different ranges and one is replayed at a time: give --lower, "
            "--upper and --value-quote."
        )
    lower, upper = next(iter(ranges))
    liquidity = sum(each.liquidity / 10 ** ((each.base_decimals + each.quote_decimals) / 2) for each in positions)
    return Position(float(lower), float(upper), liquidity)
