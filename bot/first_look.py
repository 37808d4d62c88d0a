"""Before a service begins: everything is asked once, while refusing still costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

import structlog

from bot.chain_feeds import ChainFeeds
from bot.key_rights import KeyWatch
from core.errors import LpHedgeError, Refused, Transient
from core.hedge_memory import from_json
from core.hedging.pairing import wrong_perp
from core.observation import SHARED_READ_S
from core.ports import PerpVenue
from storage.store import Store

if TYPE_CHECKING:
    from bot.settings import Settings

log = structlog.get_logger(__name__)


async def ask_everything_once(
    settings: Settings, chains: ChainFeeds, venue: PerpVenue, store: Store, key: KeyWatch | None
) -> None:
    """Ask everything once. What does not answer is asked again by the hedges that need it, under the operator's eyes.

    Raises Refused or ConfigurationError only while nothing is held: a short is not left alone over a mistake.
    """
    held = await store.holds_position()
    troubles = await _troubles(settings, chains, venue, None if held else key)
    for trouble in troubles:
        _refuse_or_warn(trouble, position_held=held)
    if not held and not troubles:
        await _first_sights(settings, chains, venue, store)


async def _troubles(
    settings: Settings, chains: ChainFeeds, venue: PerpVenue, key: KeyWatch | None
) -> Sequence[LpHedgeError]:
    """Of all that is asked at once: the exchange, every chain, and what `key` may do."""
    symbols = [hedge.symbol for hedge in settings.config.hedges.values()]
    asked = [_first_word(venue, symbols), chains.prepare()]
    if key is not None:
        asked.append(key.refusals())
    return [*chain.from_iterable(await asyncio.gather(*asked))]


async def _first_word(venue: PerpVenue, symbols: Sequence[str]) -> tuple[LpHedgeError, ...]:
    try:
        await venue.prepare(symbols)
    except LpHedgeError as error:
        return (error,)
    return ()


def _refuse_or_warn(trouble: LpHedgeError, *, position_held: bool) -> None:
    if not position_held and not isinstance(trouble, Transient):
        raise trouble
    log.warning("not ready", error=str(trouble), position_held=position_held)


async def _first_sights(settings: Settings, chains: ChainFeeds, venue: PerpVenue, store: Store) -> None:
    await asyncio.gather(*(_first_sight(settings, name, chains, venue, store) for name in settings.config.hedges))


async def _first_sight(settings: Settings, name: str, chains: ChainFeeds, venue: PerpVenue, store: Store) -> None:
    """Raises Refused when a symbol exists but is not that of the position's asset.

    What cannot be read now is judged by the hedge itself, later.
    """
    symbol, text = settings.config.hedges[name].symbol, await store.memory.load(name)
    reading = await chains.by_hedge[name].facts(name, max_age_s=SHARED_READ_S)
    known_pair = from_json(text).known_pair if text else ""
    try:
        market = await venue.market(symbol)
    except (Transient, Refused):
        return
    if reading.value is None:
        return
    if wrong := wrong_perp(reading.value, market, venue.rules(symbol), known_pair=known_pair):
        raise Refused(wrong, code="wrong_symbol")
