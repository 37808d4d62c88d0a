"""From what was read to the kernel's scalars. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.config import HedgeConfig
from core.execution.active_plan import ActivePlan
from core.facts import Market, OrderSide, PerpAccount
from core.hedging.kernel_types import Facts
from core.hedging.lifecycle import LpView
from core.hedging.states import Reason, Request
from core.observation import Observation
from core.ports import Approval, ApprovalState

ZERO = Decimal(0)
_NOTHING = Facts(
    now_ms=0,
    venue_problem=0,
    chain_problem=0,
    order_unknown=False,
    executor_running=False,
    running_side=0,
    running_left_steps=0,
    running_reason=0,
    lp_state=0,
    net_base_pool=ZERO,
    net_base_mark=ZERO,
    edge_base=ZERO,
    lp_value_quote=ZERO,
    price=ZERO,
    pool_price=ZERO,
    mark_price=ZERO,
    perp_steps=0,
    long_steps=0,
    short_steps=0,
    hedge_mode=False,
    available_quote=ZERO,
    margin_balance_quote=ZERO,
    maintenance_margin_quote=ZERO,
    initial_rate=ZERO,
    maintenance_rate=ZERO,
    fee_rate=ZERO,
    liquidation_price=ZERO,
    reserved_quote=ZERO,
    rebalances_last_hour=0,
    unapproved_sell_quote=ZERO,
    unapproved_buy_quote=ZERO,
    pending_side=0,
    pending_steps=0,
    granted_side=0,
    granted_left_steps=0,
    request=0,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the journal and the desk know beside the facts of the moment. Quotes: notional of the last hour."""

    active: ActivePlan | None
    approval: Approval | None
    granted_left_base: Decimal
    rebalances_last_hour: int
    unapproved_sell_quote: Decimal
    unapproved_buy_quote: Decimal
    reserved_quote: Decimal
    request: Request
    request_most_base: Decimal | None = None


def milliseconds(at: datetime) -> int:
    """Since the epoch, the rest cut off."""
    return int(at.timestamp() * 1000)


def hedge_price(market: Market, config: HedgeConfig) -> Decimal:
    """QUOTE per BASE, the one that `price_type` names."""
    match config.price_type:
        case "mid":
            return market.mid
        case "best_bid":
            return market.best_bid
        case "best_ask":
            return market.best_ask
        case "mark":
            return market.mark_price


def to_steps(quantity_base: Decimal, step_base: Decimal) -> int:
    """Whole steps, cut toward zero."""
    return int(quantity_base / step_base)


def kernel_facts(seen: Observation, standing: Standing, config: HedgeConfig, step_base: Decimal) -> Facts:
    """Figures whose source never answered are zero here; their problem code keeps the kernel from using them."""
    facts = _NOTHING._replace(
        now_ms=milliseconds(seen.at),
        venue_problem=int(seen.venue_problem),
        chain_problem=int(seen.chain_problem),
        order_unknown=seen.order_unknown,
        reserved_quote=standing.reserved_quote,
        rebalances_last_hour=standing.rebalances_last_hour,
        unapproved_sell_quote=standing.unapproved_sell_quote,
        unapproved_buy_quote=standing.unapproved_buy_quote,
        request=int(standing.request),
    )
    if standing.request_most_base is not None:
        most = to_steps(standing.request_most_base, step_base)
        side = 1 if standing.request_most_base > 0 else -1
        facts = facts._replace(request_side=side, request_steps=abs(most))
    if seen.venue is not None:
        facts = _with_market(facts, seen.venue.market, config)
        facts = _with_account(facts, seen.venue.account, step_base)
    if seen.lp is not None:
        facts = _with_lp(facts, seen.lp)
    return _with_approval(_with_plan(facts, standing.active, step_base), standing, step_base)


def _with_market(facts: Facts, market: Market, config: HedgeConfig) -> Facts:
    return facts._replace(price=hedge_price(market, config), mark_price=market.mark_price)


def _with_lp(facts: Facts, lp: LpView) -> Facts:
    at_mark = lp.net_base_at(facts.mark_price) if facts.mark_price > 0 else lp.net_base
    return facts._replace(
        lp_state=int(lp.state),
        net_base_pool=lp.net_base,
        net_base_mark=at_mark,
        edge_base=lp.edge_base,
        lp_value_quote=lp.value_quote,
        pool_price=lp.farthest_price(facts.mark_price),
    )


def _with_account(facts: Facts, account: PerpAccount, step_base: Decimal) -> Facts:
    return facts._replace(
        perp_steps=to_steps(account.position_base, step_base),
        long_steps=to_steps(account.long_base, step_base),
        short_steps=to_steps(account.short_base, step_base),
        hedge_mode=account.hedge_mode,
        available_quote=account.available_balance_quote,
        margin_balance_quote=account.margin_balance_quote,
        maintenance_margin_quote=account.maintenance_margin_quote,
        initial_rate=account.initial_rate,
        maintenance_rate=account.maintenance_rate,
        fee_rate=account.taker_fee_rate,
        liquidation_price=account.liquidation_price or ZERO,
        isolated=account.isolated,
    )


def _with_plan(facts: Facts, active: ActivePlan | None, step_base: Decimal) -> Facts:
    if active is None:
        return facts
    return facts._replace(
        executor_running=True,
        running_side=active.plan.side.sign,
        running_left_steps=to_steps(active.left_base, step_base),
        running_reason=int(Reason[active.plan.reason.upper()]),
    )


def _with_approval(facts: Facts, standing: Standing, step_base: Decimal) -> Facts:
    approval = standing.approval
    if approval is None:
        return facts
    if approval.state is ApprovalState.PENDING:
        pending = to_steps(approval.quantity_base, step_base)
        return facts._replace(pending_side=approval.side.sign, pending_steps=pending)
    granted = to_steps(standing.granted_left_base, step_base)
    return facts._replace(granted_side=approval.side.sign, granted_left_steps=granted)


def side_of_steps(steps: int) -> OrderSide:
    """Of a signed trade, which is never of zero steps."""
    return OrderSide.BUY if steps > 0 else OrderSide.SELL
