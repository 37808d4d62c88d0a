"""How a plan is carried out in replay: slices, quotes, fills. Compiled source (see `compiled`).

The same rules as `core.execution` without what only a venue can do to an order. Slices come at even times and sizes:
the live ones vary by chance. A quote is filled at its price once the opposite touch has reached it; nothing is known of
the queue before it, nor of moves between two points of the path.
"""

from __future__ import annotations

from typing import NamedTuple

from core.hedging.situation import in_lots
from core.replay.setup import LIMIT, MARKET, POST_ONLY, Conduct, Costs, Setup

RETRY_MS = 2000
REQUOTE_MS = 2000
CATCH_UP = 2
_QUOTE_WAY, _TAKE_WAY, _OVER = 0, 1, 2
# Where the configuration sets no slippage limit, a limit order still needs a price.
LIMIT_WITHOUT_CAP_BPS = 30.0
IMPACT_QUOTE = 100_000.0
_BPS = 10_000.0


class Plan(NamedTuple):
    """One rebalance under way; side 0: none. Sizes in steps. `quote_price` 0: nothing rests."""

    side: int
    whole: int
    done: int
    reduces: bool
    reason: int
    approved: bool
    begun_ms: int
    arrival: float
    last_order_ms: int
    wait_until_ms: int
    quote_price: float
    quote_size: int
    quoted_ms: int


class Move(NamedTuple):
    """One second's work on a plan: what was filled, if anything, and the plan then."""

    plan: Plan
    filled: int
    price: float
    is_maker: bool


def no_plan() -> Plan:
    """Its side is 0: nothing is under way."""
    return Plan(0, 0, 0, False, 0, False, 0, 0.0, 0, 0, 0.0, 0, 0)


def new_plan(signed: int, reduces: bool, reason: int, approved: bool, now_ms: int, mid: float) -> Plan:
    """`signed` in steps, below zero to sell; `mid` becomes the arrival that slippage counts from."""
    side = 1 if signed > 0 else -1
    return Plan(side, abs(signed), 0, reduces, reason, approved, now_ms, mid, 0, 0, 0.0, 0, 0)


def work(plan: Plan, left: int, now_ms: int, mid: float, mid_at_fill: float, urgent: bool, setup: Setup) -> Move:
    """`left`: as much of the plan as is still wanted. `mid_at_fill`: when an order sent now reaches the venue."""
    conduct, costs = setup.conduct, setup.costs
    smallest = _smallest(plan, mid, setup)
    if left < smallest:
        return Move(no_plan(), 0, 0.0, False)
    way = _way(plan, now_ms, urgent, setup)
    if plan.quote_price > 0.0:
        return _tend(plan, left, now_ms, mid, way, costs)
    if way == _OVER:
        return Move(no_plan(), 0, 0.0, False)
    due = 0 if now_ms < plan.wait_until_ms else _due(plan, left, smallest, now_ms, urgent, setup)
    if due == 0:
        return Move(plan, 0, 0.0, False)
    if way == _QUOTE_WAY:
        return Move(_quoting(plan, due, now_ms, touch(mid, plan.side, costs)), 0, 0.0, False)
    filled, price = taken(due, mid, mid_at_fill, plan.side, _limit_bps(urgent, conduct), setup)
    return Move(_sent(plan, filled, now_ms, RETRY_MS if filled < due else 0), filled, price, False)


def touch(mid: float, side: int, costs: Costs) -> float:
    """Where one quotes without taking: the ask for a sale, the bid for a purchase."""
    return mid * (1.0 - side * costs.half_spread_bps / _BPS)


def taken(steps: int, mid: float, mid_at_fill: float, side: int, limit_bps: float, setup: Setup) -> tuple[int, float]:
    """(steps that a taker gets, their average price) of a book that thickens evenly behind the touch.

    An order of N QUOTE pays `half_spread + impact * N / 100,000` bps on average. Where that is over the limit, or the
    order is a limit one, only what costs less at the margin is taken; the limit counts from the mid of the decision,
    so that a market that ran away meanwhile leaves nothing.
    """
    costs, step_base = setup.costs, float(setup.policy.step_base)
    average_bps = costs.half_spread_bps + costs.impact_bps * steps * step_base * mid / IMPACT_QUOTE
    filled = steps
    if limit_bps > 0.0 and (average_bps > limit_bps or setup.conduct.order_kind == LIMIT):
        room_bps = limit_bps - side * (mid_at_fill - mid) / mid * _BPS - costs.half_spread_bps
        filled = _within(steps, room_bps, step_base * mid_at_fill, costs)
        average_bps = costs.half_spread_bps + costs.impact_bps * filled * step_base * mid_at_fill / IMPACT_QUOTE
    return filled, mid_at_fill * (1.0 + side * average_bps / _BPS) if filled > 0 else 0.0


def _within(steps: int, room_bps: float, step_quote: float, costs: Costs) -> int:
    """How much of it costs no more than that at the margin, which grows twice as fast as the average."""
    if room_bps <= 0.0:
        return 0
    if costs.impact_bps <= 0.0:
        return steps
    return min(steps, int(room_bps / (2.0 * costs.impact_bps) * IMPACT_QUOTE / step_quote))


