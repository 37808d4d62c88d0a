"""Which facts are missing or too old to act on, and whether the venue agrees with its own index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.facts import LpFacts, Market, PerpAccount
from core.hedging.states import Reason

DISLOCATION_PCT = Decimal(3)
DISLOCATION_FOR = timedelta(seconds=60)
# A clock that runs ahead of a chain or venue by more than this makes every age meaningless.
FUTURE_TOLERANCE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class AgeLimits:
    chain: timedelta
    price: timedelta


def chain_problem(facts: LpFacts | None, limits: AgeLimits, now: datetime) -> Reason:
    """Both when it was read and the time of the block that was read must be recent: a stopped node answers on."""
    if facts is None:
        return Reason.STALE_CHAIN
    fresh = _fresh(facts.as_of, limits.chain, now) and _fresh(facts.block.time, limits.chain, now)
    return Reason.NONE if fresh else Reason.STALE_CHAIN


def venue_problem(
    account: PerpAccount | None, market: Market | None, limits: AgeLimits, now: datetime, *, not_before: datetime | None
) -> Reason:
    """`not_before`: end of our last order; a position read earlier does not know of it."""
    if account is None or not _fresh(account.as_of, limits.price, now):
        return Reason.STALE_VENUE
    if not_before is not None and account.as_of < not_before:
        return Reason.STALE_VENUE
    return Reason.NONE if _is_priced(market, limits, now) else Reason.NO_PRICE


def _is_priced(market: Market | None, limits: AgeLimits, now: datetime) -> bool:
    """By a fresh book whose sides do not meet."""
    if market is None or not _fresh(market.as_of, limits.price, now):
        return False
    prices = (market.best_bid, market.best_ask, market.mark_price)
    return min(prices) > 0 and market.best_bid < market.best_ask


def dislocated_since(market: Market, since: datetime | None, now: datetime) -> datetime | None:
    """When the mark left its index by more than 3 %; None while it has not. Hand in the last answer."""
    if market.index_price <= 0:
        return since
    apart = abs(market.mark_price - market.index_price) * 100 > DISLOCATION_PCT * market.index_price
    return (since or now) if apart else None


def is_dislocated(since: datetime | None, now: datetime) -> bool:
    """For a minute without a break; `since` as `dislocated_since` answered."""
    return since is not None and now >= since + DISLOCATION_FOR


def _fresh(at: datetime, limit: timedelta, now: datetime) -> bool:
    return -FUTURE_TOLERANCE <= now - at <= limit
