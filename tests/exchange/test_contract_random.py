"""Random orders and markets on both venues: the same answers, and the same account after every step."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts import OrderRequest, OrderSide, TimeInForce
from tests.exchange.desks import Desk, account, alike, answer, binance_desk, fills, orders, paper_desk
from tests.exchange.paper_rig import ETH, limit_order, market_order

STEPS = 18
# Rounding of partial closes adds up, a unit of the wallet at a time; over a last crumb that shows in its entry price.
TOLERANCE = Decimal("0.000001")
PRICE_TOLERANCE = Decimal("0.0000001")


class Does(StrEnum):
    TRADE = "trade"
    LIMIT = "limit"
    CANCEL = "cancel"
    MOVE = "move"
    FUND = "fund"
    GUARD = "guard"


@dataclass(frozen=True)
class Step:
    """`size` in thousandths of BASE; `away` in half percents (two for a move); `which`: of the orders so far."""

    does: Does
    side: OrderSide
    size: int
    away: int
    which: int
    flag: bool
    tif: TimeInForce


STEP = st.builds(
    Step,
    does=st.sampled_from([*Does, Does.TRADE, Does.LIMIT, Does.LIMIT, Does.MOVE, Does.MOVE]),
    side=st.sampled_from(OrderSide),
    size=st.one_of(st.integers(0, 4000), st.integers(1000, 3500), st.integers(4000, 30_000)),
    away=st.integers(-12, 12),
    which=st.integers(0, STEPS),
    flag=st.booleans(),
    tif=st.sampled_from(TimeInForce),
)


@dataclass
class History:
    """What both desks are told; the price of the middle and the ids used so far."""

    desk: Desk
    price: Decimal = Decimal(2000)
    ids: list[str] = field(default_factory=list)

    async def take(self, step: Step) -> str:
        if step.does is Does.TRADE:
            return await self._place(market_order(step.side, _base(step.size), reduce_only=step.flag), step)
        if step.does is Does.LIMIT:
            order = limit_order(step.side, _base(step.size), str(self._off(step.away)), step.tif)
            return await self._place(replace(order, reduce_only=step.flag and step.which % 2 == 0), step)
        if step.does is Does.CANCEL:
            return await self._cancel(step)
        if step.does is Does.FUND:
            await self.desk.fund(str(Decimal(step.away).scaleb(-4)))
        elif step.does is Does.GUARD:
            await self.desk.venue.guard_resting(ETH, 0 if step.flag else 1)
            await self.desk.wait(2)
        else:
            await self._move(step)
        return step.does

    async def _place(self, order: OrderRequest, step: Step) -> str:
        """Now and then an id that was used before, open or not."""
        used = self.ids[step.which] if step.which < len(self.ids) and step.size % 7 == 0 else None
        cid = used or f"o{len(self.ids)}"
        self.ids.append(cid)
        return await answer(self.desk, replace(order, client_order_id=cid))

    async def _cancel(self, step: Step) -> str:
        cid = self.ids[step.which] if step.which < len(self.ids) else "never"
        report = await self.desk.venue.cancel(ETH, cid)
        return "none" if report is None else f"{report.status} {report.executed_base.normalize():f}"

    async def _move(self, step: Step) -> None:
        """Up to a quarter, three levels a side, the mark where the middle is or a little beside it."""
        self.price = self._off(4 * step.away)
        tick = self.price.scaleb(-3).quantize(Decimal("0.01"))
        sizes = [_base(step.size // part + 100) for part in (4, 2, 1)]
        bids = [(str(self.price - tick * level), size) for level, size in enumerate(sizes, 1)]
        asks = [(str(self.price + tick * level), size) for level, size in enumerate(sizes, 1)]
        mark = self.price + (tick * step.which if step.flag else 0)
        await self.desk.book(bids, asks, str(mark))

    def _off(self, away: int) -> Decimal:
        return (self.price * (1 + Decimal(away) / 200)).quantize(Decimal("0.01"))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(steps=st.lists(STEP, min_size=STEPS // 2, max_size=STEPS), poor=st.booleans())
def test_both_are_in_the_same_state_after_every_step(steps: list[Step], poor: bool) -> None:
    """Answers, account, orders and fills; a poor account is refused and liquidated more often."""
    asyncio.run(_compare(steps, "1500" if poor else "40000"))


async def _compare(steps: list[Step], balance: str) -> None:
    async with paper_desk(balance) as paper, binance_desk(balance) as binance:
        one, other = History(paper), History(binance)
        for step in steps:
            said = await one.take(step), await other.take(step)
            assert said[0] == said[1], step
            seen, exact = dict(await account(paper)), dict(await account(binance))
            for name in ("entry_price", "liquidation_price"):
                assert _same_price(seen.pop(name), exact.pop(name)), step
            assert alike(seen, exact, TOLERANCE), (step, seen, exact)
            assert await orders(paper, set(one.ids)) == await orders(binance, set(one.ids)), step
        done, booked = await fills(paper), await fills(binance)
        assert len(done) == len(booked)
        for mine, theirs in zip(done, booked, strict=True):
            assert alike(asdict(mine), asdict(theirs), TOLERANCE), (mine, theirs)


def _same_price(one: object, other: object) -> bool:
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return abs(one - other) <= other * PRICE_TOLERANCE
    return one is other


def _base(thousandths: int) -> str:
    return str(Decimal(thousandths).scaleb(-3))
