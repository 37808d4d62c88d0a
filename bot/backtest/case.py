"""Everything that a replay needs, gathered from configuration, flags and files."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from bot.backtest.arguments import QUOTE_FIRST
from bot.backtest.notices import of_latency, of_moves, of_settings
from bot.backtest.period import cut
from bot.backtest.position import Wanted, as_one, positions_on_chain, wanted_position
from bot.backtest.rules import rules_for
from bot.settings import Places, settings_at
from core.config import Config, HedgeConfig, PaperConfig
from core.errors import ConfigurationError
from core.facts import LpPosition, SymbolRules
from core.replay.path import Path
from core.replay.reading.cache import Recording, default_directory
from core.replay.reading.pair import PoolPair
from core.replay.reading.recording import read_path
from core.replay.setup import NEVER_S, Costs, Position, Setup, costs_of, setup_from
from core.replay.swap_fees import protocol_share_of, width_notice
from core.replay.theory.position import value

MILLIONTHS = 1_000_000.0
DEFAULT_TIER = 500
# Times that prices may be away from a range.
FARTHEST = 1000
USUAL_DECIMALS, USUAL_STABLE_DECIMALS = 18, 6
STABLE_DECIMALS = {"bsc": 18}


@dataclass(frozen=True, slots=True)
class Case:
    """`lp_fees_known`: recorded, or assumed by --fee-apr. `answer_s` None: nobody ever answers. `source`: the data."""

    hedge: str
    config: HedgeConfig
    paper: PaperConfig
    rules: SymbolRules
    path: Path
    step_ms: int
    position: Position
    costs: Costs
    answer_s: float | None
    lp_fees_known: bool
    funding_known: bool
    source: str
    notices: tuple[str, ...]

    @property
    def base(self) -> str:
        """The perpetual's asset, as the exchange spells it."""
        return self.rules.base_asset

    @property
    def quote(self) -> str:
        """In what the perpetual is settled, as the exchange spells it."""
        return self.rules.quote_asset

    @property
    def first_value_quote(self) -> float:
        """What the position is worth at the first pool price, fees left out."""
        return value(float(self.path.pool[0]), *self.position)

    def setup(self, config: HedgeConfig | None = None) -> Setup:
        """With the hedge's settings, or with others. Raises ConfigurationError for limits that no order passes."""
        return setup_from(
            config or self.config,
            self.rules,
            position=self.position,
            paper=self.paper,
            costs=self.costs,
            answer_s=NEVER_S if self.answer_s is None else self.answer_s,
        )


def gather(options: argparse.Namespace, places: Places) -> Case:
    """Raises ConfigurationError, one sentence, for anything missing or wrong; Transient when a node does not answer."""
    settings = settings_at(places)
    name = chosen_hedge(settings.config, options.hedge)
    config = settings.config.hedges[name]
    wanted = wanted_position(options)
    rules, notices = rules_for(config.symbol, options)
    held: Sequence[LpPosition] = () if wanted else positions_on_chain(name, settings)
    own = None if wanted else as_one(name, held)
    read = _recording(options, config, held)
    path = cut(read.path, options)
    if path.has_pool_fees and options.fee_apr is not None:
        raise ConfigurationError("the pool's own fees are recorded: leave out --fee-apr.")
    position = _sized(wanted, own, float(path.pool[0]))
    _refuse_other_units(path, position)
    paper = _paper(options, settings.config)
    notices += tuple(map(_sentence, read.notices))
    notices += (*of_moves(path), *of_settings(config, paper, read.step_ms))
    notices += tuple(of_latency(options.latency_ms, read.step_ms))
    notices += _own_notices(path, position, own=own is not None)
    return Case(
        hedge=name,
        config=config,
        paper=paper,
        rules=rules,
        path=path,
        step_ms=read.step_ms,
        position=position,
        costs=_costs(options, paper),
        answer_s=options.answer_after,
        lp_fees_known=path.has_pool_fees or options.fee_apr is not None,
        funding_known=options.funding is not None,
        source=read.source,
        notices=notices,
    )


def _recording(options: argparse.Namespace, config: HedgeConfig, held: Sequence[LpPosition]) -> Recording:
    pair = pool_pair(options, config, held)
    if pair is None and options.pool_minutes is not None:
        raise ConfigurationError(f"what {config.amm_type} keeps of its fees is not known: give --protocol-share.")
    return read_path(
        options.prices,
        funding=options.funding,
        pool_minutes=options.pool_minutes,
        pair=pair,
        cache=None if options.no_cache else default_directory(os.environ),
    )


