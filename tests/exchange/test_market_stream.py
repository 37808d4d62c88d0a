"""Books and marks as they are pushed: the same facts as by request, and None or an error where there is none."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from core.clock import SystemClock
from core.errors import Refused, Transient
from core.exchange.binance import BinanceVenue
from core.exchange.binance_events import BookEvent
from core.exchange.binance_market import BinanceMarket
from core.exchange.binance_market_stream import ANEW_AFTER_MS, BinanceMarketStream
from core.exchange.binance_messages import parse_one
from core.exchange.binance_public import BinancePublic
from core.exchange.binance_streams import Liveness
from core.facts import Market
from core.news_ports import MarketStream
from tests.exchange import recorded
from tests.exchange.conftest import SYMBOLS
from tests.exchange.listening import Listening, until
from tests.rigs.venue import VenueServer
from tests.rigs.venue.shapes import Json

BOOK, MARK = "depthUpdate", "markPriceUpdate"
QUICK = Liveness(ping_every_s=0.2, pong_within_s=4.0, open_within_s=10.0)
SILENT_AFTER_S = 5.0
FROM_NOW_S = 60.0  # an age that no busy machine makes, and far from that by a wrong clock


class Ear:
    """A market stream without a key, as paper mode has it, and who listens to it."""

    def __init__(self, venue: VenueServer, market: BinanceMarket, public: BinancePublic) -> None:
        self.market = market
        self.stream: MarketStream = BinanceMarketStream(
            market.unit,
            public.server_now_ms,
            SystemClock(),
            stream_url=venue.stream_url,
            silent_after_s=SILENT_AFTER_S,
            liveness=QUICK,
        )

    def listen(self, *symbols: str) -> Listening[str]:
        self.listening = Listening[str](lambda on_move: self.stream.listen(symbols, on_move))
        return self.listening

    def latest(self, symbol: str = "ETHUSDT") -> Market:
        market = self.stream.latest(symbol)
        assert market is not None
        return market

    async def until(self, is_so: Callable[[Market], bool], symbol: str = "ETHUSDT") -> Market:
        def so() -> bool:
            market = self.stream.latest(symbol)
            return market is not None and is_so(market)

        await self.listening.until(so)
        return self.latest(symbol)


@pytest.fixture
async def silent_ear(venue: VenueServer) -> AsyncIterator[Ear]:
    """Prepared, and not yet listening."""
    public = BinancePublic(venue.url, SystemClock())
    market = BinanceMarket(public, SystemClock())
    await market.prepare(SYMBOLS)
    made = Ear(venue, market, public)
    yield made
    if hasattr(made, "listening"):
        await made.listening.stop()
    await public.aclose()


@pytest.fixture
async def ear(silent_ear: Ear) -> Ear:
    """Listening to all symbols, and each has a market."""
    silent_ear.listen(*SYMBOLS)
    for symbol in SYMBOLS:
        await silent_ear.until(lambda market: True, symbol)
    return silent_ear


@pytest.mark.parametrize("symbol", SYMBOLS)
async def test_the_same_facts_as_by_request(ear: Ear, symbol: str) -> None:
    """In BASE, also where Binance counts in thousands; twenty levels deep."""
    pushed, asked = ear.latest(symbol), await ear.market.market(symbol)
    assert len(pushed.bids) == len(pushed.asks) == 20
    assert (pushed.bids, pushed.asks) == (asked.bids[:20], asked.asks[:20])
    assert (pushed.mark_price, pushed.index_price) == (asked.mark_price, asked.index_price)
    assert (pushed.funding_rate, pushed.next_funding_time) == (asked.funding_rate, asked.next_funding_time)
    assert abs(pushed.as_of - asked.as_of) < timedelta(seconds=FROM_NOW_S)


async def test_a_move_is_told_at_once(venue: VenueServer, ear: Ear) -> None:
    """By its symbol, and the newest market is there when it is told."""
    venue.exchange.set_price("BNBUSDT", Decimal(650))
    market = await ear.until(lambda market: market.mid > 640, "BNBUSDT")
    assert market.mark_price in (Decimal(600), Decimal(650))
    assert (await ear.until(lambda market: market.mark_price == 650, "BNBUSDT")).index_price == 650
    assert "BNBUSDT" in ear.listening.news
    assert ear.latest("ETHUSDT").mark_price == 2000


async def test_the_account_s_own_session_makes_one_too(venue: VenueServer, binance: BinanceVenue) -> None:
    """Live mode: the same stream, by the venue's own measure of the clock."""
    stream = binance.market_stream(venue.stream_url)
    listening = Listening[str](lambda on_move: stream.listen(["ETHUSDT"], on_move))
    await listening.until(lambda: stream.latest("ETHUSDT") is not None)
    await listening.stop()


