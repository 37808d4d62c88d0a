"""Request budgets: what is reserved is what the exchange counts, and no crowd of requests overshoots it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.clock import ManualClock, SystemClock
from core.errors import LpHedgeError, Transient
from core.exchange import binance_client
from core.exchange.binance import BinanceVenue
from core.exchange.binance_budget import Budget
from core.exchange.binance_client import CLOCK_SYNC_EVERY_S, BinanceAccess
from core.exchange.binance_messages import RateLimit
from core.exchange.binance_outcome import Failure
from core.exchange.binance_public import BinancePublic
from core.exchange.binance_traffic import Traffic
from core.exchange.binance_weights import COSTS, Cost, Purpose
from core.facts import OrderType, TimeInForce
from tests.exchange.conftest import SYMBOLS
from tests.exchange.orders import SELL_HALF
from tests.rigs.venue import PLACE, POSITION, VenueServer, faults

T0 = datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)
TIME = "GET /fapi/v1/time"
READ = Cost(100, Purpose.DECIDING)
ETH = "ETHUSDT"


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


READS: dict[str, Callable[[BinanceVenue], Awaitable[object]]] = {
    "market": lambda venue: venue.market(ETH),
    "account": lambda venue: venue.account(ETH),
    "order": lambda venue: venue.find_order(ETH, "lph-1"),
    "order by number": lambda venue: venue.find_order_by_venue_id(ETH, 1),
    "open orders": lambda venue: venue.open_orders(ETH),
    "trades": lambda venue: venue.trades(ETH, after_trade_id=1, since=long_ago()),
    "trades since": lambda venue: venue.trades(ETH, after_trade_id=None, since=long_ago()),
    "cancel": lambda venue: venue.cancel(ETH, "lph-1"),
    "guard": lambda venue: venue.guard_resting(ETH, 120),
    "income": lambda venue: venue.income(since=long_ago()),
    "rights": lambda venue: venue.admin.key_rights(),
    "offset": lambda venue: venue.admin.clock_offset_ms(),
    "leverage": lambda venue: venue.admin.set_leverage(ETH, 5),
    "margin type": lambda venue: venue.admin.set_margin_type(ETH, isolated=True),
    "filters": lambda venue: venue.prepare([ETH]),
}


def own_weight(venue: BinanceVenue) -> int:
    """Reserved here, whatever the exchange said."""
    return venue._client.traffic._weight._ours()


def traffic_of(venue: BinanceVenue) -> Traffic:
    return venue._client.traffic


@pytest.mark.parametrize("name", READS)
async def test_each_read_reserves_what_the_exchange_counts(
    venue: VenueServer, binance: BinanceVenue, name: str
) -> None:
    """From the first request on, the two sums are one."""
    await READS[name](binance)
    assert own_weight(binance) == venue.limits.weight.used() == traffic_of(binance)._weight.used


async def test_public_reads_reserve_what_the_exchange_counts(venue: VenueServer) -> None:
    """On paper, too, where the weight of a book goes by its depth."""
    public = BinancePublic(venue.url, SystemClock())
    await public.exchange_info(lambda answer: answer)
    for levels in (5, 100, 1000):
        await public.depth(ETH, levels, lambda answer: answer)
    await public.premium_index(ETH, lambda answer: answer)
    await public.aclose()
    assert public.traffic._weight.used == venue.limits.weight.used() == 1 + 1 + 2 + 5 + 20 + 1


async def test_an_order_weighs_nothing_and_is_counted(venue: VenueServer, binance: BinanceVenue) -> None:
    """Per account, in both of its windows."""
    before = traffic_of(binance)._weight.used
    await binance.place(SELL_HALF)
    assert traffic_of(binance)._weight.used == before
    assert [budget.used for budget in traffic_of(binance)._orders.values()] == [1, 1]


async def test_a_crowd_of_reads_does_not_overshoot(
    venue: VenueServer, access: BinanceAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three hundred at once, none of which has an answer yet when the last one asks to leave."""
    monkeypatch.setattr(binance_client, "CONNECT_TIMEOUT_S", 60.0)  # they wait for each other's connections
    binance = BinanceVenue(replace(access, timeout_s=60.0), SystemClock())
    await binance.prepare(SYMBOLS)
    answers = await asyncio.gather(*(binance.account(ETH) for _ in range(300)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, LpHedgeError)]
    assert 0 < len(refused) < 300
    assert all(isinstance(each, Transient) and "request limit" in str(each) for each in refused)
    assert {request.status for request in venue.journal} == {200}
    assert venue.limits.weight.used() <= 2400 * 90 // 100
    await binance.aclose()


