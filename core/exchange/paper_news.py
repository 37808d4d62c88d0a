"""What changed between two states of the paper account, as its stream tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NoReturn

from core.exchange.paper_account import FUNDING, ZERO, PaperOrder, PaperState
from core.facts import OrderStatus, Trade
from core.news_ports import AccountNews
from core.ports import Income


class NewsStand:
    """Hands news to every listener; one that is slow keeps nobody waiting."""

    def __init__(self) -> None:
        self._queues: list[asyncio.Queue[AccountNews]] = []

    async def listen(self, on_news: Callable[[AccountNews], None]) -> NoReturn:
        """Never returns; first the empty news, then what is told from now on."""
        queue: asyncio.Queue[AccountNews] = asyncio.Queue()
        self._queues.append(queue)
        try:
            on_news(AccountNews())
            while True:
                on_news(await queue.get())
        finally:
            self._queues.remove(queue)

    def tell(self, before: PaperState, after: PaperState) -> None:
        """What lies between the two states; nothing is worked out while nobody listens."""
        if self._queues:
            for news in news_between(before, after):
                for queue in self._queues:
                    queue.put_nowait(news)


def news_between(before: PaperState, after: PaperState) -> Iterator[AccountNews]:
    """Funding, then order by order as they were placed, then what else moved the balance.

    Of each fill first that the balance moved, then the fill, as Binance does.
    """
    payments = _new_payments(before, after)
    yield from (AccountNews(row.symbol, balance_moved=True) for row in payments if row.kind == FUNDING)
    yield from _of_orders(before, after)
    yield from (AccountNews(row.symbol, balance_moved=True) for row in payments if row.kind != FUNDING)


def _new_payments(before: PaperState, after: PaperState) -> list[Income]:
    return [row for row in after.payments if row.income_id > before.last_payment_id]


def _of_orders(before: PaperState, after: PaperState) -> Iterator[AccountNews]:
    known = {order.venue_order_id: order for order in before.orders}
    fills: dict[int, list[Trade]] = {}
    for trade in after.trades:
        if trade.trade_id > before.last_trade_id:
            fills.setdefault(trade.venue_order_id, []).append(trade)
    for order in after.orders:
        old = known.get(order.venue_order_id)
        if order != old:
            yield from _of_order(old, order, fills.get(order.venue_order_id, ()))


def _of_order(before: PaperOrder | None, after: PaperOrder, fills: Sequence[Trade]) -> Iterator[AccountNews]:
    symbol = after.request.symbol
    if before is None:
        before = replace(after, status=OrderStatus.NEW, executed_base=ZERO)
        yield AccountNews(symbol, before.report())
    seen = before
    for fill in fills:
        executed = seen.executed_base + fill.quantity_base
        full = executed == after.request.quantity_base
        status = OrderStatus.FILLED if full else OrderStatus.PARTIALLY_FILLED
        seen = replace(seen, status=status, executed_base=executed, updated_at=fill.at)
        yield AccountNews(symbol, balance_moved=True)
        yield AccountNews(symbol, seen.report(), fill)
    if seen.status is not after.status:
        yield AccountNews(symbol, after.report())
