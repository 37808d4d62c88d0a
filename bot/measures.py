"""What a status is measured by for alerts: margin, liquidation, funding, range, age. Pure.

None is "not known now", which neither begins nor ends an alert.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.alerting import Sense, Threshold
from core.config import AlertsConfig, HedgeConfig
from core.status import HedgeStatus, PerpStatus

Figures = Mapping[str, str]
HUNDRED = Decimal(100)
DAY = timedelta(hours=24)
# What an exchange pays or takes at least so often; shorter where two payments were seen nearer to each other.
FUNDING_EVERY = timedelta(hours=8)
# Of the limit, the part that is left: below 1 it is an alert, over 1.2 it is over.
LEFT = Threshold(Decimal(1), Sense.SHRINKS)
FAR = Decimal(1000)


@dataclass(frozen=True, slots=True)
class Measure:
    """`value`: None when it is not known. `figures`: behind it, for the message."""

    value: Decimal | None
    figures: Figures


UNKNOWN = Measure(None, {})


def is_current(status: HedgeStatus, hedge: HedgeConfig) -> bool:
    """Whether the venue's figures are of its last look, not of a time before it went blind."""
    return status.venue_age_s is not None and status.venue_age_s <= venue_limit_s(hedge)


def venue_limit_s(hedge: HedgeConfig) -> float:
    """A read may be as old as one poll on top of what a decision accepts."""
    return float(hedge.max_price_age_seconds) + float(hedge.poll_seconds)


def chain_limit_s(hedge: HedgeConfig) -> float:
    """As `venue_limit_s`: one poll on top of what a decision accepts."""
    return float(hedge.max_chain_age_seconds) + float(hedge.poll_seconds)


def old_ages_s(status: HedgeStatus, hedge: HedgeConfig) -> Mapping[str, float | None]:
    """Ages of what was last read too long ago, by the reason that a decision has then; None: never read. The exchange
    first: where both are old, the status's detail is about it."""
    ages = (
        ("stale_venue", status.venue_age_s, venue_limit_s(hedge)),
        ("stale_chain", status.chain_age_s, chain_limit_s(hedge)),
    )
    return {reason: age_s for reason, age_s, limit_s in ages if age_s is None or age_s > limit_s}


def liquidation_distance(perp: PerpStatus) -> Decimal | None:
    """Fraction the mark may move until liquidation; None when either is not known or there is none."""
    if not perp.mark_price or not perp.liquidation_price:
        return None
    return abs(perp.liquidation_price - perp.mark_price) / perp.mark_price


def liquidation_left(status: HedgeStatus, alerts: AlertsConfig) -> Measure:
    """The distance as a part of `liquidation_distance_pct`; far without a position or a liquidation price."""
    perp, limit = status.perp, alerts.liquidation_distance_pct
    if perp.position_base is None:
        return UNKNOWN
    fraction = liquidation_distance(perp) if perp.position_base else None
    if fraction is None or not limit:
        return Measure(FAR, {})
    distance = fraction * HUNDRED
    figures = {
        "nearest": status.name,
        "liquidation_price": f"{perp.liquidation_price}",
        "mark_price": f"{perp.mark_price}",
        "distance_pct": f"{distance}",
    }
    return Measure(distance / limit, figures)


def margin_left(statuses: Sequence[HedgeStatus], alerts: AlertsConfig) -> Measure:
    """Of the account behind these: the smaller of what is left of the margin ratio's limit and of the nearest
    liquidation's. `statuses`: current ones that share one margin."""
    balances = _newest_balances(statuses)
    if balances is None:
        return UNKNOWN
    balance, demanded = balances
    ratio = margin_ratio_pct(balance, demanded)
    left = _ratio_left(ratio, alerts.margin_ratio_pct) if alerts.margin_ratio_pct else FAR
    nearest = _nearest(statuses, alerts)
    figures = {"ratio_pct": f"{ratio}", "balance_quote": f"{balance}", "maintenance_quote": f"{demanded}"}
    return Measure(left if nearest.value is None else min(left, nearest.value), {**nearest.figures, **figures})


def _ratio_left(ratio_pct: Decimal, limit_pct: Decimal) -> Decimal:
    """Past the limit, of what lies between it and 100; within it, how far, so that any limit can be come back from."""
    if ratio_pct <= limit_pct:
        return 2 - ratio_pct / limit_pct
    return (HUNDRED - ratio_pct) / (HUNDRED - limit_pct)


def _nearest(statuses: Sequence[HedgeStatus], alerts: AlertsConfig) -> Measure:
    known = [measure for measure in (liquidation_left(each, alerts) for each in statuses) if measure.value is not None]
    return min(known, key=lambda measure: FAR if measure.value is None else measure.value, default=UNKNOWN)


def _newest_balances(statuses: Sequence[HedgeStatus]) -> tuple[Decimal, Decimal] | None:
    """(margin balance, maintenance margin) as they were read last."""
    read = [balances for status in statuses if (balances := _balances(status.perp)) is not None]
    return max(read)[1:] if read else None


def _balances(perp: PerpStatus) -> tuple[datetime, Decimal, Decimal] | None:
    """(when they were read, margin balance, maintenance margin)."""
    if perp.read_at is None or perp.margin_balance is None or perp.maintenance_margin is None:
        return None
    return perp.read_at, perp.margin_balance, perp.maintenance_margin


def margin_ratio_pct(balance_quote: Decimal, maintenance_quote: Decimal) -> Decimal:
    """The venue's own measure: 100 is liquidation. Without a balance, 100 as soon as anything is demanded."""
    if not maintenance_quote:
        return Decimal(0)
    return min(HUNDRED, maintenance_quote / balance_quote * HUNDRED) if balance_quote > 0 else HUNDRED


class FundingPace:
    """How often a symbol's funding is paid, from the times of the payments to come; mutable."""

    def __init__(self) -> None:
        self._next: dict[str, datetime] = {}
        self._every: dict[str, timedelta] = {}

    def every(self, perp: PerpStatus) -> timedelta:
        """As two payments to come lay apart, eight hours before that; less where the hour of the next says so."""
        at = perp.next_funding_time
        before = self._next.get(perp.symbol)
        if at is not None and before is not None and timedelta(0) < at - before <= FUNDING_EVERY:
            self._every[perp.symbol] = at - before
        if at is not None:
            self._next[perp.symbol] = at
        seen = self._every.get(perp.symbol, FUNDING_EVERY)
        return seen if at is None else min(seen, _grid(at))


def _grid(at: datetime) -> timedelta:
    """The longest time between payments of which one is at that hour: they are told by the hours of a UTC day."""
    hour = at.astimezone(UTC).hour
    return timedelta(hours=next(every for every in (8, 4, 2, 1) if hour % every == 0))


def funding_paid(status: HedgeStatus, every: timedelta, alerts: AlertsConfig) -> Measure:
    """In % of the position a day, at the coming rate; 0 or less when it is received."""
    perp = status.perp
    if perp.position_base is None or perp.funding_rate is None or perp.mark_price is None:
        return UNKNOWN
    times = Decimal(DAY // every)
    side = (perp.position_base > 0) - (perp.position_base < 0)
    pct = side * perp.funding_rate * times * HUNDRED
    quote = abs(perp.position_base) * perp.mark_price * pct / HUNDRED
    figures = {"pct_per_day": f"{pct}", "quote_per_day": f"{quote}", "limit_pct": f"{alerts.funding_pct_per_day}"}
    return Measure(pct, figures)