async def test_a_crowd_of_orders_does_not_overshoot(venue: VenueServer, binance: BinanceVenue) -> None:
    """The limit of the exchange's own list is kept without one -1015."""
    venue.limits.orders_10s.limit = 20
    traffic_of(binance).adopt_limits([orders(20, seconds=10)])
    resting = replace(
        SELL_HALF,
        order_type=OrderType.LIMIT,
        price=Decimal(2100),
        time_in_force=TimeInForce.GTC,
        quantity_base=Decimal(1),
    )
    asked = (binance.place(replace(resting, client_order_id=f"lph-{n}")) for n in range(30))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(refused) == 10
    for each in refused:
        assert isinstance(each, Transient) and each.retry_after_s is not None and 0 < each.retry_after_s <= 10
    assert len(venue.requests(PLACE)) == len(venue.exchange.orders) == 20


async def test_what_is_only_shown_stops_first_and_orders_last(venue: VenueServer, steady: BinanceVenue) -> None:
    """As others of this address use up the minute: first the income, then book and position, and never the query."""
    seen = [set[str]() for _ in range(3)]
    for stopped, weight in zip(seen, (1400, 700, 20), strict=True):
        venue.limits.spend_weight(weight)
        await steady.find_order(ETH, "lph-1")
        for name in ("income", "account", "order", "trades", "cancel", "open orders", "guard"):
            try:
                await READS[name](steady)
            except Transient:
                stopped.add(name)
    assert seen == [{"income"}, {"income", "account"}, {"income", "account"}]
    assert {request.status for request in venue.journal} <= {200, 400}


async def test_limits_are_the_exchange_s_own(binance: BinanceVenue) -> None:
    """A kind that is not known here is passed over."""
    traffic = traffic_of(binance)
    unknown = RateLimit(rateLimitType="RAW_REQUESTS", interval="MINUTE", intervalNum=5, limit=61000)
    odd = RateLimit(rateLimitType="ORDERS", interval="FORTNIGHT", intervalNum=1, limit=1)
    weight = RateLimit(rateLimitType="REQUEST_WEIGHT", interval="MINUTE", intervalNum=1, limit=1200)
    traffic.adopt_limits([unknown, odd, weight, orders(50, seconds=10)])
    assert traffic._weight.limit == 1200
    assert [budget.limit for budget in traffic._orders.values()] == [50, 1200]


async def test_a_refused_order_is_counted_until_its_window_is_over(venue: VenueServer, binance: BinanceVenue) -> None:
    """Its answer may lack the counts: what left is taken to count."""
    venue.faults.add(PLACE, faults.error(400, -2019, "Margin is insufficient."))
    with pytest.raises(LpHedgeError):
        await binance.place(SELL_HALF)
    assert traffic_of(binance)._orders[10].used == 1


async def test_the_clock_is_measured_again_every_ten_minutes(venue: VenueServer, access: BinanceAccess) -> None:
    """And not before: three samples each time."""
    clock = ManualClock(datetime.now(UTC))
    adapter = BinanceVenue(access, clock)
    await adapter.prepare([ETH])
    venue.exchange.clock_offset_ms = 3_000
    await clock.advance(CLOCK_SYNC_EVERY_S - 1)
    await adapter.open_orders(ETH)
    assert len(venue.requests(TIME)) == 3
    await clock.advance(2)
    await adapter.open_orders(ETH)
    assert len(venue.requests(TIME)) == 6
    assert adapter._client.clock_offset_ms == pytest.approx(3_000, abs=500)
    await adapter.aclose()


async def test_the_clock_is_measured_again_after_1021(venue: VenueServer, binance: BinanceVenue) -> None:
    """A clock that jumped costs one refusal of a read and of an order, and the order exists once."""
    for offset_ms in (60_000, -60_000):
        venue.exchange.clock_offset_ms = offset_ms
        await binance.open_orders(ETH)
    venue.exchange.clock_offset_ms = 60_000
    await binance.place(SELL_HALF)
    assert len(venue.exchange.orders) == 1
    assert [request.code for request in venue.requests(PLACE)] == [-1021, None]


