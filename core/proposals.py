"""What a person is asked: one hedge, with every figure that the answer depends on. Pure."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from core.asset_names import shown_name
from core.config import HedgeConfig
from core.facts import Market, OrderSide, PerpAccount, SymbolRules
from core.hedging.kernel_types import Decision
from core.hedging.lifecycle import LpView
from core.hedging.margin import available_after, liquidation_price_after
from core.hedging.slippage import walk_book
from core.hedging.states import Reason
from core.kernel_facts import hedge_price, side_of_steps
from core.observation import Observation
from core.ports import Approval, ApprovalState

UNKNOWN = "unknown"
NONE = "none"


def proposal(
    approval_id: str,
    hedge: str,
    decision: Decision,
    seen: Observation,
    config: HedgeConfig,
    rules: SymbolRules,
    *,
    ask_count: int,
) -> Approval | None:
    """None when the facts it must show are not there."""
    if seen.venue is None or seen.lp is None:
        return None
    market, account = seen.venue.market, seen.venue.account
    side = side_of_steps(decision.quantity_steps)
    size_base = abs(decision.quantity_steps) * rules.step_size
    price = hedge_price(market, config)
    expires_at = seen.at + timedelta(seconds=config.approval_timeout_seconds)
    shown = {
        "side": side.value,
        "symbol": rules.symbol,
        "base_symbol": shown_name(seen.lp.facts.base.symbol, rules.symbol),
        "size_base": str(size_base),
        "size_quote": str(size_base * price),
        "price": str(price),
        "expires_at": expires_at.isoformat(),
        "on_timeout": config.approval_on_timeout,
    }
    if seen.estimated:
        shown["estimated"] = "true"
    shown |= _why(decision, rules)
    shown |= _cost(market, account, side, size_base)
    shown |= _as_quote(market, account, side, size_base, config, urgent=decision.urgent)
    shown |= _before_and_after(seen.lp, market, account, side.sign * size_base)
    return Approval(
        approval_id=approval_id,
        hedge=hedge,
        symbol=rules.symbol,
        side=side,
        quantity_base=size_base,
        notional_quote=size_base * price,
        reason=shown["reason"],
        shown=shown,
        created_at=seen.at,
        expires_at=expires_at,
        state=ApprovalState.PENDING,
        ask_count=ask_count,
    )


def _why(decision: Decision, rules: SymbolRules) -> dict[str, str]:
    """The need, and where a limit leaves only a part of it, which one and how much is needed."""
    need = {
        "reason": Reason(decision.reason).text,
        "gap_base": str(decision.gap_base),
        "gap_quote": str(decision.gap_quote),
        "band_quote": str(decision.band_quote),
    }
    if not decision.clipped_by:
        return need
    needed_base = abs(decision.wanted_steps) * rules.step_size
    return need | {"cut_by": Reason(decision.clipped_by).text, "needed_base": str(needed_base)}


def _cost(market: Market, account: PerpAccount, side: OrderSide, size_base: Decimal) -> dict[str, str]:
    """Taker fee and slippage against the mid, as if sent at once; unknown when the visible book is too shallow."""
    fill = walk_book(market, side, size_base)
    if fill is None:
        return dict.fromkeys(("expected_price", "expected_cost_quote", "expected_slippage_bps"), UNKNOWN)
    fee = size_base * fill.average_price * account.taker_fee_rate
    slip = side.sign * (fill.average_price - market.mid) * size_base
    return {
        "expected_price": str(fill.average_price),
        "expected_cost_quote": str(fee + slip),
        "expected_slippage_bps": str(fill.slippage_bps),
    }


def _as_quote(
    market: Market, account: PerpAccount, side: OrderSide, size_base: Decimal, config: HedgeConfig, *, urgent: bool
) -> dict[str, str]:
    """Price and fee where it first rests, and what follows when it does not fill; nothing when it is not quoted."""
    if config.order_type != "post_only" or urgent:
        return {}
    touch = market.best_ask if side is OrderSide.SELL else market.best_bid
    in_slices = 0 < config.twap_over_quote <= size_base * touch
    for_s = config.limit_timeout_seconds + (config.twap_duration_seconds if in_slices else 0)
    return {
        "quote_price": str(touch),
        "quote_fee_quote": str(size_base * touch * account.maker_fee_rate),
        "quote_for_s": str(for_s if config.limit_timeout_seconds else 0),
        "fallback": config.fallback,
    }


def _before_and_after(lp: LpView, market: Market, account: PerpAccount, change_base: Decimal) -> dict[str, str]:
    after_base = account.position_base + change_base
    return {
        "position_before": str(account.position_base),
        "position_after": str(after_base),
        "exposure_before": str(lp.net_base + account.position_base),
        "exposure_after": str(lp.net_base + after_base),
        "available_before": str(account.available_balance_quote),
        "available_after": str(available_after(account, market.mid, change_base)),
        "liquidation_before": _or_none(account.liquidation_price),
        "liquidation_after": _or_none(liquidation_price_after(account, market.mark_price, change_base)),
    }


def _or_none(price: Decimal | None) -> str:
    return NONE if price is None else str(price)
