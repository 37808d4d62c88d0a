"""The account's own events: what they say, and that nothing is ever missed without an error."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import SecretStr

from core.clock import Clock, SystemClock
from core.errors import Refused, Transient
from core.exchange.binance import BinanceVenue
from core.exchange.binance_account_stream import BinanceAccountStream
from core.exchange.binance_client import BinanceAccess, BinanceClient
from core.exchange.binance_events import account_news, event_of
from core.exchange.binance_messages import Malformed, base_of
from core.exchange.binance_streams import Liveness
from core.facts import OrderSide, OrderStatus, PositionSide
from core.news_ports import AccountNews, AccountStream
from tests.core.pair import CountedClock
from tests.exchange import recorded
from tests.exchange.listening import PATIENCE_S, Listening, until
from tests.exchange.orders import SELL_HALF, SELL_RESTING
from tests.rigs.venue import VenueServer, faults

KEY = "POST /fapi/v1/listenKey"
KEEP = "PUT /fapi/v1/listenKey"
UNITS = {"ETHUSDT": 1, "BNBUSDT": 1, "1000PEPEUSDT": 1000}
QUICK = Liveness(ping_every_s=0.2, pong_within_s=4.0, open_within_s=10.0)
Make = Callable[..., AccountStream]
Listen = Callable[[AccountStream], Listening[AccountNews]]


@pytest.fixture
async def client(access: BinanceAccess) -> AsyncIterator[BinanceClient]:
    made = BinanceClient(access, SystemClock())
    yield made
    await made.aclose()


@pytest.fixture
def make(venue: VenueServer, client: BinanceClient) -> Make:
    def make(*, clock: Clock | None = None, liveness: Liveness | None = None, queue: int = 1000) -> AccountStream:
        return BinanceAccountStream(
            client,
            UNITS.get,
            clock or SystemClock(),
            stream_url=venue.stream_url,
            liveness=liveness,
            queue=queue,
        )

    return make


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    running: list[Listening[AccountNews]] = []

    def listen(stream: AccountStream) -> Listening[AccountNews]:
        running.append(Listening(stream.listen))
        return running[-1]

    yield listen
    for each in running:
        await each.stop()


@pytest.fixture
async def heard(make: Make, listen: Listen) -> Listening[AccountNews]:
    """A stream that is up."""
    listening = listen(make(liveness=QUICK))
    await listening.count(1)
    return listening


def fills(news: list[AccountNews]) -> list[tuple[str, int]]:
    return [(each.fill.symbol, each.fill.trade_id) for each in news if each.fill]


async def test_first_news_says_that_it_is_up(venue: VenueServer, heard: Listening[AccountNews]) -> None:
    """Empty, and once; the connection stands by then."""
    assert heard.news == [AccountNews()]
    assert venue.hub.connected(private=True) == 1


@pytest.mark.parametrize(("symbol", "quantity"), [("ETHUSDT", "0.5"), ("1000PEPEUSDT", "40000000")])
async def test_an_order_of_ours_is_told_as_requests_tell_it(
    binance: BinanceVenue, heard: Listening[AccountNews], symbol: str, quantity: str
) -> None:
    """Report and fill are the very values of the order query and the trade list, in BASE."""
    order = replace(SELL_HALF, symbol=symbol, quantity_base=Decimal(quantity))
    began = datetime.now(UTC)
    await binance.place(order)
    news = await heard.count(4)
    new, moved, filled = news[1:]
    assert new.report is not None
    assert (new.report.status, new.report.executed_base) == (OrderStatus.NEW, Decimal(0))
    assert new.fill is None
    assert moved == AccountNews(symbol, balance_moved=True)
    assert filled.report == await binance.find_order(symbol, order.client_order_id)
    assert (filled.fill,) == await binance.trades(symbol, after_trade_id=None, since=began)


async def test_a_resting_order_and_its_end(binance: BinanceVenue, heard: Listening[AccountNews]) -> None:
    """New, then cancelled, without any fill."""
    await binance.place(SELL_RESTING)
    await binance.cancel("ETHUSDT", SELL_RESTING.client_order_id)
    reports = [each.report for each in (await heard.count(3))[1:]]
    assert [each and each.status for each in reports] == [OrderStatus.NEW, OrderStatus.CANCELED]
    assert reports[-1] == await binance.find_order("ETHUSDT", SELL_RESTING.client_order_id)


async def test_symbols_that_were_not_prepared(venue: VenueServer, heard: Listening[AccountNews]) -> None:
    """No unit, no report: only that something moved."""
    venue.exchange.set_position("BTCUSDT", Decimal("0.1"))
    venue.hub.settled()
    news = await heard.count(4)
    assert set(news[1:]) == {AccountNews("BTCUSDT", balance_moved=True)}


@pytest.mark.parametrize("client_id", ["autoclose-1755000000000000000", "adl_autoclose", "settlement_autoclose-7"])
async def test_the_exchange_s_own_orders(venue: VenueServer, heard: Listening[AccountNews], client_id: str) -> None:
    """Liquidation, ADL and settlement come with the ids that they have."""
    venue.exchange.set_position("ETHUSDT", Decimal("-0.5"), client_id=client_id)
    news = await heard.count(4)
    assert {each.report.client_order_id for each in news if each.report} == {client_id}
    assert news[3].fill is not None
    assert (news[3].fill.side, news[3].fill.quantity_base) == (OrderSide.SELL, Decimal("0.5"))


async def test_hedge_mode(venue: VenueServer, heard: Listening[AccountNews]) -> None:
    """The zero row of BOTH that comes along makes no second news; the fill has its leg."""
    venue.exchange.set_hedge_mode(dual=True)
    venue.exchange.set_position("ETHUSDT", Decimal("-0.5"), side="SHORT")
    news = await heard.count(4)
    assert news[2] == AccountNews("ETHUSDT", balance_moved=True)
    assert news[3].fill is not None
    assert news[3].fill.position_side is PositionSide.SHORT


async def test_balances_without_a_position(venue: VenueServer, heard: Listening[AccountNews]) -> None:
    """A transfer, and funding of a crossed position: nobody's symbol."""
    venue.hub.flood(1)
    assert (await heard.count(2))[1] == AccountNews(None, balance_moved=True)


