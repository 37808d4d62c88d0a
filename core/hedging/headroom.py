"""How far the short may grow, and how much of it must go when liquidation is near.

Kernel source (see `kernel`). For a short of size Q at mark M, with the equity E that stands behind this position (the
account's margin balance less what its other positions must keep) and maintenance rate m, the price of liquidation is
(E + Q*M) / (Q * (1 + m)): the usual (WB + Q*EP + cum) / (Q * (1 + m)) with the loss so far moved into E and `cum`,
which could only help, left out. Asking for a distance d above the mark and solving for Q gives

    Q <= E / (M * ((1 + m) * (1 + d) - 1))
"""

from __future__ import annotations

from core.hedging.kernel_types import Facts, Number, Policy
from core.hedging.situation import UNLIMITED, lots_for_quote, whole_lots
from core.hedging.states import Reason

_NONE = int(Reason.NONE)
_LOW_MARGIN = int(Reason.LOW_MARGIN)
_LOW_LIQUIDATION_DISTANCE = int(Reason.LOW_LIQUIDATION_DISTANCE)
_AT_CAP = int(Reason.AT_CAP)
_LP_LIMIT = int(Reason.LP_LIMIT)


def short_size(facts: Facts) -> int:
    """Steps; the SHORT leg in hedge mode, the short part of the one position otherwise."""
    return facts.short_steps if facts.hedge_mode else max(0 - facts.perp_steps, 0)


def increase_headroom(facts: Facts, policy: Policy) -> tuple[int, int]:
    """(steps by which the short may grow, the Reason of the tightest limit)."""
    room, reason = position_headroom(facts, policy)
    balance = _balance_room(facts, policy)
    return (max(balance, 0), _LOW_MARGIN) if balance < room else (room, reason)


def position_headroom(facts: Facts, policy: Policy) -> tuple[int, int]:
    """As `increase_headroom`, by the size of the position alone: the balance is not asked."""
    room, reason = UNLIMITED, _NONE
    distance = _distance_room(facts, policy)
    if distance < room:
        room, reason = distance, _LOW_LIQUIDATION_DISTANCE
    cap = _cap_room(facts, policy)
    if cap < room:
        room, reason = cap, _AT_CAP
    limit = _lp_room(facts, policy)
    if limit < room:
        room, reason = limit, _LP_LIMIT
    return max(room, 0), reason


def relief_steps(facts: Facts, policy: Policy) -> int:
    """Size to buy back so that liquidation is twice `deleverage_pct` away; 0 while it is far enough or there is none.

    Worked from the venue's own liquidation price, rounded toward more relief, never more than the short. Buying back a
    part of an isolated position frees that part's own margin and leaves the price where it is: there only margin helps.
    """
    size = short_size(facts)
    if facts.isolated:
        return 0
    if policy.deleverage_pct <= 0 or facts.liquidation_price <= 0 or facts.mark_price <= 0 or size == 0:
        return 0
    if facts.liquidation_price * 100 >= facts.mark_price * (100 + policy.deleverage_pct):
        return 0
    equity_per_base = facts.liquidation_price * (1 + facts.maintenance_rate) - facts.mark_price
    needed_per_base = _equity_per_base(facts, 2 * policy.deleverage_pct)
    kept = whole_lots(size * policy.step_base * equity_per_base / needed_per_base, policy)
    return size - kept


def distance_limit_pct(policy: Policy) -> Number:
    """Deleveraging ends at twice its limit; an increase may not go nearer than that, or the two would alternate."""
    return max(policy.min_liquidation_pct, 2 * policy.deleverage_pct)


def _balance_room(facts: Facts, policy: Policy) -> int:
    free = facts.available_quote - facts.reserved_quote - policy.min_available_quote
    cost_rate = facts.initial_rate + facts.fee_rate
    return lots_for_quote(free / cost_rate, facts.price, policy) if cost_rate > 0 else UNLIMITED


def _distance_room(facts: Facts, policy: Policy) -> int:
    distance_pct = distance_limit_pct(policy)
    if distance_pct <= 0 or facts.mark_price <= 0:
        return UNLIMITED
    venue_says = facts.liquidation_price
    if venue_says > 0 and venue_says * 100 < facts.mark_price * (100 + distance_pct):
        return 0
    size_base = short_size(facts) * policy.step_base
    if facts.isolated:
        return _isolated_room(facts, policy, size_base, _equity_per_base(facts, distance_pct))
    notional = size_base * facts.mark_price
    others = max(facts.maintenance_margin_quote - notional * facts.maintenance_rate, notional * 0)
    equity = facts.margin_balance_quote - others + notional * facts.fee_rate
    largest = equity / (_equity_per_base(facts, distance_pct) + facts.mark_price * facts.fee_rate)
    return whole_lots(largest - size_base, policy)


def _isolated_room(facts: Facts, policy: Policy, size_base: Number, wanted_per_base: Number) -> int:
    """Each BASE added brings its own initial margin, so what there is to spare is what backs the present size."""
    brought_per_base = facts.mark_price * facts.initial_rate
    if brought_per_base >= wanted_per_base or (size_base > 0 and facts.liquidation_price <= 0):
        return UNLIMITED
    had_per_base = facts.liquidation_price * (1 + facts.maintenance_rate) - facts.mark_price
    return whole_lots(size_base * (had_per_base - wanted_per_base) / (wanted_per_base - brought_per_base), policy)


def _equity_per_base(facts: Facts, distance_pct: Number) -> Number:
    """QUOTE behind each BASE of short that keeps liquidation `distance_pct` above the mark."""
    return facts.mark_price * ((1 + facts.maintenance_rate) * (100 + distance_pct) / 100 - 1)


def _cap_room(facts: Facts, policy: Policy) -> int:
    if policy.max_position_quote <= 0:
        return UNLIMITED
    size_quote = short_size(facts) * policy.step_base * facts.price
    return lots_for_quote(policy.max_position_quote - size_quote, facts.price, policy)


def _lp_room(facts: Facts, policy: Policy) -> int:
    """The invariant: never more than 1.02 times what the positions could need at their lower edges."""
    largest = policy.hedge_ratio * facts.edge_base * 102 / 100
    return whole_lots(largest - short_size(facts) * policy.step_base, policy)
