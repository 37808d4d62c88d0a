"""What was recorded of a hedge, gathered for its picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from bot.charts.hedge_history import (
    LONGEST_PAUSE_S,
    LONGEST_THINNED_PAUSE_S,
    Fill,
    HedgeHistory,
    Moment,
    Range,
    Stop,
)
from bot.charts.stops import stops_in
from bot.rendering.numbers import pair_of
from bot.tidying import EVERY_READING_FOR
from bot.views.sources import Identity, Sources
from core.account_ports import HeldLiquidity, Snapshot
from core.amm.prices import PairOrder, price_bounds
from core.status import HedgeStatus

# Hours of minutes that are read at once: reading a month in one go would hold up everything else.
PAGE = timedelta(hours=6)
MOST_EVENTS = 1000
# A record that begins this much of the span late makes the picture shorter.
LATE = 0.1


class HedgeRecords:
    def __init__(self, sources: Sources, identity: Identity) -> None:
        self._from = sources
        self._identity = identity

    async def of(self, name: str, start: datetime, end: datetime) -> HedgeHistory:
        """Begins with the first record when that is much later than `start`."""
        status = self._from.status(name)
        moments = await self._moments(name, start, end, status)
        if moments and (moments[0].at - start) > LATE * (end - start):
            start = moments[0].at
        symbol = self._from.config.hedge(name).symbol
        base, quote = pair_of(symbol)
        return HedgeHistory(
            name=name,
            symbol=symbol,
            base=base,
            quote=quote,
            mode=self._identity.mode,
            start=start,
            end=end,
            moments=moments,
            fills=await self._fills(name, start, end),
            stops=await self._stops(name, end),
            longest_pause_s=LONGEST_PAUSE_S if end - start <= EVERY_READING_FOR else LONGEST_THINNED_PAUSE_S,
            remark="Now estimated: the chain cannot be read" if status and status.estimated else "",
        )

    async def _stops(self, name: str, end: datetime) -> tuple[Stop, ...]:
        own = await self._from.events.recent(hedge=name, limit=MOST_EVENTS)
        program = await self._from.events.recent_of_the_program(MOST_EVENTS)
        return stops_in(sorted((*reversed(own), *reversed(program)), key=lambda event: event.at), end)

    async def _moments(
        self, name: str, start: datetime, end: datetime, status: HedgeStatus | None
    ) -> tuple[Moment, ...]:
        series, band_quote = self._from.accounts.series, status.band_quote if status else None
        # What was held at the beginning, and every change of it.
        opening = await series.newest(name, start)
        changes = await series.between(name, start, end, landmarks_only=True)
        held = _RangesOverTime(changes if opening is None else (opening, *changes))
        found: list[Moment] = []
        while start < end:
            page_end = min(start + PAGE, end)
            for at, price, net, perp, gap, residual, band_then in await series.exposures(name, start, page_end):
                # The band of now stands in where that of then was not kept yet.
                found.append(Moment(at, price, net, perp, gap, residual, band_then or band_quote, held.at(at)))
            start = page_end
        return tuple(found)

    async def _fills(self, name: str, start: datetime, end: datetime) -> tuple[Fill, ...]:
        return tuple(
            Fill(fill.trade.at, fill.trade.side.value, fill.trade.price, fill.trade.quantity_base)
            for fill in await self._from.accounts.fills.fills_between(start, end)
            if fill.hedge == name
        )


class _RangesOverTime:
    """Asked for one time after the other, never for an earlier one."""

    def __init__(self, changes: Sequence[Snapshot]) -> None:
        self._later = list(reversed(changes))
        self._ranges: tuple[Range, ...] | None = None

    def at(self, moment: datetime) -> tuple[Range, ...] | None:
        while self._later and self._later[-1].at <= moment:
            held = self._later.pop().held
            self._ranges = None if held is None else _ranges(held)
        return self._ranges


@lru_cache(maxsize=64)
def _ranges(held: tuple[HeldLiquidity, ...]) -> tuple[Range, ...]:
    """The edges of each position that holds liquidity, QUOTE per BASE. Held is what seldom changes."""
    return tuple(dict.fromkeys(_range_of(each) for each in held if each.liquidity))


def _range_of(held: HeldLiquidity) -> Range:
    decimals = (held.base_decimals, held.quote_decimals)
    order = PairOrder(held.base_is_token0, *(decimals if held.base_is_token0 else reversed(decimals)))
    return price_bounds(held.tick_lower, held.tick_upper, order)
