"""What the paper account tells by itself, and how it follows a market that moves; restarts on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from core.clock import ManualClock
from core.exchange.paper import PaperVenue
from core.exchange.paper_follow import MovesFollower
from core.facts import Market, OrderSide, OrderStatus, TimeInForce
from core.news_ports import AccountNews, AccountStream
from core.ports import PerpVenue
from storage.store import Store
from tests.exchange.paper_rig import (
    ETH,
    START,
    HandMarket,
    MemoryStore,
    book,
    buy,
    flat_market,
    limit_order,
    open_venue,
    sell,
    terms,
)


@asynccontextmanager
async def listening(stream: AccountStream) -> AsyncIterator[list[AccountNews]]:
    heard: list[AccountNews] = []
    task = asyncio.create_task(stream.listen(heard.append))
    await asyncio.sleep(0)
    yield heard
    await asyncio.sleep(0)
    assert not task.done()
    task.cancel()


async def words(heard: list[AccountNews]) -> list[str]:
    """Each piece of news in a word or two, once all of it has been handed over."""
    await asyncio.sleep(0)
    return [_word(news) for news in heard]


def _word(news: AccountNews) -> str:
    if news.report is None:
        return "balance" if news.balance_moved else "up"
    filled = "" if news.fill is None else f" {news.fill.quantity_base}"
    return f"{news.report.client_order_id} {news.report.status} {news.report.executed_base}{filled}"


async def test_a_fill_is_told_as_binance_tells_it() -> None:
    """Up first; then NEW, and for each fill the balance and then the fill with the order as it is after it."""
    feed = HandMarket(replace(flat_market("2000"), asks=book(("2001", "1"), ("2002", "2"))))
    venue = await open_venue(feed)
    async with listening(venue) as heard:
        await venue.place(buy("1.5"))
        assert await words(heard) == [
            "up",
            "a NEW 0",
            "balance",
            "a PARTIALLY_FILLED 1 1",
            "balance",
            "a FILLED 1.5 0.5",
        ]
        assert [news.fill for news in heard if news.fill] == list(
            await venue.trades(ETH, after_trade_id=None, since=START)
        )


async def test_what_ends_without_a_fill_is_told_too() -> None:
    """An expiry, a cancel, a refusal (nothing), and a countdown that ran out."""
    clock = ManualClock(START)
    venue = await open_venue(HandMarket(flat_market("2000")), clock=clock)
    async with listening(venue) as heard:
        await venue.place(limit_order(OrderSide.BUY, "1", "1990", TimeInForce.IOC, cid="i"))
        await venue.place(limit_order(OrderSide.BUY, "1", "1990", cid="c"))
        await venue.cancel(ETH, "c")
        await venue.place(limit_order(OrderSide.BUY, "1", "1990", cid="g"))
        await venue.guard_resting(ETH, 30)
        await clock.advance(31)
        await venue.open_orders(ETH)
        assert await words(heard) == [
            "up",
            "i NEW 0",
            "i EXPIRED 0",
            "c NEW 0",
            "c CANCELED 0",
            "g NEW 0",
            "g CANCELED 0",
        ]


async def test_funding_and_liquidation_move_the_balance() -> None:
    """Funding is told as such; a liquidation as its order, its fill and the fund's share."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(sell("20"))
    async with listening(venue) as heard:
        feed.set(replace(feed.markets[ETH], next_funding_time=START + timedelta(hours=16)))
        await venue.account(ETH)
        assert await words(heard) == ["up", "balance"]
        feed.move("2600")
        await venue.account(ETH)
        assert (await words(heard))[2:] == ["autoclose-2 NEW 0", "balance", "autoclose-2 FILLED 20 20", "balance"]


async def test_news_is_in_the_store_before_it_is_told() -> None:
    """Whoever hears of an order finds it after a crash."""
    store = MemoryStore()
    venue = await open_venue(HandMarket(flat_market("2000")), store)
    stored: list[bool] = []
    task = asyncio.create_task(
        venue.listen(lambda news: stored.append(news.report is None or '"NEWS"' in str(store.text)))
    )
    await asyncio.sleep(0)
    await venue.place(sell("1", cid="NEWS"))
    await asyncio.sleep(0)
    assert len(stored) == 4
    assert all(stored)
    task.cancel()


class CountedMarket(HandMarket):
    def __init__(self, *markets: Market) -> None:
        super().__init__(*markets)
        self.reads = 0

    async def market(self, symbol: str) -> Market:
        self.reads += 1
        return await super().market(symbol)


