"""The account of one hedge over a time: its steps from reading to reading, and their sum."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from functools import reduce
from itertools import groupby, pairwise
from operator import add

from core.account_ports import Income, Snapshot
from core.accounting.attribution import Assets, Parts, Step, step_parts
from core.accounting.books import EXACT, Books, books_of
from core.accounting.pnl import PnlSeries, PnlStep
from core.accounting.principal import held_on, is_in_range
from core.accounting.trades import dealt
from core.ports import BookedFill


@dataclass(frozen=True, slots=True)
class Statement:
    """`start`, `end`: the first and last reading; no figure is of before or after. `steps`: by the time they end."""

    hedge: str
    assets: Assets
    start: datetime
    end: datetime
    steps: tuple[tuple[datetime, Parts], ...]
    total: Parts

    @property
    def series(self) -> PnlSeries:
        """Running sums; one step a reading."""
        return PnlSeries(tuple(_running(self)), _left_out(self.total))


@dataclass(frozen=True, slots=True)
class Records:
    """What a statement is made of, each oldest first; fills and income of other symbols are passed over."""

    snapshots: Sequence[Snapshot]
    fills: Sequence[BookedFill]
    income: Sequence[Income]

    def of_perpetual(self, symbol: str) -> tuple[Sequence[BookedFill], Sequence[Income]]:
        """Its fills and its income, told by its symbol."""
        return (
            [fill for fill in self.fills if fill.trade.symbol == symbol],
            [row for row in self.income if row.symbol == symbol],
        )


def statement_of(hedge: str, records: Records, assets: Assets, longest_step: timedelta) -> Statement | None:
    """None with fewer than two complete readings. A step longer than `longest_step` counts as unwatched.

    A hedge that was given another perpetual is not accounted for over that change. Raises InvariantBroken as
    `step_parts` does.
    """
    books = [each for snapshot in records.snapshots if (each := books_of(snapshot)) is not None]
    with localcontext(EXACT):
        steps = tuple(_counted(step, assets, longest_step) for step in _steps(books, records))
    if not steps:
        return None
    total = reduce(add, (parts for _, parts in steps), Parts())
    return Statement(hedge, assets, books[0].at, books[-1].at, steps, total)


@dataclass(frozen=True, slots=True)
class Watched:
    """`largest_gap_quote`: of all readings, None when none had one. `out_of_range`: time with no liquidity in range."""

    largest_gap_quote: Decimal | None
    out_of_range: timedelta


def watched(snapshots: Sequence[Snapshot]) -> Watched:
    """Each reading counts until the next one."""
    gaps = [snapshot.gap_quote for snapshot in snapshots if snapshot.gap_quote is not None]
    out = timedelta(0)
    for snapshot, following in pairwise(snapshots):
        books = books_of(snapshot)
        if books is not None and is_in_range(books) is False:
            out += following.at - snapshot.at
    return Watched(max(gaps, default=None), out)


def _steps(books: Sequence[Books], records: Records) -> Iterator[Step]:
    for symbol, span in groupby(books, key=lambda each: each.symbol):
        yield from _steps_of_one_perpetual(list(span), *records.of_perpetual(symbol))


def _steps_of_one_perpetual(
    books: Sequence[Books], fills: Sequence[BookedFill], income: Sequence[Income]
) -> Iterator[Step]:
    holder_base = books[0].lp_base
    for (before, now), its_fills in zip(pairwise(books), dealt(fills, books), strict=True):
        on = held_on(before, now)
        first, last = (bisect_right(income, each.at, key=lambda row: row.at) for each in (before, now))
        yield Step(before, now, on, holder_base, its_fills, income[first:last])
        holder_base += now.lp_base - on[0]


def _counted(step: Step, assets: Assets, longest_step: timedelta) -> tuple[datetime, Parts]:
    parts, length = step_parts(step, assets), step.now.at - step.before.at
    return step.now.at, replace(parts, unwatched=length) if length > longest_step else parts


def _running(statement: Statement) -> Iterator[PnlStep]:
    so_far = Parts()
    yield _pnl_step(statement.start, so_far)
    for at, parts in statement.steps:
        so_far += parts
        yield _pnl_step(at, so_far)


def _pnl_step(at: datetime, parts: Parts) -> PnlStep:
    return PnlStep(
        at=at,
        fees=parts.lp_fees,
        lp=parts.lp,
        hedge=parts.hedge,
        funding=parts.funding,
        costs=parts.costs,
        net=parts.net,
    )


def _left_out(total: Parts) -> tuple[str, ...]:
    fees = tuple(f"{paid.normalize():f} {asset} of fees" for asset, paid in total.unpriced.items())
    return fees + (("other people's trades",) if total.manual else ())
