"""The exchange's side: clock, symbol, key, modes, margin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.key_rights import read_faults
from bot.preflight.findings import Finding, fix, must_fix, ok, warn
from bot.preflight.streams import examine_account_stream, examine_market_stream
from bot.settings import Settings
from bot.venues import live_venue
from core.clock import Clock
from core.errors import LpHedgeError, Transient
from core.exchange.binance import BinanceVenue
from core.exchange.binance_market import BinanceMarket
from core.exchange.binance_market_stream import BinanceMarketStream
from core.exchange.binance_messages import Malformed
from core.exchange.binance_public import BinancePublic
from core.facts import Market, PerpAccount, SymbolRules
from core.replay.theory.volatility import realised_sigma_per_day

CANDLES = 1441
CANDLE_S = 60.0
CLOSE_COLUMN = 4
CLOCK_LIMIT_MS = 1000


@dataclass(frozen=True, slots=True)
class Perp:
    """`sigma_per_day` None: no recent prices to be had. `account` None: paper, or not readable."""

    rules: SymbolRules
    market: Market
    sigma_per_day: float | None
    account: PerpAccount | None = None


@dataclass(frozen=True, slots=True)
class ExchangeSide:
    """`perps` by symbol, of those that could be read."""

    findings: tuple[Finding, ...]
    perps: dict[str, Perp]


async def examine_exchange(settings: Settings, clock: Clock, *, allow_withdrawal_key: bool) -> ExchangeSide:
    """The account only in live mode, and only once the symbols are known. Trades and changes nothing."""
    findings, perps = await _public_side(settings, clock)
    if settings.config.mode != "live" or not perps:
        return ExchangeSide(tuple(findings), perps)
    try:
        venue = live_venue(settings, clock)
    except LpHedgeError as error:
        return ExchangeSide((*findings, fix("exchange key", str(error))), perps)
    stream_url = settings.around.values.stream_url
    try:
        findings += await _account_side(venue, perps, allow_withdrawal_key=allow_withdrawal_key)
        if stream_url is not None and not must_fix(findings):
            findings.append(await examine_account_stream(venue.account_stream(stream_url)))
    finally:
        await venue.aclose()
    return ExchangeSide(tuple(findings), perps)


async def read_perp(futures_url: str, symbol: str, clock: Clock) -> Perp:
    """One perpetual's public side. Raises Refused (unknown symbol) or Transient."""
    public = BinancePublic(futures_url, clock)
    market = BinanceMarket(public, clock)
    try:
        await market.prepare([symbol])
        return Perp(market.rules(symbol), await market.market(symbol), await _volatility(public, symbol))
    finally:
        await public.aclose()


async def _public_side(settings: Settings, clock: Clock) -> tuple[list[Finding], dict[str, Perp]]:
    """What is told to anybody, first asked and then heard."""
    public = BinancePublic(settings.around.values.binance_futures_url, clock)
    market = BinanceMarket(public, clock)
    stream_url = settings.around.values.stream_url
    try:
        findings, perps = await _clock_and_symbols(settings, public, market, clock)
        if stream_url is not None and perps:
            stream = BinanceMarketStream(market.unit, public.server_now_ms, clock, stream_url=stream_url)
            findings.append(await examine_market_stream(stream, perps))
    finally:
        await public.aclose()
    return findings, perps