async def test_no_market_before_both_halves_were_heard(venue: VenueServer, silent_ear: Ear) -> None:
    """A book without a mark is no market, nor is a mark without a book."""
    assert silent_ear.stream.latest("ETHUSDT") is None
    venue.hub.quiet = {"ethusdt@markPrice@1s", "bnbusdt@depth20"}
    silent_ear.listen("ETHUSDT", "BNBUSDT")
    await silent_ear.listening.until(lambda: {"ETHUSDT", "BNBUSDT"} <= set(silent_ear.listening.news))
    assert silent_ear.stream.latest("ETHUSDT") is None
    assert silent_ear.stream.latest("BNBUSDT") is None
    assert silent_ear.stream.latest("BTCUSDT") is None


async def test_one_empty_side_is_no_market(venue: VenueServer, ear: Ear) -> None:
    """As long as it lasts."""
    venue.exchange.set_book("ETHUSDT", [], [(Decimal(2001), Decimal(1))])
    await ear.listening.until(lambda: ear.stream.latest("ETHUSDT") is None)
    venue.exchange.set_price("ETHUSDT", Decimal(2002))
    await ear.until(lambda market: market.mid > 2001)


@pytest.mark.parametrize("offset_ms", [-120_000, 90_000])
async def test_a_wrong_local_clock_does_not_make_it_old_or_young(venue: VenueServer, offset_ms: int) -> None:
    """The exchange's stamps are compared with the exchange's own clock."""
    venue.exchange.clock_offset_ms = offset_ms
    public = BinancePublic(venue.url, SystemClock())
    market = BinanceMarket(public, SystemClock())
    await market.prepare(["ETHUSDT"])
    stream = BinanceMarketStream(market.unit, public.server_now_ms, SystemClock(), stream_url=venue.stream_url)
    listening = Listening[str](lambda on_move: stream.listen(["ETHUSDT"], on_move))
    await listening.until(lambda: stream.latest("ETHUSDT") is not None)
    latest = stream.latest("ETHUSDT")
    await listening.stop()
    await public.aclose()
    assert latest is not None
    assert abs(datetime.now(UTC) - latest.as_of) < timedelta(seconds=FROM_NOW_S)


async def test_it_is_as_old_as_its_older_half(venue: VenueServer, ear: Ear) -> None:
    """A book of now does not make a mark of a minute ago young."""
    before = ear.latest().as_of
    venue.hub.quiet = {"ethusdt@markPrice@1s"}
    for _ in range(10):  # until what was on its way is there
        await asyncio.sleep(0.025)
    mark_at = ear.latest().as_of
    await asyncio.sleep(0.6)
    assert before <= mark_at == ear.latest().as_of
    assert datetime.now(UTC) - mark_at > timedelta(seconds=0.5)


async def test_a_message_that_was_long_on_its_way_is_old(venue: VenueServer, ear: Ear) -> None:
    """By how long it took."""
    venue.exchange.set_funding("ETHUSDT", Decimal("0.5"))
    venue.hub.market_faults.delay(0.5, MARK, lambda event: event["s"] == "ETHUSDT")
    venue.exchange.set_price("ETHUSDT", Decimal(2000))
    market = await ear.until(lambda market: market.funding_rate == Decimal("0.5"))
    assert datetime.now(UTC) - market.as_of > timedelta(seconds=0.45)


