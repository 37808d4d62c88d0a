"""The embedded market: exact, near the recorded price, the same for the same seed, and fast."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bot.demo.chain import FIRST_BLOCK, HEDGE
from bot.demo.market import SYMBOL, DemoMarket
from bot.demo.path import RECORDED_START
from core.amm.amounts import burn_amounts
from core.amm.ticks import sqrt_ratio_at_tick
from core.clock import ManualClock, PacedClock
from core.errors import Refused
from core.exchange.paper import PaperVenue, terms_of
from core.exchange.public_market import MarketFeed
from core.facts import LpFacts, LpPosition, OrderRequest, OrderSide, OrderType, RangeSide
from core.ports import LpPositions, PerpVenue
from tests.exchange.paper_rig import MemoryStore

FEE = Decimal("0.0005")


def market_at_start(seed: int = 1, *, moves: bool = True) -> tuple[DemoMarket, ManualClock]:
    clock = ManualClock(RECORDED_START)
    return DemoMarket.load(seed=seed, clock=clock, moves=moves), clock


async def read(market: DemoMarket) -> LpFacts:
    return (await market.lp_positions().read())[HEDGE]


def value(position: LpPosition) -> Decimal:
    return position.base * position.price + position.quote


async def test_the_opening_position_is_worth_twenty_thousand() -> None:
    """In range, about half in BASE, no fees yet; the price edges some 10 % away."""
    market, _ = market_at_start()
    position = (await read(market)).positions[0]
    assert position.side is RangeSide.IN
    assert Decimal(19_900) < value(position) <= 20_000
    assert position.owed_base == position.owed_quote == 0
    assert Decimal("0.90") < position.price_lower / position.price < Decimal("0.91")
    assert Decimal("1.10") < position.price_upper / position.price < Decimal("1.11")


async def test_the_pool_stays_within_its_fee_of_the_recorded_price() -> None:
    """At each of 600 blocks the arbitrage leaves no more than the fee between pool and path."""
    market, clock = market_at_start(moves=False)
    feed = market.feed()
    for _ in range(600):
        await clock.advance(12)
        pool_price, mark = (await read(market)).price, (await feed.market(SYMBOL)).mark_price
        assert abs(pool_price / mark - 1) < FEE * Decimal("1.001")


async def test_amounts_are_what_a_burn_pays() -> None:
    """The facts' amounts and fees equal, to the last unit, what burning and collecting then pays out."""
    market, clock = market_at_start(moves=False)
    await clock.advance(5 * 3600)
    position = (await read(market)).positions[0]
    pool, held = market.chain.pool, market.chain.provider.held
    assert held is not None
    edges = (sqrt_ratio_at_tick(position.tick_lower), sqrt_ratio_at_tick(position.tick_upper))
    assert pool.principal(held.key) == burn_amounts(position.sqrt_price_x96, *edges, position.liquidity)
    pool.burn(held.key, position.liquidity)
    paid_base, paid_quote = pool.collect(held.key, 1 << 127, 1 << 127)
    assert Decimal(paid_base).scaleb(-18) == position.base + position.owed_base
    assert Decimal(paid_quote).scaleb(-6) == position.quote + position.owed_quote
    assert position.owed_base > 0
    assert position.owed_quote > 0


async def test_how_often_one_looks_changes_nothing() -> None:
    """Polled every 15 s, or once after two hours: the same block, position and fees."""
    often, often_clock = market_at_start(seed=5)
    once, once_clock = market_at_start(seed=5)
    for _ in range(480):
        await often_clock.advance(15)
        await read(often)
    await once_clock.advance(7200)
    assert await read(often) == await read(once)
    assert await often.feed().market(SYMBOL) == await once.feed().market(SYMBOL)


async def test_a_second_run_finds_the_market_where_it_would_be() -> None:
    """Loaded an hour later with the first run's start: the same positions and prices."""
    first, clock = market_at_start()
    await clock.advance(3600)
    second = DemoMarket.load(seed=1, clock=clock, started=first.started)
    assert await read(second) == await read(first)
    assert await second.feed().market(SYMBOL) == await first.feed().market(SYMBOL)


async def test_another_seed_is_another_market() -> None:
    """Seeds differ in the fees earned and in the book."""
    worlds = [market_at_start(seed=seed) for seed in (1, 2)]
    for _, clock in worlds:
        await clock.advance(3600)
    facts = [await read(market) for market, _ in worlds]
    books = [(await market.feed().market(SYMBOL)).bids for market, _ in worlds]
    assert facts[0].positions[0].owed_quote != facts[1].positions[0].owed_quote
    assert books[0] != books[1]


async def test_blocks_follow_the_clock() -> None:
    """Every twelve seconds one block, stamped with its own second; a block's parent is its own."""
    market, clock = market_at_start()
    first = (await read(market)).block
    await clock.advance(35)
    later = (await read(market)).block
    assert (first.number, later.number) == (FIRST_BLOCK, FIRST_BLOCK + 2)
    assert later.time == RECORDED_START + timedelta(seconds=24)
    assert first.parent_hash != later.parent_hash


