"""A replay written a second time: plain Python over lists, knowing nothing of the engine, its kernel or the split.

One market order at a point when the band is left, to the target, filled a latency later on the way to the next point.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

YEAR_MS = 365 * 86_400_000
STEP_BASE = 0.001


@dataclass(frozen=True, slots=True)
class Terms:
    """The range in QUOTE per BASE, its liquidity, what trading costs, and the band in QUOTE."""

    lower: float
    upper: float
    liquidity: float
    band_quote: float
    taker_rate: float
    half_spread_bps: float
    impact_bps: float
    latency_ms: int
    fee_apr: float


@dataclass(slots=True)
class Account:
    """Running sums in QUOTE, but `perp_base` and `fee_base` in BASE; costs are negative."""

    perp_base: float = 0.0
    fee_base: float = 0.0
    lp_fees: float = 0.0
    lp_price: float = 0.0
    lvr: float = 0.0
    hedge: float = 0.0
    slippage: float = 0.0
    funding: float = 0.0
    commissions: float = 0.0
    turnover: float = 0.0
    trades: int = 0
    peak: float = 0.0
    drawdown: float = 0.0
    impermanent_loss: float = 0.0
    fill_prices: list[float] = field(default_factory=list)

    def net(self) -> float:
        earned = self.lp_fees + self.lp_price + self.lvr + self.hedge
        return earned + self.slippage + self.funding + self.commissions


def amounts(terms: Terms, price: float) -> tuple[float, float]:
    """(BASE, QUOTE) in the range at that price."""
    root = math.sqrt(min(max(price, terms.lower), terms.upper))
    base = terms.liquidity * (1 / root - 1 / math.sqrt(terms.upper))
    return base, terms.liquidity * (root - math.sqrt(terms.lower))


def plain_replay(
    times: Sequence[int], prices: Sequence[float], funding: Sequence[tuple[int, float]], terms: Terms
) -> Account:
    """`funding`: (milliseconds since the epoch, rate), by time."""
    account, due = Account(), [each for each in funding if each[0] > times[0]]
    ordered = wanted(account, prices[0], terms)
    for start_ms, end_ms, before, after in zip(times, times[1:], prices, prices[1:], strict=False):
        way = (after - before) / (end_ms - start_ms)
        trade(account, ordered, before, before + way * terms.latency_ms, after, terms)
        while due and due[0][0] <= end_ms:
            paid_ms, rate = due.pop(0)
            account.funding -= account.perp_base * (before + way * (paid_ms - start_ms)) * rate
        hold(account, before, after, end_ms - start_ms, terms)
        account.peak = max(account.peak, account.net())
        account.drawdown = max(account.drawdown, account.peak - account.net())
        ordered = wanted(account, after, terms)
    trade(account, ordered, prices[-1], prices[-1], prices[-1], terms)
    account.drawdown = max(account.drawdown, account.peak - account.net())
    (base, quote), last = amounts(terms, prices[0]), prices[-1]
    end_base, end_quote = amounts(terms, last)
    account.impermanent_loss = end_base * last + end_quote - base * last - quote
    return account


def wanted(account: Account, price: float, terms: Terms) -> float:
    """BASE to buy, negative to sell, in whole steps toward no trade; 0 within the band."""
    gap = -(amounts(terms, price)[0] + account.fee_base) - account.perp_base
    if abs(gap) * price < terms.band_quote:
        return 0.0
    return math.copysign(math.floor(abs(gap) / STEP_BASE + 1e-9) * STEP_BASE, gap)


def trade(account: Account, base: float, decided: float, reached: float, after: float, terms: Terms) -> None:
    """The whole bar's hedge result, of what was held and of what was bought at the price when that was decided."""
    account.hedge += (account.perp_base + base) * after - account.perp_base * decided - base * decided
    if base == 0.0:
        return
    away_bps = terms.half_spread_bps + terms.impact_bps * abs(base) * decided / 100_000
    price = reached * (1 + math.copysign(away_bps, base) / 10_000)
    account.slippage -= base * (price - decided)
    account.commissions -= abs(base) * price * terms.taker_rate
    account.turnover += abs(base) * price
    account.trades += 1
    account.fill_prices.append(price)
    account.perp_base += base


def hold(account: Account, before: float, after: float, way_ms: int, terms: Terms) -> None:
    """What the range and its fees did over a bar; half the fees come in BASE at the bar's first price."""
    (base, quote), (end_base, end_quote) = amounts(terms, before), amounts(terms, after)
    worth, end_worth = base * before + quote, end_base * after + end_quote
    account.lp_price += (base + account.fee_base) * (after - before)
    account.lvr += end_worth - worth - base * (after - before)
    if terms.lower <= before < terms.upper:
        earned = terms.fee_apr * worth * way_ms / YEAR_MS
        account.lp_fees += earned / 2 + earned / 2 / before * after
        account.fee_base += earned / 2 / before