async def test_events_that_come_twice_late_or_in_another_order(
    venue: VenueServer, heard: Listening[AccountNews]
) -> None:
    """They are told as they come; the fill's id tells that it is the same one."""
    venue.hub.user_faults.duplicate("ORDER_TRADE_UPDATE", lambda event: event["o"]["X"] == "FILLED")  # type: ignore[index]
    venue.hub.user_faults.swap("ORDER_TRADE_UPDATE")
    venue.hub.user_faults.delay(0.2, "ACCOUNT_UPDATE")
    venue.exchange.set_position("ETHUSDT", Decimal("-0.5"))
    news = (await heard.count(5))[1:]
    (trade_id,) = {trade_id for _, trade_id in fills(news)}
    assert fills(news) == [("ETHUSDT", trade_id)] * 2
    assert news[-1] == AccountNews("ETHUSDT", balance_moved=True)
    assert [each.report.status for each in news if each.report][-1] is OrderStatus.FILLED


async def test_a_fill_without_its_fee_is_a_report_only(venue: VenueServer, heard: Listening[AccountNews]) -> None:
    """No fee is not a fee of zero."""
    drop_fee = lambda event: {**event, "o": {k: v for k, v in event["o"].items() if k not in "nN"}}  # noqa: E731
    venue.hub.user_faults.edit(lambda event: event, "ORDER_TRADE_UPDATE")
    venue.hub.user_faults.edit(drop_fee, "ORDER_TRADE_UPDATE")
    venue.exchange.set_position("ETHUSDT", Decimal("-0.5"))
    filled = (await heard.count(4))[3]
    assert filled.report is not None
    assert (filled.report.status, filled.fill) == (OrderStatus.FILLED, None)