@pytest.mark.parametrize(
    ("fault", "words", "lasts_s"),
    [
        (faults.banned_418(7200), "Binance banned this address", 7200),
        (faults.firewall_403(), "Binance's firewall refuses this address", 300),
    ],
)
async def test_a_ban_is_known_with_its_end(
    venue: VenueServer, binance: BinanceVenue, fault: faults.Fault, words: str, lasts_s: int
) -> None:
    """Nothing leaves until then, and every refusal names the same moment."""
    listening = asyncio.create_task(binance.next_ban())
    await binance.account(ETH)
    assert not listening.done()
    venue.faults.add(POSITION, fault)
    with pytest.raises(Transient):
        await binance.account(ETH)
    async with asyncio.timeout(20):
        ban = await listening
    sent = len(venue.journal)
    assert ban.detail == words
    assert (ban.until - datetime.now(UTC)).total_seconds() == pytest.approx(lasts_s, abs=30)
    said = set[str]()
    for asking in (binance.market(ETH), binance.place(SELL_HALF), binance.find_order(ETH, "lph-1")):
        with pytest.raises(Transient) as caught:
            await asking
        said.add(str(caught.value))
    assert said == {f"{words} until {ban.until:%Y-%m-%d %H:%M:%S} UTC"}
    assert len(venue.journal) == sent


async def test_a_short_silence_is_no_ban(venue: VenueServer, binance: BinanceVenue) -> None:
    """429 is asked for every now and then; it ends by itself."""
    venue.faults.add(POSITION, faults.rate_limited_429(7))
    with pytest.raises(Transient):
        await binance.account(ETH)
    listening = asyncio.create_task(binance.next_ban())
    await asyncio.sleep(0.01)
    assert not listening.done()
    listening.cancel()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


async def test_the_longer_of_two_times_counts_and_a_ban_ends(clock: ManualClock) -> None:
    """The header and the text of a 418 may differ; a shorter one that comes later shortens nothing."""
    traffic = Traffic(clock)
    until_ms = int((T0 + timedelta(seconds=600)).timestamp() * 1000)
    traffic.note_failure(Failure("x", 418, -1003, f"IP banned until {until_ms}.", retry_after_s=120.0))
    traffic.note_failure(Failure("x", 429, -1003, "Too many requests.", retry_after_s=5.0))
    assert (await traffic.next_ban()).until == T0 + timedelta(seconds=600)
    await clock.advance(599)
    with pytest.raises(Transient):
        traffic.take_order()
    await clock.advance(2)
    traffic.take_order()


async def test_the_exchange_s_count_and_ours(clock: ManualClock) -> None:
    """Theirs sees other programs, ours what is under way; an answer overtaken by a later one lowers nothing."""
    budget = Budget(60, 1000, clock)
    for _ in range(3):
        budget.reserve(100)
    assert budget.used == 300
    budget.settle(100, counted=700)
    assert budget.used == 900
    budget.settle(100, counted=600)
    assert budget.used == 800
    assert budget.wait_s(200) == 0 and budget.wait_s(201) == 30 and budget.wait_s(150, 90) == 30
    budget.settle(100, counted=None)
    assert budget.used == 800
    await clock.advance(30)
    assert budget.used == 300, "a new minute of theirs began, but ours lasts"
    assert budget.wait_s(800) == 30
    await clock.advance(30)
    assert budget.used == 0


async def test_reads_go_on_when_the_minute_is_over(clock: ManualClock) -> None:
    """The wait that was named is enough."""
    traffic = Traffic(clock)
    permit = traffic.take_read(READ)
    traffic.settle(permit, {"X-MBX-USED-WEIGHT-1M": "2399"})
    with pytest.raises(Transient) as caught:
        traffic.take_read(READ)
    assert caught.value.retry_after_s == 30
    await clock.advance(30)
    traffic.take_read(READ)


def test_what_tells_of_orders_is_held_back_for_them() -> None:
    """The table says so of each."""
    kept = {what for what, cost in COSTS.items() if cost.purpose is Purpose.ORDERS}
    assert kept >= {"order query", "trades", "cancel", "open orders", "dead man's switch", "clock"}
    assert COSTS["income"].purpose is Purpose.SHOWN


def orders(limit: int, *, seconds: int) -> RateLimit:
    return RateLimit(rateLimitType="ORDERS", interval="SECOND", intervalNum=seconds, limit=limit)
