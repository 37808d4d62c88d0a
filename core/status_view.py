"""A hedge's status from the last look and the last decision. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.account_ports import HeldLiquidity
from core.asset_names import shown_name
from core.clock import at_ms
from core.config import HedgeConfig
from core.execution.active_plan import ActivePlan
from core.execution.terms import slices_of
from core.facts import SymbolRules
from core.feeds import VenueFacts
from core.hedging import memory
from core.hedging.kernel_types import Decision, Memory
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LpView
from core.hedging.states import Reason, State
from core.kernel_facts import hedge_price
from core.observation import Observation
from core.ports import Approval, ApprovalState, JournalOrder
from core.status import HedgeStatus, LpStatus, PerpStatus, PositionStatus, QuoteStatus, WorkStatus
from core.status_due import upcoming


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a look and its decision; `look_at`: when the next look is due, None: nobody looks."""

    kernel: Memory
    life: LifeMemory
    rules: SymbolRules
    active: ActivePlan | None
    approval: Approval | None
    look_at: datetime | None


# The position and the prices are what they are, though no trade may follow from them.
REAL_ALL_THE_SAME = (Reason.NONE, Reason.POSITION_MISMATCH, Reason.VENUE_DISLOCATED)


def hedge_status(
    name: str,
    config: HedgeConfig,
    seen: Observation | None,
    decision: Decision | None,
    *,
    trouble: str,
    now: datetime,
    beside: Beside | None = None,
) -> HedgeStatus:
    """Before the first evaluation everything is unknown. Figures whose source has a problem are the last believed."""
    status = _unknown(name, config, trouble)
    if seen is not None:
        status = _with_look(status, seen, config, now)
    if decision is not None:
        status = _with_decision(status, decision)
    if beside is not None:
        status = _with_beside(status, beside, config, seen.venue if seen else None, decision, now)
    return status


def _unknown(name: str, config: HedgeConfig, trouble: str) -> HedgeStatus:
    return HedgeStatus(
        name=name,
        state=State.SUSPENDED.text,
        reason=Reason.STARTING.text,
        price=None,
        net_base=None,
        departed_base=None,
        target_base=None,
        gap_base=None,
        gap_quote=None,
        band_quote=None,
        residual_base=None,
        wallet_base=None,
        lp=LpStatus(None, None, None, None, None, None, None, None, None, ()),
        perp=PerpStatus(config.symbol, None, None, None, None, None, None, None, None),
        estimated=False,
        base_symbol=config.base or "",
        detail=trouble,
        chain_age_s=None,
        venue_age_s=None,
        last_hedge_at=None,
    )


def _with_look(status: HedgeStatus, seen: Observation, config: HedgeConfig, now: datetime) -> HedgeStatus:
    status = replace(status, detail=seen.detail or status.detail, confirmed=_is_confirmed(seen))
    if seen.lp is not None:
        status = _with_lp(status, seen.lp, config, now)
    if seen.venue is not None:
        status = _with_venue(status, seen.venue, config, now)
    if seen.lp is not None and seen.venue is not None:
        status = replace(status, residual_base=seen.lp.net_base + seen.venue.account.position_base)
    return status


def _with_lp(status: HedgeStatus, lp: LpView, config: HedgeConfig, now: datetime) -> HedgeStatus:
    return replace(
        status,
        net_base=lp.net_base,
        departed_base=lp.departed_base,
        wallet_base=lp.facts.wallet_base,
        lp=_lp_status(lp),
        estimated=lp.estimated,
        base_symbol=shown_name(lp.facts.base.symbol, config.symbol),
        chain_age_s=(now - lp.facts.block.time).total_seconds(),
        held=_held(lp),
        beside_base=_beside_base(lp),
    )


def _with_venue(status: HedgeStatus, venue: VenueFacts, config: HedgeConfig, now: datetime) -> HedgeStatus:
    return replace(
        status,
        price=hedge_price(venue.market, config),
        perp=_perp_status(config.symbol, venue),
        venue_age_s=(now - venue.account.as_of).total_seconds(),
        market_age_s=(now - venue.market.as_of).total_seconds(),
        market_pushed=venue.pushed,
    )