async def test_moves_cost_nothing_while_nothing_can_happen() -> None:
    """Flat and empty: no read. A position alone: one a second. An order resting: one a move."""
    feed, clock = CountedMarket(flat_market("2000")), ManualClock(START)
    venue = await open_venue(feed, clock=clock)

    async def reads_of(moves: int) -> int:
        before = feed.reads
        for _ in range(moves):
            await venue.market_moved(ETH)
        return feed.reads - before

    assert await reads_of(5) == 0
    await venue.place(sell("1", cid="a"))
    await clock.advance(1)
    assert await reads_of(5) == 1
    await venue.place(limit_order(OrderSide.BUY, "1", "1990", cid="b"))
    assert await reads_of(5) == 5


async def test_a_move_that_crosses_and_returns_fills_what_rested() -> None:
    """Nobody asked in between: the follower's look alone saw the price."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(limit_order(OrderSide.BUY, "1", "1990", cid="l"))
    follower = MovesFollower(venue)
    task = asyncio.create_task(follower.run())
    async with listening(venue) as heard:
        for price in ("1989", "2000"):
            feed.move(price)
            follower.moved(ETH)
            for _ in range(5):
                await asyncio.sleep(0)
        assert await words(heard) == ["up", "balance", "l FILLED 1 1"]
    task.cancel()
    fill = heard[-1].fill
    assert fill is not None
    assert (fill.price, fill.is_maker) == (Decimal(1990), True)


@asynccontextmanager
async def on_disk(
    path: Path, feed: HandMarket, clock: ManualClock, scope: str = "paper:a"
) -> AsyncIterator[PaperVenue]:
    async with await Store.open(path, scope=scope, clock=clock) as store:
        venue = PaperVenue(feed, store.paper, clock, terms())
        await venue.prepare([ETH])
        yield venue


async def test_a_restart_on_the_database_finds_the_same_account(tmp_path: Path) -> None:
    """Position, resting order, trades and income; another scope of the same file has an account of its own."""
    feed, clock, path = HandMarket(flat_market("2000")), ManualClock(START), tmp_path / "hedge.db"
    async with on_disk(path, feed, clock) as venue:
        await venue.place(sell("1", cid="a"))
        await venue.place(limit_order(OrderSide.BUY, "0.5", "1990", cid="b"))
        account, resting = await venue.account(ETH), await venue.open_orders(ETH)
        income = await venue.income(since=START)
    async with on_disk(path, feed, clock, "live:a") as other:
        assert (await other.account(ETH)).position_base == 0
        await other.place(buy("3", cid="a"))
    async with on_disk(path, feed, clock) as again:
        assert await again.account(ETH) == account
        assert await again.open_orders(ETH) == resting
        assert await again.income(since=START) == income
        assert len(await again.trades(ETH, after_trade_id=None, since=START)) == 1


async def test_a_countdown_runs_on_while_the_process_is_dead(tmp_path: Path) -> None:
    """It ran out, then the price came: cancelled as of its moment. One that still runs lets its order fill."""
    feed, clock, path = HandMarket(flat_market("2000")), ManualClock(START), tmp_path / "hedge.db"
    async with on_disk(path, feed, clock) as venue:
        await venue.place(limit_order(OrderSide.BUY, "1", "1990", cid="dead"))
        await venue.guard_resting(ETH, 60)
    await clock.advance(61)
    feed.move("1900")
    async with on_disk(path, feed, clock) as again:
        dead = await again.find_order(ETH, "dead")
        assert dead is not None
        assert (dead.status, dead.executed_base) == (OrderStatus.CANCELED, Decimal(0))
        assert dead.updated_at == START + timedelta(seconds=60)
        await again.place(limit_order(OrderSide.BUY, "1", "1890", cid="alive"))
        await again.guard_resting(ETH, 60)
    await clock.advance(59)
    feed.move("1880")
    async with on_disk(path, feed, clock) as last:
        alive = await last.find_order(ETH, "alive")
        assert alive is not None
        assert alive.status is OrderStatus.FILLED


async def test_an_account_stored_before_there_were_countdowns_is_read() -> None:
    """What the earlier version wrote is the same account."""
    store = MemoryStore()
    store.text = (
        '{"ledger":{"start":"10000","realised":"0","fees":"1.00000000","funding":"0","insurance":"0"},"positions":'
        '{"ETHUSDT":{"size_base":"-1","cost_quote":"-2000","mark_price":"2000","funding_rate":"0.0001",'
        '"next_funding_time":"2026-01-01T08:00:00Z"}},"orders":[],"trades":[],"last_order_id":1,"last_trade_id":1,'
        '"version":1}'
    )
    venue: PerpVenue = await open_venue(HandMarket(flat_market("2000")), store)
    account = await venue.account(ETH)
    assert (account.position_base, account.margin_balance_quote) == (Decimal(-1), Decimal(9999))