OLD: dict[str, Callable[[Json], Json]] = {
    "an older update": lambda event: {**event, "u": event["u"] - 1, "b": [["1.00", "1"]]},  # type: ignore[operator]
    "the same update, older": lambda event: {**event, "E": event["E"] - 9_000, "b": [["1.00", "1"]]},  # type: ignore[operator]
}


@pytest.mark.parametrize("edit", OLD.values(), ids=OLD)
async def test_old_books_are_passed_over(venue: VenueServer, ear: Ear, edit: Callable[[Json], Json]) -> None:
    """The newest stays."""
    for _ in range(len(SYMBOLS) * 5):
        venue.hub.market_faults.edit(edit, BOOK)
    worst = Decimal(2000)
    for _ in range(60):
        worst = min(worst, ear.latest().best_bid)
        await asyncio.sleep(0.01)
    assert worst > 1900
    assert not ear.listening.task.done()


async def test_books_swapped_on_their_way(venue: VenueServer, ear: Ear) -> None:
    """The one that was made later counts."""
    venue.hub.book_every_s = 60  # no book told again mends what is tested here
    await asyncio.sleep(0.25)
    venue.hub.market_faults.swap(BOOK)
    venue.exchange.set_price("ETHUSDT", Decimal(2100))
    venue.exchange.set_price("ETHUSDT", Decimal(2200))
    await ear.until(lambda market: market.mid > 2150)
    await asyncio.sleep(0.15)
    assert ear.latest().mid > 2150