ENDINGS: dict[str, Callable[[VenueServer], None]] = {
    "closed": lambda venue: venue.hub.close_all(1000),
    "going away": lambda venue: venue.hub.close_all(1001),
    "policy": lambda venue: venue.hub.close_all(1008),
    "reset": lambda venue: venue.hub.close_all(abruptly=True),
    "half open": lambda venue: venue.hub.go_silent(),
    "key expired": lambda venue: venue.hub.expire_listen_key(),
    "key expired, told twice": lambda venue: venue.hub.expire_listen_key(times=2),
    "garbage": lambda venue: venue.hub.say("]]{{ not json"),
    "not an event": lambda venue: venue.hub.say('["what"]'),
    "no kind": lambda venue: venue.hub.say('{"id": 1}'),
    "deeply nested": lambda venue: venue.hub.say("[" * 100_000),
    "order event without order": lambda venue: venue.hub.say('{"e": "ORDER_TRADE_UPDATE"}'),
    "account event without changes": lambda venue: venue.hub.say('{"e": "ACCOUNT_UPDATE", "a": []}'),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_every_ending_is_told_and_final(
    venue: VenueServer, heard: Listening[AccountNews], ending: Callable[[VenueServer], None]
) -> None:
    """Transient, soon, and without the key in it."""
    key = venue.hub.listen_key or ""
    ending(venue)
    error = await heard.failure()
    assert isinstance(error, Transient)
    assert "account stream" in str(error)
    assert key not in f"{error!r} {error.__cause__!r}"
    assert heard.news == [AccountNews()]


@pytest.mark.parametrize("ending", ["closed", "half open", "key expired"])
async def test_nobody_reconnects_behind_one_s_back(
    venue: VenueServer, heard: Listening[AccountNews], ending: str
) -> None:
    """The library's own first reconnect would come within two seconds."""
    ENDINGS[ending](venue)
    await heard.failure()
    await asyncio.sleep(2.2)
    assert len(venue.hub.handshakes) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("X", "SOMETHING"), ("z", 0.5), ("z", None), ("T", "now"), ("T", 10**18), ("i", None), ("s", 5)]
)
async def test_an_order_event_that_makes_no_sense(
    venue: VenueServer, heard: Listening[AccountNews], name: str, value: object
) -> None:
    """Blind is better than wrong."""
    venue.hub.user_faults.edit(lambda event: {**event, "o": {**event["o"], name: value}}, "ORDER_TRADE_UPDATE")  # type: ignore[dict-item]
    venue.exchange.set_position("ETHUSDT", Decimal("-0.5"))
    assert isinstance(await heard.failure(), Transient)
    assert not [each for each in heard.news if each.report]


async def test_a_living_connection_may_be_silent(heard: Listening[AccountNews]) -> None:
    """Many pings long."""
    await asyncio.sleep(1.5)
    assert not heard.task.done()


async def test_the_next_listening_is_whole(
    venue: VenueServer, make: Make, listen: Listen, heard: Listening[AccountNews]
) -> None:
    """A new key where the old one ended, a new socket, and events again."""
    old = venue.hub.listen_key
    venue.hub.expire_listen_key()
    await heard.failure()
    asked = len(venue.requests(KEY))
    again = listen(make())
    await again.count(1)
    venue.exchange.pay_funding("ETHUSDT")
    venue.exchange.set_position("ETHUSDT", Decimal("-0.5"))
    news = await again.count(4)
    assert fills(news)
    assert venue.hub.listen_key not in (None, old)
    assert len(venue.requests(KEY)) > asked


async def test_the_same_stream_listens_again(venue: VenueServer, make: Make, listen: Listen) -> None:
    """One object for the program's life; each connection begins with the empty news."""
    stream = make()
    for _ in range(3):
        listening = listen(stream)
        await listening.count(1)
        venue.hub.close_all(1001)
        await listening.failure()
        assert listening.news == [AccountNews()]


async def test_a_flood_is_heard_whole_or_ends_the_stream(venue: VenueServer, make: Make, listen: Listen) -> None:
    """However short the library's queue: no event is lost in silence."""
    for queue in (1000, 1):
        listening = listen(make(queue=queue))
        await listening.count(1)
        venue.hub.flood(2000)
        with suppress(Transient):
            await listening.count(2001)
        assert len(listening.news) == 2001 or queue == 1
        assert not listening.task.done() or isinstance(await listening.failure(), Transient)


async def test_an_overflow_ends_the_stream(venue: VenueServer, make: Make, listen: Listen) -> None:
    """The library stops reading and forgets what it had; that is said."""
    listening = listen(make(queue=0))
    await listening.count(1)
    venue.hub.flood(5)
    assert isinstance(await listening.failure(), Transient)


