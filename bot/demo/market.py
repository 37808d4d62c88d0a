"""The embedded market as the program sees it: positions on a chain, a perpetual's prices, and a configuration.

    market = DemoMarket.load(seed=1, clock=clock)
    venue = PaperVenue(market.feed(), store, clock, terms_of(market.config().paper))
    positions = market.lp_positions()

Time is the injected clock's: the recorded path begins at `started`, by default the moment of `load`, and goes on as
that clock does. A second run over the same database gives the first one's `started` and finds the market
where it would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from bot.demo.book import levels
from bot.demo.chain import CHAIN, HEDGE, POOL_ADDRESS, WALLET_ADDRESS, DemoChain, DemoPositions
from bot.demo.path import RecordedPath
from core.clock import Clock
from core.config import Config
from core.errors import Refused
from core.facts import Market, SymbolRules

SYMBOL = "ETHUSDT"
_SECOND = timedelta(seconds=1)

RULES = SymbolRules(
    symbol=SYMBOL,
    base_asset="ETH",
    quote_asset="USDT",
    tick_size=Decimal("0.01"),
    step_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(10000),
    market_step_size=Decimal("0.001"),
    market_min_quantity=Decimal("0.001"),
    market_max_quantity=Decimal(2000),
    min_notional_quote=Decimal(20),
)


class DemoFeed:
    """`core.exchange.public_market.MarketFeed` over the recorded path; the mark is the traded price."""

    def __init__(self, path: RecordedPath, started: datetime, clock: Clock, *, seed: int) -> None:
        self._path = path
        self._started = started
        self._clock = clock
        self._seed = seed
        self._last: Market | None = None

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Reads nothing. Raises Refused for every symbol but the demo's."""
        for symbol in symbols:
            self.rules(symbol)

    async def aclose(self) -> None:
        """There is nothing to close."""

    def rules(self, symbol: str) -> SymbolRules:
        """Raises Refused for every symbol but the demo's."""
        if symbol != SYMBOL:
            raise Refused(f"The embedded market trades {SYMBOL} only, not {symbol}", code="-1121")
        return RULES

    async def market(self, symbol: str) -> Market:
        """The same one for everybody within one moment of the clock."""
        self.rules(symbol)
        now = self._clock.now()
        if self._last is None or self._last.as_of != now:
            self._last = self._market_at(now)
        return self._last

    def _market_at(self, now: datetime) -> Market:
        second = (now - self._started) // _SECOND
        ticks = self._path.price_ticks(second)
        funding = self._path.funding_after(second)
        key = self._seed << 32 | second
        return Market(
            symbol=SYMBOL,
            bids=levels(ticks, away=-1, noise_key=key),
            asks=levels(ticks, away=1, noise_key=key),
            mark_price=Decimal(ticks).scaleb(-2),
            index_price=Decimal(ticks).scaleb(-2),
            funding_rate=funding.rate,
            next_funding_time=self._started + funding.at_s * _SECOND,
            as_of=now,
        )


class DemoMarket:
    """Everything of one run. The same seed gives the same market, however and how often it is looked at."""

    def __init__(self, path: RecordedPath, clock: Clock, started: datetime, *, seed: int, moves: bool) -> None:
        self.started = started
        self.path = path
        self.chain = DemoChain(path, started, seed=seed, moves=moves)
        self._positions = DemoPositions(self.chain, clock)
        self._feed = DemoFeed(path, started, clock, seed=seed)

    @classmethod
    def load(cls, *, seed: int, clock: Clock, started: datetime | None = None, moves: bool = True) -> DemoMarket:
        """Read the recording. Without `moves` the provider leaves its position where it is."""
        return cls(RecordedPath.load(seed=seed), clock, started or clock.now(), seed=seed, moves=moves)

    def lp_positions(self) -> DemoPositions:
        """One for all who ask: they share the chain."""
        return self._positions

    def feed(self) -> DemoFeed:
        """One for all who ask."""
        return self._feed

    def config(self, *, approval_timeout_s: int = 300) -> Config:
        """A hedge of about 10,000 QUOTE: the opening asks for approval, the usual rebalance does not.

        `approval_timeout_s` in the market's time: someone who answers in a faster market needs more of it.
        """
        hedge = {
            "chain": CHAIN,
            "amm_type": "uniswap_v3",
            "lp_position_ids": "all",
            "pool_id": POOL_ADDRESS,
            "wallet": WALLET_ADDRESS,
            "symbol": SYMBOL,
            "approval_over_quote": "1000",
            "approval_timeout_seconds": approval_timeout_s,
        }
        return Config.model_validate({"mode": "paper", "hedges": {HEDGE: hedge}})
