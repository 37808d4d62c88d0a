"""Where a hedge stands: target, gap and the bands in force, from one moment's facts.

Kernel source: plain scalars, integer literals, no objects (see `kernel`). A price that is not above zero yields no
quantities at all; the gates hold before anything could be made of it.
"""

from __future__ import annotations

from typing import NamedTuple

from core.hedging.kernel_types import Facts, Memory, Number, Policy
from core.hedging.states import LpState, Reason

_NONE = int(Reason.NONE)
_CLOSE_ON_DISABLE = int(Reason.CLOSE_ON_DISABLE)
_NO_LP_CLOSE = int(Reason.NO_LP_CLOSE)
_LP_NONE = int(LpState.NONE)
# More steps than any position has.
UNLIMITED = 1_000_000_000_000_000


class Situation(NamedTuple):
    """`closing`: the Reason why the target is zero, 0 when it is not. `between`: pool and mark disagree by more than
    allowed and the perp lies between their targets. `to_target_steps`, `to_edge_steps`: the signed trade to the target
    and to the nearer hysteresis edge. `min_increase_steps`: the smallest size by which the position may grow."""

    closing: int
    between: bool
    exceeded: bool
    urgent: bool
    target_base: Number
    gap_base: Number
    gap_quote: Number
    band_quote: Number
    hysteresis_quote: Number
    approval_quote: Number
    alert_quote: Number
    basis_bps: Number
    to_target_steps: int
    to_edge_steps: int
    min_increase_steps: int


def survey(facts: Facts, policy: Policy, memory: Memory) -> Situation:
    """`memory` must already carry this moment's clocks (`none_ms`)."""
    closing = _closing(facts, policy, memory)
    basis_bps = _basis_bps(facts)
    target_base, between = _target(facts, policy, closing, basis_bps)
    gap_base = target_base - facts.perp_steps * policy.step_base
    gap_quote = abs(gap_base) * facts.price
    band_quote = _band_quote(facts, policy)
    hysteresis_quote = hysteresis_of(policy, band_quote)
    side = side_of(gap_base)
    return Situation(
        closing=closing,
        between=between,
        exceeded=_exceeded(facts, policy, gap_base, gap_quote),
        urgent=policy.urgent_multiple > 0 and band_quote > 0 and gap_quote >= policy.urgent_multiple * band_quote,
        target_base=target_base,
        gap_base=gap_base,
        gap_quote=gap_quote,
        band_quote=band_quote,
        hysteresis_quote=hysteresis_quote,
        approval_quote=_approval_quote(policy, band_quote),
        alert_quote=policy.alert_over_quote if policy.alert_over_quote >= 0 else 2 * band_quote,
        basis_bps=basis_bps,
        to_target_steps=side * whole_lots(abs(gap_base), policy),
        to_edge_steps=side * lots_for_quote(gap_quote - hysteresis_quote, facts.price, policy),
        min_increase_steps=_min_increase_steps(facts, policy),
    )


def side_of(quantity: Number | int) -> int:
    """+1, -1, or 0 for nothing."""
    if quantity > 0:
        return 1
    return -1 if quantity < 0 else 0


def whole_lots(size_base: Number, policy: Policy) -> int:
    """Steps of a size, rounded down to whole lots: always toward less trade."""
    if size_base <= 0:
        return 0
    return in_lots(int(size_base / policy.step_base + policy.rounding_slack), policy)


def in_lots(steps: int, policy: Policy) -> int:
    """Whole lots of a size, or of what is below zero, rounded down. A lot is nearly always one step."""
    if policy.lot_steps == 1:
        return steps
    return steps // policy.lot_steps * policy.lot_steps


def lots_for_quote(notional_quote: Number, price: Number, policy: Policy) -> int:
    """Steps of that notional, rounded down to whole lots; 0 without a price."""
    if price <= 0:
        return 0
    return whole_lots(notional_quote / price, policy)


def _closing(facts: Facts, policy: Policy, memory: Memory) -> int:
    if not policy.enabled and policy.close_on_disable:
        return _CLOSE_ON_DISABLE
    gone_ms = facts.now_ms - memory.since.none_ms
    gone = facts.lp_state == _LP_NONE and memory.since.none_ms > 0 and gone_ms >= policy.no_lp_grace_ms
    dust = abs(facts.net_base_pool) * facts.price < policy.min_notional_quote
    return _NO_LP_CLOSE if gone and dust and policy.close_when_no_lp else _NONE


def _target(facts: Facts, policy: Policy, closing: int, basis_bps: Number) -> tuple[Number, bool]:
    """Within the basis limit the pool's word counts; beyond it the perp may lie anywhere between both targets."""
    at_pool = _target_for(facts.net_base_pool, policy)
    if closing != _NONE:
        return at_pool * 0, False
    if policy.max_basis_bps <= 0 or basis_bps <= policy.max_basis_bps:
        return at_pool, False
    at_mark = _target_for(facts.net_base_mark, policy)
    perp_base = facts.perp_steps * policy.step_base
    lower, upper = min(at_pool, at_mark), max(at_pool, at_mark)
    if perp_base < lower:
        return lower, False
    if perp_base > upper:
        return upper, False
    return at_pool, True


def _target_for(net_base: Number, policy: Policy) -> Number:
    """Never above zero: the hedge does not go long."""
    return min(0 - policy.hedge_ratio * net_base, net_base * 0)


def _basis_bps(facts: Facts) -> Number:
    if facts.mark_price <= 0 or facts.pool_price <= 0:
        return facts.mark_price * 0
    return abs(facts.pool_price - facts.mark_price) / facts.mark_price * 10000


def _band_quote(facts: Facts, policy: Policy) -> Number:
    """The largest configured band. All of them must be exceeded, so this is the one that decides."""
    return max(policy.threshold_base * facts.price, policy.band_quote, policy.band_pct * facts.lp_value_quote / 100)


def _exceeded(facts: Facts, policy: Policy, gap_base: Number, gap_quote: Number) -> bool:
    """Every configured band in its own unit: strictly more than the threshold in BASE, at least the two in QUOTE."""
    if policy.threshold_base > 0 and abs(gap_base) <= policy.threshold_base:
        return False
    return gap_quote >= policy.band_quote and gap_quote >= policy.band_pct * facts.lp_value_quote / 100


def hysteresis_of(policy: Policy, band_quote: Number) -> Number:
    """Half the band by default, and never wider than the band, or the plan would end where it began."""
    if policy.hysteresis_quote < 0:
        return band_quote / 2
    return min(policy.hysteresis_quote, band_quote)


def _approval_quote(policy: Policy, band_quote: Number) -> Number:
    if not policy.approvals:
        return band_quote * 0 - 1
    if policy.approval_over_quote < 0:
        return max(band_quote * 0 + 1000, 5 * band_quote)
    return policy.approval_over_quote


def _min_increase_steps(facts: Facts, policy: Policy) -> int:
    if facts.price <= 0:
        return UNLIMITED
    exact = policy.min_notional_quote / (facts.price * policy.step_base)
    steps = int(exact)
    if steps + policy.rounding_slack < exact:
        steps += 1
    return max(steps, policy.min_steps, policy.lot_steps)