def _with_decision(status: HedgeStatus, decision: Decision) -> HedgeStatus:
    """The figures of a decision made without one of the two sides, where there is no residual either, say nothing."""
    last_ms = decision.memory.last_rebalance_ms
    status = replace(
        status,
        state=State(decision.state).text,
        reason=Reason(decision.reason).text,
        last_hedge_at=at_ms(last_ms) if last_ms else None,
    )
    if status.residual_base is None:
        return status
    return replace(
        status,
        target_base=decision.target_base,
        gap_base=decision.gap_base,
        gap_quote=decision.gap_quote,
        band_quote=decision.band_quote,
    )


def _with_beside(
    status: HedgeStatus,
    beside: Beside,
    config: HedgeConfig,
    venue: VenueFacts | None,
    decision: Decision | None,
    now: datetime,
) -> HedgeStatus:
    due = upcoming(
        config,
        beside.kernel,
        beside.life,
        approval=beside.approval,
        market=venue.market if venue else None,
        look_at=beside.look_at,
        now=now,
    )
    return replace(
        status,
        work=_work(beside, config, decision),
        due=due,
        stopped=memory.stopped(beside.kernel),
        approval_id=waiting_id(beside.approval),
    )


def waiting_id(approval: Approval | None) -> str | None:
    """Of a proposal that nobody has answered."""
    return approval.approval_id if approval is not None and approval.state is ApprovalState.PENDING else None


def _work(beside: Beside, config: HedgeConfig, decision: Decision | None) -> WorkStatus | None:
    active = beside.active
    if active is None:
        return None
    return WorkStatus(
        side=active.plan.side.value,
        quantity_base=active.plan.quantity_base,
        filled_base=active.executed_base,
        orders=len(active.orders),
        slices=slices_of(active.plan, config, beside.rules, urgent=bool(decision and decision.urgent)),
        quote=_quote(active.resting) if active.resting else None,
    )


def _quote(order: JournalOrder) -> QuoteStatus:
    request = order.request
    left_base = request.quantity_base - order.executed_base
    return QuoteStatus(request.side.value, left_base, request.price, order.recorded_at)


def _lp_status(lp: LpView) -> LpStatus:
    positions = tuple(
        PositionStatus(
            id=view.position.position_id,
            state=view.state.text,
            side=view.position.side.value,
            base=view.base,
            quote=view.quote,
            fee_base=view.fee_base,
            fee_quote=view.fee_quote,
            price_lower=view.position.price_lower,
            price_upper=view.position.price_upper,
        )
        for view in lp.positions
    )
    return LpStatus(
        state=lp.state.text,
        side=lp.side.value,
        base=lp.lp_base,
        quote=lp.lp_quote,
        fee_base=lp.fee_base,
        fee_quote=lp.fee_quote,
        price=lp.facts.price,
        block=lp.facts.block.number,
        block_time=lp.facts.block.time,
        positions=positions,
    )


def _perp_status(symbol: str, venue: VenueFacts) -> PerpStatus:
    account, market = venue.account, venue.market
    return PerpStatus(
        symbol=symbol,
        position_base=account.position_base,
        long_base=account.long_base,
        short_base=account.short_base,
        entry_price=account.entry_price,
        mark_price=market.mark_price,
        liquidation_price=account.liquidation_price,
        available_balance=account.available_balance_quote,
        funding_rate=market.funding_rate,
        margin_balance=account.margin_balance_quote,
        maintenance_margin=account.maintenance_margin_quote,
        next_funding_time=market.next_funding_time,
        read_at=account.as_of,
        isolated=account.isolated,
    )


def _is_confirmed(seen: Observation) -> bool:
    if seen.lp is None or seen.venue is None or seen.estimated or seen.order_unknown:
        return False
    return seen.chain_problem is Reason.NONE and seen.venue_problem in REAL_ALL_THE_SAME


def _beside_base(lp: LpView) -> Decimal:
    wallet_base = lp.facts.wallet_base if lp.rules.wallet_counts else None
    return lp.departed_base + (wallet_base or Decimal(0))


def _held(lp: LpView) -> tuple[HeldLiquidity, ...]:
    return tuple(
        HeldLiquidity(
            position_id=view.position.position_id,
            base_is_token0=view.position.base_is_token0,
            base_decimals=view.position.base_decimals,
            quote_decimals=view.position.quote_decimals,
            tick_lower=view.position.tick_lower,
            tick_upper=view.position.tick_upper,
            liquidity=view.position.liquidity,
            parked_base=view.parked_base,
            parked_quote=view.quote - view.position.quote,
        )
        for view in lp.positions
    )
