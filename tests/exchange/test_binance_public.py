"""Paper mode's prices: no key, no python-binance, the same facts."""

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.clock import SystemClock
from core.errors import Refused, Transient
from core.exchange.binance import BinanceVenue
from core.exchange.binance_market import BinanceMarket
from core.exchange.binance_public import BinancePublic
from core.exchange.public_market import MarketFeed
from tests.exchange.conftest import TIMEOUT_S
from tests.rigs.venue import ANY, DEPTH, PREMIUM, Fault, VenueServer, faults


@pytest.fixture
async def feed(venue: VenueServer) -> AsyncIterator[MarketFeed]:
    source = BinancePublic(venue.url, SystemClock(), timeout_s=TIMEOUT_S)
    market: MarketFeed = BinanceMarket(source, SystemClock())
    await market.prepare(["ETHUSDT"])
    yield market
    await source.aclose()


async def test_the_same_facts_as_the_account_s_own_client(feed: MarketFeed, binance: BinanceVenue) -> None:
    """Filters and market are read the same way with and without a key."""
    keyless, keyed = await feed.market("ETHUSDT"), await binance.market("ETHUSDT")
    assert feed.rules("ETHUSDT") == binance.rules("ETHUSDT")
    assert (keyless.bids, keyless.asks, keyless.mark_price) == (keyed.bids, keyed.asks, keyed.mark_price)


async def test_no_key_is_sent(venue: VenueServer, feed: MarketFeed) -> None:
    """Nothing is signed."""
    await feed.market("ETHUSDT")
    assert not any("signature" in entry.params for entry in venue.journal)


@pytest.mark.parametrize("endpoint", [DEPTH, PREMIUM])
@pytest.mark.parametrize(
    "fault",
    [
        faults.drop(),
        faults.hang(5),
        faults.html_200(),
        faults.garbage(),
        faults.null_body(),
        faults.null_body(500),
        faults.empty_body(),
        faults.bad_gateway_502(),
        faults.unavailable_503(),
        faults.rate_limited_429(),
        faults.firewall_403(),
        faults.cut_body(),
    ],
    ids=lambda fault: fault.name,
)
async def test_failed_reads_are_transient(venue: VenueServer, feed: MarketFeed, endpoint: str, fault: Fault) -> None:
    """No market is made of a failure."""
    venue.faults.add(endpoint, fault, times=2)
    with pytest.raises(Transient):
        await feed.market("ETHUSDT")


async def test_unknown_symbol_is_refused(feed: MarketFeed) -> None:
    """At start, and when asked for without having been prepared."""
    with pytest.raises(Refused):
        await feed.prepare(["XYZUSDT"])
    with pytest.raises(Refused):
        feed.rules("BTCUSDT")


async def test_delisted_symbol_is_refused(venue: VenueServer, feed: MarketFeed) -> None:
    """A contract that settles cannot be hedged with."""
    info = {"symbol": "OLDUSDT", "status": "SETTLING", "contractType": "PERPETUAL", "baseAsset": "OLD"}
    lot = {"stepSize": "1", "minQty": "1", "maxQty": "9"}
    filters = [{"filterType": "LOT_SIZE", **lot}, {"filterType": "MARKET_LOT_SIZE", **lot}]
    filters += [{"filterType": "PRICE_FILTER", "tickSize": "1"}, {"filterType": "MIN_NOTIONAL", "notional": "5"}]
    symbols = [{**info, "marginAsset": "USDT", "filters": filters}]
    body = faults.body_200({"rateLimits": [], "symbols": symbols})
    venue.faults.add("GET /fapi/v1/exchangeInfo", body)
    with pytest.raises(Refused, match="SETTLING"):
        await feed.prepare(["OLDUSDT"])


async def test_wrong_local_clock_does_not_make_the_market_old(venue: VenueServer) -> None:
    """The exchange's stamps are compared with the exchange's own clock."""
    venue.exchange.clock_offset_ms = -120_000
    source = BinancePublic(venue.url, SystemClock())
    market = BinanceMarket(source, SystemClock())
    await market.prepare(["ETHUSDT"])
    read = await market.market("ETHUSDT")
    await source.aclose()
    assert abs(datetime.now(UTC) - read.as_of) < timedelta(seconds=20)
    assert read.mark_price == Decimal(2000)


async def test_silence_after_429(venue: VenueServer, feed: MarketFeed) -> None:
    """The address is banned for going on."""
    venue.faults.add(ANY, faults.rate_limited_429(60))
    for _ in range(3):
        with pytest.raises(Transient):
            await feed.market("ETHUSDT")
    assert len([entry for entry in venue.journal if entry.fault]) == 1


def test_paper_mode_does_not_pay_for_python_binance() -> None:
    """The import is live mode's alone."""
    code = "import sys, core.exchange.binance_public, core.exchange.binance_market; sys.exit('binance' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