async def test_no_stream_where_connections_are_refused(venue: VenueServer, make: Make, listen: Listen) -> None:
    """The wait that Binance asks for goes along."""
    venue.hub.refusing = True
    listening = listen(make())
    error = await listening.failure()
    assert isinstance(error, Transient)
    assert (error.retry_after_s, listening.news) == (5.0, [])


async def test_no_stream_where_nothing_listens(venue: VenueServer, make: Make, client: BinanceClient) -> None:
    """Not even a port."""
    stream = BinanceAccountStream(client, UNITS.get, SystemClock(), stream_url="ws://127.0.0.1:9")
    with pytest.raises(Transient):
        await stream.listen(lambda news: None)


@pytest.mark.parametrize(
    "fault",
    [faults.drop(), faults.html_200(), faults.null_body(), faults.unavailable_503(), faults.body_200({"listenKey": 5})],
    ids=lambda fault: fault.name,
)
async def test_no_listen_key_no_stream(venue: VenueServer, make: Make, fault: faults.Fault) -> None:
    """Nothing is connected, and it may be tried again."""
    venue.faults.add(KEY, fault)
    with pytest.raises(Transient):
        await make().listen(lambda news: None)
    assert venue.hub.handshakes == []


async def test_a_bad_key_is_refused(venue: VenueServer, access: BinanceAccess) -> None:
    """For good."""
    client = BinanceClient(replace(access, key=SecretStr("k" * 64)), SystemClock())
    stream = BinanceAccountStream(client, UNITS.get, SystemClock(), stream_url=venue.stream_url)
    with pytest.raises(Refused) as caught:
        await stream.listen(lambda news: None)
    await client.aclose()
    assert caught.value.code == "-2015"


class Aged:
    """A stream on a clock that the test moves."""

    def __init__(self, venue: VenueServer, clock: CountedClock, listening: Listening[AccountNews]) -> None:
        self._venue, self._clock, self.listening = venue, clock, listening

    async def later(self, minutes: int, keeps: int) -> None:
        """So many minutes, after which the key was kept so many times, and its keeper sleeps again or has given up."""
        await self._clock.advance(minutes * 60)
        await until(lambda: len(self._venue.requests(KEEP)) >= keeps)
        await until(lambda: self._clock.asleep == 1 or self.listening.task.done())
        assert len(self._venue.requests(KEEP)) == keeps


@pytest.fixture
async def aged(venue: VenueServer, make: Make, listen: Listen) -> Aged:
    clock = CountedClock()
    listening = listen(make(clock=clock))
    await listening.count(1)
    await until(lambda: clock.asleep == 1)
    return Aged(venue, clock, listening)


async def test_the_key_is_kept_every_half_hour(venue: VenueServer, aged: Aged) -> None:
    """By our own timer; the library's never comes."""
    await aged.later(29, 0)
    await aged.later(1, 1)
    await aged.later(30, 2)
    assert not aged.listening.task.done()
    assert len(venue.requests(KEY)) == 2


async def test_a_failed_renewal_is_repeated_within_the_key_s_hour(venue: VenueServer, aged: Aged) -> None:
    """After a minute, again and again; shortly before the hour is over the stream ends."""
    venue.faults.add(KEEP, faults.unavailable_503(), times=100)
    await aged.later(30, 1)
    for keeps in range(2, 27):
        await aged.later(1, keeps)
    assert not aged.listening.task.done()
    await aged.later(1, 27)
    assert isinstance(await aged.listening.failure(), Transient)


@pytest.mark.parametrize(
    "fault",
    [faults.error(400, -1125, "This listenKey does not exist."), faults.body_200({"listenKey": "another"})],
    ids=["gone", "another"],
)
async def test_a_key_that_is_gone_ends_the_stream(venue: VenueServer, aged: Aged, fault: faults.Fault) -> None:
    """Whoever listens on it hears nothing any more."""
    venue.faults.add(KEEP, fault)
    await aged.later(30, 1)
    error = await aged.listening.failure()
    assert isinstance(error, Transient)
    assert "no longer knows" in str(error)


@pytest.mark.parametrize("silent", [False, True], ids=["alive", "half open"])
async def test_cancelling_leaves_nothing_behind(
    venue: VenueServer, make: Make, listen: Listen, *, silent: bool
) -> None:
    """No task, no connection, and soon."""
    before = asyncio.all_tasks()
    listening = listen(make())
    await listening.count(1)
    if silent:
        venue.hub.go_silent()
    async with asyncio.timeout(5.0):
        await listening.stop()
    await until(lambda: not [task for task in asyncio.all_tasks() - before if "binance" in repr(task)])
    await until(lambda: venue.hub.connected(private=True) == 0)