async def test_a_recentre_leaves_the_wallet_full_for_a_minute() -> None:
    """Once in the first day's second quarter the position goes and returns under a new id around the new price."""
    market, clock = market_at_start()
    before = (await read(market)).positions[0]
    await clock.advance(6 * 3600)
    gone: list[LpFacts] = []
    while not gone or not (facts := await read(market)).positions:
        await clock.advance(12)
        facts = await read(market)
        gone += [] if facts.positions else [facts]
    after = facts.positions[0]
    assert facts.block.time < RECORDED_START + timedelta(hours=13)
    assert len(gone) == 5
    assert gone[0].wallet_base is not None
    assert gone[0].wallet_base > 2
    assert after.position_id == before.position_id + 1
    assert abs(value(after) / value(before) - 1) < Decimal("0.05")
    assert after.price_lower < after.price < after.price_upper


async def test_the_book_is_a_book() -> None:
    """Best first, never crossed, the mark in the middle, every price on the tick and quantity on the step."""
    market, clock = market_at_start()
    await clock.advance(1234)
    seen = await market.feed().market(SYMBOL)
    rules = market.feed().rules(SYMBOL)
    assert seen.mid == seen.mark_price
    assert [level.price for level in seen.bids] == sorted({level.price for level in seen.bids}, reverse=True)
    assert [level.price for level in seen.asks] == sorted({level.price for level in seen.asks})
    assert seen.best_bid < seen.best_ask
    for level in (*seen.bids, *seen.asks):
        assert level.price % rules.tick_size == level.quantity_base % rules.step_size == 0
        assert level.quantity_base > 0


def test_only_its_own_symbol_exists() -> None:
    """Another symbol is refused, not invented."""
    market, _ = market_at_start()
    with pytest.raises(Refused):
        market.feed().rules("BTCUSDT")


async def test_a_static_short_on_paper_pays_and_earns_exactly_what_it_should() -> None:
    """Short 5 ETH over the first 8 hours: equity is start, less fee, plus price change, plus one funding."""
    market, clock = market_at_start()
    venue = PaperVenue(market.feed(), MemoryStore(), clock, terms_of(market.config().paper))
    await venue.prepare([SYMBOL])
    await venue.place(OrderRequest("a", SYMBOL, OrderSide.SELL, Decimal(5), OrderType.MARKET, reduce_only=False))
    sold = await venue.trades(SYMBOL, after_trade_id=None, since=RECORDED_START)
    await clock.advance(8 * 3600)
    account = await venue.account(SYMBOL)
    mark = (await venue.market(SYMBOL)).mark_price
    proceeds = sum((t.price * t.quantity_base for t in sold), Decimal(0))
    fees = sum((t.fee for t in sold), Decimal(0))
    funding = (5 * mark * Decimal("0.0001")).quantize(Decimal("0.00000001"))
    assert account.margin_balance_quote == 10_000 + proceeds - fees - 5 * mark + funding


async def test_a_banded_short_takes_the_direction_out() -> None:
    """A day in which ETH rises 22 %: hedged at a 0.2 ETH band, the whole keeps its value where the LP alone gains."""
    market, clock = market_at_start(moves=False)
    venue = PaperVenue(market.feed(), MemoryStore(), clock, terms_of(market.config().paper))
    await venue.prepare([SYMBOL])
    first, trades = value((await read(market)).positions[0]), 0
    for minute in range(24 * 60):
        position, account = (await read(market)).positions[0], await venue.account(SYMBOL)
        trades += await trade_to(venue, -position.base, account.position_base, f"h{minute}")
        await clock.advance(60)
    position, account = (await read(market)).positions[0], await venue.account(SYMBOL)
    hedged = value(position) + account.margin_balance_quote - first - 10_000
    assert value(position) - first > 500
    assert -150 < hedged < 0
    assert 10 < trades < 200


async def trade_to(venue: PaperVenue, target: Decimal, position: Decimal, cid: str) -> int:
    """One market order when the target is more than 0.2 ETH away; how many orders were sent."""
    gap = target - position
    if abs(gap) < Decimal("0.2"):
        return 0
    side = OrderSide.BUY if gap > 0 else OrderSide.SELL
    quantity = abs(gap).quantize(Decimal("0.001"))
    await venue.place(OrderRequest(cid, SYMBOL, side, quantity, OrderType.MARKET, reduce_only=False))
    return 1


def test_the_ports_are_kept() -> None:
    """The type checker accepts the demo's parts where the core asks for its ports."""
    market, clock = market_at_start()
    positions: LpPositions = market.lp_positions()
    feed: MarketFeed = market.feed()
    venue: PerpVenue = PaperVenue(feed, MemoryStore(), clock, terms_of(market.config().paper))
    assert positions is not None
    assert venue.rules(SYMBOL).symbol == SYMBOL


async def test_a_paced_clock_runs_and_sleeps_that_much_faster() -> None:
    """At speed 60 a real second is a minute, and a minute's sleep takes one real second."""
    real = ManualClock(datetime(2026, 1, 1, tzinfo=RECORDED_START.tzinfo))
    clock = PacedClock(real, start=RECORDED_START, speed_s=60)
    sleeping = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    await real.advance(0.5)
    assert not sleeping.done()
    await real.advance(0.5)
    await sleeping
    assert clock.now() == RECORDED_START + timedelta(minutes=1)
    assert clock.monotonic_s() == 60