def inputs_of(options: argparse.Namespace) -> list[FilePath]:
    """The files that are read, and so are not to be written."""
    given = (options.prices, options.funding, options.pool_minutes, options.symbol_rules, options.config)
    return [each for each in given if each is not None]


def chosen_hedge(config: Config, name: str | None) -> str:
    """Raises ConfigurationError, listing the names, for one that is not there or when there is a choice."""
    names = ", ".join(config.hedges)
    if name is None and len(config.hedges) > 1:
        raise ConfigurationError(f"which hedge? Name one with --hedge: {names}.")
    chosen = name or next(iter(config.hedges))
    if chosen not in config.hedges:
        raise ConfigurationError(f"there is no hedge {chosen}: the configuration has {names}.")
    return chosen


def pool_pair(options: argparse.Namespace, config: HedgeConfig, held: Sequence[LpPosition]) -> PoolPair | None:
    """Of recorded pool files; flags win over what the chain told, that over what is usual.

    None where nobody named the protocol's share and it is not known: pool files cannot be read then.
    """
    tier = options.fee_tier or DEFAULT_TIER
    share = _protocol_share(options, config, tier)
    if share is None:
        return None
    base_first = _is_base_first(options, held)
    base, quote = _told_decimals(config, held)
    decimals = options.decimals or ((base, quote) if base_first else (quote, base))
    return PoolPair(
        base_is_token0=base_first,
        decimals0=decimals[0],
        decimals1=decimals[1],
        fee=tier / MILLIONTHS,
        protocol_share=share,
    )


def _protocol_share(options: argparse.Namespace, config: HedgeConfig, tier: int) -> float | None:
    share: float | None = options.protocol_share
    if share is not None:
        return share
    try:
        return protocol_share_of(config.amm_type, tier)
    except ConfigurationError:
        return None


def _is_base_first(options: argparse.Namespace, held: Sequence[LpPosition]) -> bool:
    if options.pool_token_order is not None:
        return bool(options.pool_token_order != QUOTE_FIRST)
    return held[0].base_is_token0 if held else False


def _told_decimals(config: HedgeConfig, held: Sequence[LpPosition]) -> tuple[int, int]:
    """Of BASE and of QUOTE."""
    if held:
        return held[0].base_decimals, held[0].quote_decimals
    return USUAL_DECIMALS, STABLE_DECIMALS.get(config.chain, USUAL_STABLE_DECIMALS)


def _sized(wanted: Wanted | None, own: Position | None, first_price: float) -> Position:
    if own is not None:
        return own
    assert wanted is not None
    return wanted.at(first_price)


def _paper(options: argparse.Namespace, config: Config) -> PaperConfig:
    if options.balance is None:
        return config.paper
    return config.paper.model_copy(update={"balance_quote": options.balance})


def _costs(options: argparse.Namespace, paper: PaperConfig) -> Costs:
    return costs_of(paper)._replace(
        half_spread_bps=options.spread_bps / 2,
        impact_bps=options.impact_bps,
        latency_ms=options.latency_ms,
        fee_apr=options.fee_apr or 0.0,
    )


def _refuse_other_units(path: Path, position: Position) -> None:
    """A pool file read with the wrong token for BASE, or with other decimals, tells prices of no such range."""
    low, high = float(path.pool.min()), float(path.pool.max())
    if low > position.upper * FARTHEST or high < position.lower / FARTHEST:
        raise ConfigurationError(
            f"the prices go from {low:.6g} to {high:.6g} and the range from {position.lower:.6g} to "
            f"{position.upper:.6g}: look at the range, and for a pool file at --pool-token-order and --decimals."
        )


def _own_notices(path: Path, position: Position, *, own: bool) -> tuple[str, ...]:
    found = []
    if own:
        found.append("The position is the hedge's own as its chain shows it now, laid over the recorded prices.")
    if not bool(((path.pool > position.lower) & (path.pool < position.upper)).any()):
        low, high = float(path.pool.min()), float(path.pool.max())
        found.append(f"The price was never inside the range: it went from {low:g} to {high:g}.")
    if path.has_pool_fees and (narrow := width_notice(position.lower, position.upper)):
        found.append(_sentence(narrow))
    return tuple(found)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].removesuffix('.')}."