def _limit_bps(urgent: bool, conduct: Conduct) -> float:
    limit_bps = conduct.urgent_slippage_bps if urgent else conduct.max_slippage_bps
    return LIMIT_WITHOUT_CAP_BPS if conduct.order_kind == LIMIT and limit_bps <= 0.0 else limit_bps


def in_slices(plan: Plan, urgent: bool, setup: Setup) -> bool:
    """Whether it is worth enough, at its arrival, to be spread over time; never when it is urgent."""
    conduct = setup.conduct
    if urgent or conduct.twap_over_quote <= 0.0 or conduct.twap_duration_ms == 0:
        return False
    return plan.whole * float(setup.policy.step_base) * plan.arrival >= conduct.twap_over_quote


def _way(plan: Plan, now_ms: int, urgent: bool, setup: Setup) -> int:
    conduct = setup.conduct
    if conduct.order_kind == MARKET or (urgent and conduct.order_kind == POST_ONLY):
        return _TAKE_WAY
    patience_ms = conduct.limit_timeout_ms + (conduct.twap_duration_ms if in_slices(plan, urgent, setup) else 0)
    if conduct.limit_timeout_ms > 0 and plan.last_order_ms > 0 and now_ms >= plan.begun_ms + patience_ms:
        return _TAKE_WAY if conduct.falls_back else _OVER
    return _TAKE_WAY if conduct.order_kind == LIMIT else _QUOTE_WAY


def _smallest(plan: Plan, mid: float, setup: Setup) -> int:
    """A reduction is exempt from the least notional; so is the first order, which the kernel has judged already."""
    policy = setup.policy
    smallest = max(policy.min_steps, policy.lot_steps)
    if plan.reduces or plan.last_order_ms == 0:
        return smallest
    exact = float(policy.min_notional_quote) / (mid * float(policy.step_base))
    lots = int(exact / policy.lot_steps) + 1
    return max(smallest, lots * policy.lot_steps)


def _due(plan: Plan, left: int, smallest: int, now_ms: int, urgent: bool, setup: Setup) -> int:
    """Steps that may be sent now, in whole lots; what would be left over and too small goes along."""
    conduct, policy = setup.conduct, setup.policy
    most = min(left, conduct.most_steps)
    due = most
    if in_slices(plan, urgent, setup):
        due = min(most, _slice_due(plan, left, now_ms, setup))
    if due == 0:
        return 0
    if left - due < smallest:
        due = most
    due = in_lots(due, policy)
    return due if due >= smallest else 0


def _slice_due(plan: Plan, left: int, now_ms: int, setup: Setup) -> int:
    conduct, policy = setup.conduct, setup.policy
    smallest = int(float(policy.min_notional_quote) / (plan.arrival * float(policy.step_base))) + 1
    by_time = conduct.twap_duration_ms // conduct.twap_interval_ms
    count = max(1, min(by_time, plan.whole // smallest))
    every_ms = conduct.twap_duration_ms / count
    if plan.last_order_ms > 0 and now_ms < plan.last_order_ms + every_ms / 2:
        return 0
    begun = 1 + int((now_ms - plan.begun_ms) / every_ms)
    planned = plan.whole if begun >= count else plan.whole * begun // count
    due = min(max(planned - plan.done, 0), CATCH_UP * plan.whole // count)
    return due if due >= smallest or due >= left else 0


def _tend(plan: Plan, left: int, now_ms: int, mid: float, way: int, costs: Costs) -> Move:
    """A resting quote: filled, left, or taken back so that the next look quotes anew or takes."""
    opposite = touch(mid, -plan.side, costs)
    if plan.side * (plan.quote_price - opposite) >= 0.0:
        filled = min(plan.quote_size, left)
        return Move(_sent(plan, filled, now_ms, 0), filled, plan.quote_price, True)
    behind = plan.side * (plan.quote_price - touch(mid, plan.side, costs)) < 0.0
    stale = behind and now_ms - plan.quoted_ms >= REQUOTE_MS
    if way != _QUOTE_WAY or plan.quote_size > left or stale:
        return Move(_quoting(plan, 0, plan.quoted_ms, 0.0), 0, 0.0, False)
    return Move(plan, 0, 0.0, False)


def _quoting(plan: Plan, size: int, at_ms: int, price: float) -> Plan:
    return Plan(
        plan.side,
        plan.whole,
        plan.done,
        plan.reduces,
        plan.reason,
        plan.approved,
        plan.begun_ms,
        plan.arrival,
        at_ms,
        plan.wait_until_ms,
        price,
        size,
        at_ms,
    )


def _sent(plan: Plan, filled: int, now_ms: int, wait_ms: int) -> Plan:
    """After an order or a quote that came to its end; no plan any more once all of it is done."""
    if plan.done + filled >= plan.whole:
        return no_plan()
    return Plan(
        plan.side,
        plan.whole,
        plan.done + filled,
        plan.reduces,
        plan.reason,
        plan.approved,
        plan.begun_ms,
        plan.arrival,
        now_ms,
        now_ms + wait_ms,
        0.0,
        0,
        plan.quoted_ms,
    )
