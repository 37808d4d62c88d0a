"""One hedge at rest, and what a test says differently about it.

25 BASE in the range at 2000, worth 100,000 QUOTE with its other half, and a short of 25: gap 0. The bands are
50 QUOTE and 2 % of the LP value, so the one in force is 2000 QUOTE or 1 BASE. A step is 0.001 BASE.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core.hedging.kernel import decide
from core.hedging.kernel_types import Decision, Facts, Memory, Policy
from core.hedging.states import Action, LpState, Reason, State

NOW_MS = 1_760_000_000_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS

_POLICY = Policy(
    step_base=Decimal("0.001"),
    lot_steps=1,
    min_steps=1,
    max_steps=0,
    min_notional_quote=Decimal(10),
    hedge_ratio=Decimal(1),
    threshold_base=Decimal(0),
    band_quote=Decimal(50),
    band_pct=Decimal(2),
    hysteresis_quote=Decimal(-1),
    to_edge=False,
    enabled=True,
    close_on_disable=False,
    close_when_no_lp=True,
    no_lp_grace_ms=5 * MINUTE_MS,
    force_ms=0,
    out_of_range_ms=5 * MINUTE_MS,
    cooldown_ms=30_000,
    max_per_hour=30,
    urgent_multiple=Decimal(3),
    min_available_quote=Decimal(0),
    min_liquidation_pct=Decimal(15),
    deleverage_pct=Decimal(5),
    max_position_quote=Decimal(0),
    max_plan_quote=Decimal(0),
    max_basis_bps=Decimal(100),
    approvals=False,
    approval_over_quote=Decimal(-1),
    approval_cover_ms=6 * MINUTE_MS,
    alert_over_quote=Decimal(-1),
    rounding_slack=Decimal(0),
)

_FACTS = Facts(
    now_ms=NOW_MS,
    venue_problem=0,
    chain_problem=0,
    order_unknown=False,
    executor_running=False,
    running_side=0,
    running_left_steps=0,
    running_reason=0,
    lp_state=int(LpState.IN_RANGE),
    net_base_pool=Decimal(25),
    net_base_mark=Decimal(25),
    edge_base=Decimal("52.95"),
    lp_value_quote=Decimal(100_000),
    price=Decimal(2000),
    pool_price=Decimal(2000),
    mark_price=Decimal(2000),
    perp_steps=-25_000,
    long_steps=0,
    short_steps=25_000,
    hedge_mode=False,
    available_quote=Decimal(100_000),
    margin_balance_quote=Decimal(100_000),
    maintenance_margin_quote=Decimal(250),
    initial_rate=Decimal("0.05"),
    maintenance_rate=Decimal("0.005"),
    fee_rate=Decimal("0.0005"),
    liquidation_price=Decimal(0),
    reserved_quote=Decimal(0),
    rebalances_last_hour=0,
    unapproved_sell_quote=Decimal(0),
    unapproved_buy_quote=Decimal(0),
    pending_side=0,
    pending_steps=0,
    granted_side=0,
    granted_left_steps=0,
    request=0,
)

# Lets a plan begin at once: the last rebalance was long ago.
_MEMORY = Memory(state=int(State.READY), last_rebalance_ms=NOW_MS - HOUR_MS)


def policy(**different: Any) -> Policy:
    return _POLICY._replace(**_numbers(different))


def facts(**different: Any) -> Facts:
    """`net` sets both exposures, `perp` the position in BASE with its one-way legs."""
    if (net := different.pop("net", None)) is not None:
        different |= {"net_base_pool": net, "net_base_mark": net}
    if (perp := different.pop("perp", None)) is not None:
        steps = int(Decimal(str(perp)) * 1000)
        different |= {"perp_steps": steps, "short_steps": max(-steps, 0), "long_steps": max(steps, 0)}
    return _FACTS._replace(**_numbers(different))


def memory(**different: Any) -> Memory:
    return _MEMORY._replace(**different)


def gap(base: str, **different: Any) -> Facts:
    """A missing trade of so much BASE: negative, the short is too small."""
    return facts(perp=Decimal(-25) - Decimal(base), **different)


def said(decision: Decision) -> str:
    """As people see it: `READY(within_band)`."""
    return f"{State(decision.state).text}({Reason(decision.reason).text})"


def done(decision: Decision) -> Action:
    return Action(decision.action)


def after_fill(before: Facts, decision: Decision, **different: Any) -> Facts:
    """The decided trade has been filled; a minute has passed."""
    steps = before.perp_steps + decision.quantity_steps
    moved = before._replace(perp_steps=steps, short_steps=max(-steps, 0), long_steps=max(steps, 0))
    later = moved._replace(now_ms=before.now_ms + MINUTE_MS)
    return later._replace(**_numbers(different))


__all__ = ["HOUR_MS", "MINUTE_MS", "NOW_MS", "after_fill", "decide", "done", "facts", "gap", "memory", "policy", "said"]


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    """Amounts may be written as text."""
    return {key: Decimal(value) if isinstance(value, str) else value for key, value in values.items()}
