"""The exchange of a configuration: what is asked, and what it tells by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from core.clock import Clock, PacedClock
from core.errors import ConfigurationError
from core.ports import PerpVenue
from core.venue_watch import Streams

if TYPE_CHECKING:
    from bot.settings import Settings
    from core.config import HedgeConfig
    from core.exchange.binance import BinanceVenue, WantedTerms
    from core.exchange.paper import PaperStore, PaperVenue

# A pushed market older than this is asked for instead.
PUSHED_FOR = timedelta(seconds=2)


def perp_venue(
    settings: Settings, paper: PaperStore, clock: Clock, *, sets_terms: bool = False
) -> tuple[PerpVenue, Streams]:
    """Binance itself in live mode; on paper its public prices and an account kept in `paper`.

    `sets_terms`: leverage and margin type of a flat symbol are set as configured; whoever only looks changes nothing.
    """
    url = settings.around.values.stream_url
    if settings.config.mode != "live":
        return _paper_venue(settings, paper, clock, url)
    venue = live_venue(settings, clock, sets_terms=sets_terms)
    return venue, Streams(venue.account_stream(url), venue.market_stream(url)) if url else Streams()


def live_venue(settings: Settings, clock: Clock, *, sets_terms: bool = False) -> BinanceVenue:
    """Asks nothing yet. `sets_terms`: it may set leverage and margin type. Raises ConfigurationError without keys."""
    from core.exchange.binance import BinanceVenue
    from core.exchange.binance_client import BinanceAccess

    values = settings.around.values
    if values.binance_api_key is None or values.binance_api_secret is None:
        raise ConfigurationError('mode = "live" needs BINANCE_API_KEY and BINANCE_API_SECRET in .env.')
    access = BinanceAccess(
        key=values.binance_api_key,
        secret=values.binance_api_secret,
        futures_url=values.binance_futures_url,
        spot_url=values.spot_url,
    )
    wanted = _wanted_by_symbol(settings) if sets_terms else {}
    return BinanceVenue(access, clock, wall=_wall(clock), wanted=wanted)


def _paper_venue(
    settings: Settings, paper: PaperStore, clock: Clock, stream_url: str | None
) -> tuple[PaperVenue, Streams]:
    from core.exchange.binance_market import BinanceMarket
    from core.exchange.binance_market_stream import BinanceMarketStream
    from core.exchange.binance_public import BinancePublic
    from core.exchange.paper import PaperVenue, terms_of
    from core.exchange.paper_markets import PaperMarkets
    from core.exchange.streamed_market import StreamedMarket

    public = BinancePublic(settings.around.values.binance_futures_url, clock, wall=_wall(clock))
    asked, terms = BinanceMarket(public, clock), terms_of(settings.config.paper)
    if stream_url is None:
        venue = PaperVenue(asked, paper, clock, terms)
        return venue, Streams(account=venue)
    pushed = BinanceMarketStream(asked.unit, public.server_now_ms, clock, stream_url=stream_url)
    venue = PaperVenue(StreamedMarket(pushed, asked, clock, max_age=PUSHED_FOR), paper, clock, terms, deep=asked)
    return venue, Streams(venue, PaperMarkets(pushed, venue))


def _wall(clock: Clock) -> Clock | None:
    """What the exchange's clock is compared with: the system's own, unless the program's is made to run faster."""
    return clock if isinstance(clock, PacedClock) else None


def _wanted_by_symbol(settings: Settings) -> Mapping[str, WantedTerms]:
    wanted = {hedge.symbol: _wanted_terms(hedge) for hedge in settings.config.hedges.values()}
    return {symbol: terms for symbol, terms in wanted.items() if terms}


def _wanted_terms(hedge: HedgeConfig) -> WantedTerms | None:
    from core.exchange.binance import WantedTerms

    leverage = None if hedge.leverage == "keep" else hedge.leverage
    isolated = None if hedge.margin_type == "keep" else hedge.margin_type == "isolated"
    return None if leverage is None and isolated is None else WantedTerms(leverage, isolated)