ENDINGS: dict[str, Callable[[VenueServer], None]] = {
    "books closed": lambda venue: venue.hub.close_all(1000, root="public"),
    "marks closed": lambda venue: venue.hub.close_all(1001, root="market"),
    "books reset": lambda venue: venue.hub.close_all(root="public", abruptly=True),
    "marks reset": lambda venue: venue.hub.close_all(root="market", abruptly=True),
    "books half open": lambda venue: venue.hub.go_silent(root="public"),
    "marks half open": lambda venue: venue.hub.go_silent(root="market"),
    "all books silent": lambda venue: venue.hub.quiet.update(f"{each.lower()}@depth20" for each in SYMBOLS),
    "all marks silent": lambda venue: venue.hub.quiet.update(f"{each.lower()}@markPrice@1s" for each in SYMBOLS),
    "garbage": lambda venue: venue.hub.say("]]{{", root="public"),
    "nested": lambda venue: venue.hub.say("[" * 100_000, root="public"),
    "empty": lambda venue: venue.hub.say("{}", root="market"),
    "a list": lambda venue: venue.hub.say("[]", root="market"),
    "another stream": lambda venue: venue.hub.say('{"stream": "x@depth20", "data": {}}', root="public"),
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
async def test_every_ending_is_told(venue: VenueServer, ear: Ear, ending: Callable[[VenueServer], None]) -> None:
    """Transient, of one half as of both, and no market is left over."""
    ending(venue)
    error = await ear.listening.failure()
    assert isinstance(error, Transient)
    assert "Binance" in str(error)
    assert ear.stream.latest("ETHUSDT") is None
    await until(lambda: venue.hub.connected(private=False) == 0)


async def test_one_silent_market_silences_no_other(venue: VenueServer, ear: Ear) -> None:
    """It grows old by its own `as_of`; the others go on."""
    venue.hub.quiet |= {"bnbusdt@depth20", "bnbusdt@markPrice@1s"}
    await asyncio.sleep(SILENT_AFTER_S + 0.5)
    older = ear.latest("BNBUSDT")
    await ear.until(lambda newer: newer.as_of - older.as_of > timedelta(seconds=0.5))
    assert not ear.listening.task.done()


NONSENSE: dict[str, tuple[str, dict[str, object]]] = {
    "another symbol": (BOOK, {"s": "BTCUSDT"}),
    "another kind": (BOOK, {"e": "kline"}),
    "no time": (BOOK, {"E": None}),
    "a time beyond all": (BOOK, {"E": 10**17}),
    "no update id": (BOOK, {"u": "5"}),
    "numbers for text": (BOOK, {"b": [[2000.1, 1.0]]}),
    "half a level": (BOOK, {"a": [["2000.1"]]}),
    "no asks": (BOOK, {"a": None}),
    "not a number": (BOOK, {"a": [["NaN", "1"]]}),
    "no mark": (MARK, {"p": None}),
    "an empty rate": (MARK, {"r": ""}),
    "no funding time": (MARK, {"T": 10**17}),
}


@pytest.mark.parametrize(("kind", "change"), NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_ends_it(venue: VenueServer, ear: Ear, kind: str, change: dict[str, object]) -> None:
    """As soon as somebody asks, and no market is made of it."""
    venue.hub.market_faults.edit(lambda event: {**event, **change}, kind)
    seen: list[Market] = []

    def ended_while_looked_at() -> bool:
        seen.extend(filter(None, map(ear.stream.latest, SYMBOLS)))
        return ear.listening.task.done()

    await until(ended_while_looked_at)
    error = await ear.listening.failure()
    assert isinstance(error, Transient)
    assert "made no sense" in str(error)
    assert all(market.mark_price and market.asks for market in seen)


async def test_it_listens_again(venue: VenueServer, ear: Ear) -> None:
    """One object for the program's life, which remembers nothing of the connection before."""
    venue.hub.close_all(1001)
    await ear.listening.failure()
    venue.exchange.set_price("ETHUSDT", Decimal(2500))
    ear.listen("ETHUSDT")
    assert ear.stream.latest("ETHUSDT") is None
    assert (await ear.until(lambda market: True)).mid > 2400


async def test_update_ids_that_begin_anew(venue: VenueServer, ear: Ear) -> None:
    """After a restart of the exchange they are taken once the time has gone on too far for an old message."""
    began_ms = venue.exchange.now_ms()
    venue.exchange.set_price("ETHUSDT", Decimal(2010))
    await ear.until(lambda market: market.mid > 2005)
    venue.exchange.books["ETHUSDT"].update_id = 5
    venue.exchange.set_price("ETHUSDT", Decimal(2222))
    await ear.until(lambda market: market.mid > 2200)
    assert venue.exchange.now_ms() - began_ms > ANEW_AFTER_MS


async def test_refused_connections(venue: VenueServer, silent_ear: Ear) -> None:
    """With the wait that was asked for."""
    venue.hub.refusing = True
    error = await silent_ear.listen("ETHUSDT").failure()
    assert isinstance(error, Transient)
    assert error.retry_after_s == 5.0


async def test_a_symbol_that_was_not_prepared_is_refused(silent_ear: Ear) -> None:
    """Without its unit its amounts mean nothing."""
    assert isinstance(await silent_ear.listen("BTCUSDT").failure(), Refused)


async def test_cancelling_leaves_nothing_behind(venue: VenueServer, ear: Ear) -> None:
    """Both connections are closed."""
    await ear.listening.stop()
    await until(lambda: venue.hub.connected(private=False) == 0)
    assert ear.stream.latest("ETHUSDT") is None


@pytest.mark.parametrize(
    "path",
    ["market/stream?streams=ethusdt@depth20", "public/ws/ethusdt@markPrice@1s", "public/ws/ETHUSDT@bookTicker"],
)
async def test_the_rig_serves_a_stream_under_its_own_root_only(venue: VenueServer, path: str) -> None:
    """A wrong root, or capitals, would hear nothing on the live exchange."""
    async with ClientSession() as session:
        with pytest.raises(WSServerHandshakeError):
            await session.ws_connect(f"{venue.stream_url}/{path}")


def test_recorded_books_are_understood() -> None:
    """Levels exactly as sent, update ids rising."""
    last = 0
    for frame in recorded.stream("depth_stream_2021-07_sushiusdt.jsonl"):
        message = frame["msg"]
        assert isinstance(message, dict)
        event = message["data"]
        book = parse_one(BookEvent, event)
        assert [[str(price), str(size)] for price, size in book.bids] == event["b"]
        assert event["u"] > last
        last = event["u"]


def test_paper_mode_does_not_pay_for_python_binance() -> None:
    """The import is live mode's alone."""
    code = "import sys, core.exchange.binance_market_stream; sys.exit('binance' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