async def _clock_and_symbols(
    settings: Settings, public: BinancePublic, market: BinanceMarket, clock: Clock
) -> tuple[list[Finding], dict[str, Perp]]:
    findings: list[Finding] = []
    perps: dict[str, Perp] = {}
    try:
        await market.prepare([])
    except LpHedgeError as error:
        return [fix("exchange", f"{error}: check BINANCE_FUTURES_URL and the connection")], perps
    offset_ms = public.server_now_ms() - int(clock.now().timestamp() * 1000)
    says = f"differs by {abs(offset_ms)} ms, which is allowed for"
    far = abs(offset_ms) > CLOCK_LIMIT_MS
    findings.append(
        warn("exchange clock", f"{says}; let the system keep its time") if far else ok("exchange clock", says)
    )
    for name, hedge in settings.config.hedges.items():
        try:
            await market.prepare([hedge.symbol])
            rules, now = market.rules(hedge.symbol), await market.market(hedge.symbol)
        except LpHedgeError as error:
            findings.append(fix(f"{name}: symbol", str(error)))
            continue
        perps[hedge.symbol] = Perp(rules, now, await _volatility(public, hedge.symbol))
        limits = f"step {rules.step_size:f}, smallest order {rules.min_notional_quote:f} {rules.quote_asset}"
        findings.append(ok(f"{name}: symbol", f"{hedge.symbol} at {now.mark_price:.6g}, {limits}"))
    return findings, perps


async def _volatility(public: BinancePublic, symbol: str) -> float | None:
    try:
        return realised_sigma_per_day(await public.klines(symbol, "1m", CANDLES, closes_of), CANDLE_S)
    except LpHedgeError:  # without it a stated assumption takes its place
        return None


def closes_of(answer: object) -> list[float]:
    """The closing prices of Binance's candles. Raises Malformed."""
    if not isinstance(answer, list):
        raise Malformed("candles are no list")
    try:
        closes = [float(candle[CLOSE_COLUMN]) for candle in answer]
    except (TypeError, ValueError, LookupError):
        raise Malformed("a candle without a close") from None
    if any(close <= 0 for close in closes):
        raise Malformed("a candle that closes at nothing")
    return closes


async def _account_side(venue: BinanceVenue, perps: dict[str, Perp], *, allow_withdrawal_key: bool) -> list[Finding]:
    symbols = list(perps)
    try:
        await venue.prepare(symbols)
        findings = await _key(venue, allow_withdrawal_key=allow_withdrawal_key)
        for symbol in symbols:
            account = await venue.account(symbol)
            perps[symbol] = Perp(perps[symbol].rules, perps[symbol].market, perps[symbol].sigma_per_day, account)
            findings += await _terms(venue, symbol, account)
    except Transient as error:
        return [fix("exchange account", f"{error}: try again")]
    except LpHedgeError as error:
        return [fix("exchange account", str(error))]
    return findings


async def _key(venue: BinanceVenue, *, allow_withdrawal_key: bool) -> list[Finding]:
    faults = await read_faults(venue, allows_withdrawals=allow_withdrawal_key)
    found = [(fix if fault.refuses else warn)("exchange key", fault.detail) for fault in faults]
    return found or [ok("exchange key", "futures yes, withdrawals no, restricted to known addresses")]


async def _terms(venue: BinanceVenue, symbol: str, account: PerpAccount) -> Sequence[Finding]:
    terms = await venue.admin.terms(symbol)
    subject = f"{symbol} account"
    margin = "isolated" if terms.isolated else "cross"
    sides = "hedge mode" if terms.modes.hedge_mode else "one-way mode"
    mode = ok(subject, f"{sides}, {margin} margin, leverage {terms.leverage}")
    held = f"position {account.position_base:f}, available {account.available_balance_quote:.2f}"
    fees = f"taker fee {account.taker_fee_rate * 10000:.3g} bps"
    found = [mode, ok(subject, f"{held}, {fees}")]
    if terms.isolated:
        away_pct = (account.initial_rate - account.maintenance_rate) / (1 + account.maintenance_rate) * 100
        isolated = f"isolated at leverage {terms.leverage}: a short is liquidated {away_pct:.1f} % above its entry"
        found.append(
            warn(subject, f"{isolated}; min_liquidation_distance_pct must be under that, or the leverage lower")
        )
    if terms.modes.multi_assets:
        found.append(warn(subject, "multi-assets mode: the available balance counts all assets, in USD"))
    return found
