"""The series behind P&L and charts: what each hedge read itself, about once a minute and at every change.

Nothing is decided by it and nothing is asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Context, Decimal

from core.account_keeping import Statuses
from core.account_ports import SeriesBook, Snapshot
from core.status import HedgeStatus

EVERY = timedelta(seconds=60)
# A pool's price has 50 digits; these move no unit of any token.
SHORTER = Context(prec=28)


class SeriesKeeper:
    def __init__(self, *, engine: Statuses, series: SeriesBook) -> None:
        self._engine = engine
        self._series = series
        self._seen: dict[str, Snapshot] = {}
        self._kept: dict[str, Snapshot] = {}
        self._looked = asyncio.Event()

    def looked(self) -> None:
        """A hedge was evaluated: there may be something new to keep."""
        self._looked.set()

    def kept_at(self) -> Mapping[str, datetime]:
        """By hedge, the time of its newest reading that was kept since the start."""
        return {hedge: snapshot.at for hedge, snapshot in self._kept.items()}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._looked.wait()
            self._looked.clear()
            await self.turn()

    async def turn(self) -> None:
        """Raises what the database raises; what was not kept is kept at the next turn."""
        for status in self._engine.statuses():
            if not self._is_known(status) and (snapshot := snapshot_of(status)) is not None:
                await self._take_in(snapshot)

    def _is_known(self, status: HedgeStatus) -> bool:
        """Asked at every look of any hedge, so before anything is made of it."""
        before = self._seen.get(status.name)
        return before is not None and before.at == status.perp.read_at

    async def _take_in(self, snapshot: Snapshot) -> None:
        """A change is told by the readings on both sides of it."""
        before = self._seen.get(snapshot.hedge)
        if before is not None and _lp_moved(before, snapshot):
            await self._series.append(replace(before, landmark=True))
            await self._keep(replace(snapshot, landmark=True))
        elif _traded(before, snapshot) or self._is_due(snapshot):
            await self._keep(replace(snapshot, landmark=self._is_first_of_hour(snapshot)))
        self._seen[snapshot.hedge] = snapshot

    async def _keep(self, snapshot: Snapshot) -> None:
        await self._series.append(snapshot)
        self._kept[snapshot.hedge] = snapshot

    def _is_first_of_hour(self, snapshot: Snapshot) -> bool:
        kept = self._kept.get(snapshot.hedge)
        return kept is None or _hour(kept) != _hour(snapshot)

    def _is_due(self, snapshot: Snapshot) -> bool:
        """Also when the clock was set back."""
        kept = self._kept.get(snapshot.hedge)
        return kept is None or not kept.at <= snapshot.at < kept.at + EVERY


def snapshot_of(status: HedgeStatus) -> Snapshot | None:
    """None for what was not read and believed: an estimate, a doubt, or nothing yet."""
    lp, perp = status.lp, status.perp
    if not status.confirmed or perp.read_at is None or lp.price is None:
        return None
    band = _plain(status.band_quote)
    figures = {"departed_base": status.departed_base, "beside_base": status.beside_base, "band_quote": band}
    return Snapshot(
        hedge=status.name,
        at=perp.read_at,
        price=SHORTER.plus(lp.price),
        net_base=status.net_base,
        perp_base=perp.position_base,
        gap_base=_plain(status.gap_base),
        gap_quote=_plain(status.gap_quote),
        residual_base=status.residual_base,
        figures={name: value for name, value in figures.items() if value},
        mark_price=perp.mark_price,
        lp_base=lp.base,
        lp_quote=lp.quote,
        fee_base=lp.fee_base,
        fee_quote=lp.fee_quote,
        symbol=perp.symbol,
        held=status.held,
    )


def _lp_moved(before: Snapshot, now: Snapshot) -> bool:
    """Liquidity or hedged BASE beside it came or went, or fees were collected."""
    if before.figures.get("beside_base") != now.figures.get("beside_base"):
        return True
    return before.held != now.held or _fell(before.fee_base, now.fee_base) or _fell(before.fee_quote, now.fee_quote)


def _traded(before: Snapshot | None, now: Snapshot) -> bool:
    return before is not None and before.perp_base != now.perp_base


def _fell(before: Decimal | None, now: Decimal | None) -> bool:
    return before is not None and now is not None and now < before


def _plain(value: Decimal | None) -> Decimal | None:
    return None if value is None else SHORTER.plus(value)


def _hour(snapshot: Snapshot) -> tuple[int, int]:
    return snapshot.at.toordinal(), snapshot.at.hour