@pytest.mark.parametrize("steps", range(8))
async def test_an_end_that_meets_an_event_is_not_lost(venue: VenueServer, make: Make, steps: int) -> None:
    """Ended in each of the event loop's turns after an event, while further ones wait to be read."""
    loop, heard = asyncio.get_running_loop(), []

    def end_after(turns: int) -> None:
        if turns:
            loop.call_soon(end_after, turns - 1)
        else:
            listening.cancel()

    def on_news(news: AccountNews) -> None:
        heard.append(news)
        if len(heard) == 5:
            end_after(steps)

    listening = asyncio.create_task(make().listen(on_news))
    await until(lambda: bool(heard) or listening.done())
    venue.hub.flood(50)
    done, _ = await asyncio.wait({listening}, timeout=PATIENCE_S)
    listening.cancel()
    assert done, f"{len(heard)} news were heard, and the stream goes on"
    assert listening.cancelled()


async def test_an_error_of_the_listener_is_not_hidden(make: Make) -> None:
    """It is a defect, not a broken stream."""

    def fail(news: AccountNews) -> None:
        raise KeyError("a defect")

    with pytest.raises(KeyError):
        await make().listen(fail)


async def test_the_logs_hold_no_key(
    venue: VenueServer, heard: Listening[AccountNews], caplog: pytest.LogCaptureFixture
) -> None:
    """What the libraries say of an ending."""
    key = venue.hub.listen_key or ""
    with caplog.at_level(logging.INFO):
        venue.hub.close_all(abruptly=True)
        await heard.failure()
    assert key not in caplog.text


RECORDED = sorted(path.name for path in (recorded.FOLDER / "ws").iterdir() if "stream" not in path.name)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_sessions_are_understood(name: str) -> None:
    """Every message ever recorded; an order event has its report, a trade its fill."""
    for message in recorded.stream(name):
        kind, event = event_of(message)
        news = account_news(kind, event, lambda symbol: base_of(symbol)[1])
        order = event.get("o") if kind == "ORDER_TRADE_UPDATE" else None
        assert bool(news) == (kind in ("ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"))
        if isinstance(order, dict):
            (told,) = news
            assert told.report is not None
            assert told.report.client_order_id == order["c"]
            assert (told.fill is not None) == (order["x"] == "TRADE")
            assert told.fill is None or str(told.fill.fee) == order["n"]


def test_orders_expired_in_match_are_expired() -> None:
    """With the part that was filled before."""
    (*_, message) = recorded.stream("session_2024-11_open_limit_btcusdt.jsonl")
    kind, event = event_of(message)
    order = {**event["o"], "x": "EXPIRED", "X": "EXPIRED_IN_MATCH", "z": "0.001"}  # type: ignore[dict-item]
    (told,) = account_news(kind, {**event, "o": order}, lambda symbol: 1)
    assert told.report is not None
    assert (told.report.status, told.report.executed_base) == (OrderStatus.EXPIRED, Decimal("0.001"))


def test_units_are_those_of_the_requests() -> None:
    """A thousand coins a unit: quantity up, price down, money as it is."""
    message = recorded.stream("order_update_filled_maker_2023-07_xemusdt.json")[0]
    kind, event = event_of(message)
    (told,) = account_news(kind, event, lambda symbol: 1000)
    assert told.fill is not None
    assert (told.fill.quantity_base, told.fill.price) == (Decimal(7_259_000), Decimal("0.0000275"))
    assert (told.fill.fee, told.fill.realised_pnl_quote) == (Decimal("0.03992450"), Decimal("-0.36230000"))


def test_a_fill_of_nothing_is_malformed() -> None:
    """An execution without a quantity is none."""
    message = recorded.stream("order_update_filled_maker_2023-07_xemusdt.json")[0]
    kind, event = event_of(message)
    order = {**event["o"], "l": "0"}  # type: ignore[dict-item]
    with pytest.raises(Malformed):
        account_news(kind, {**event, "o": order}, lambda symbol: 1)
