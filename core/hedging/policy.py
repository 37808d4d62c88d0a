"""The kernel's policy from the configuration and the venue's rules."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from core.config import HedgeConfig
from core.errors import ConfigurationError
from core.facts import SymbolRules
from core.hedging.kernel_types import Policy

# Stands for "derive from the band in force", which depends on price and LP value.
_FROM_BAND = Decimal(-1)
_MS = 1000


def policy_from(config: HedgeConfig, rules: SymbolRules) -> Policy:
    """Raises ConfigurationError when a limit is so small that no order could ever pass it."""
    step = rules.step_size
    min_notional_quote = max(config.min_notional_quote, rules.min_notional_quote)
    # Orders may end as MARKET ones (`fallback`, urgency), so quantities fit both sets of filters.
    lot_steps = _steps_up(max(step, rules.market_step_size), step)
    min_steps = _steps_up(max(rules.min_quantity, rules.market_min_quantity), step)
    max_plan_quote = _smallest(config.max_hedge_notional, config.max_order_quote)
    max_steps = int(config.max_order_size / step)
    _refuse_impossible(config, min_notional_quote, max_plan_quote, max_steps, max(min_steps, lot_steps))
    return Policy(
        step_base=step,
        lot_steps=lot_steps,
        min_steps=min_steps,
        max_steps=max_steps,
        min_notional_quote=min_notional_quote,
        hedge_ratio=config.hedge_ratio,
        threshold_base=config.threshold_base,
        band_quote=config.band_quote,
        band_pct=config.band_pct,
        hysteresis_quote=_or_from_band(config.delta_hysteresis_quote),
        to_edge=config.rebalance_to == "edge",
        enabled=config.enabled,
        close_on_disable=config.close_on_disable,
        close_when_no_lp=config.close_when_no_lp,
        no_lp_grace_ms=config.no_lp_grace_seconds * _MS,
        force_ms=config.force_rebalance_seconds * _MS,
        out_of_range_ms=config.out_of_range_seconds * _MS,
        cooldown_ms=config.cooldown_seconds * _MS,
        max_per_hour=config.max_per_hour,
        urgent_multiple=config.urgent_band_multiple,
        min_available_quote=config.min_available_balance_quote,
        min_liquidation_pct=config.min_liquidation_distance_pct,
        deleverage_pct=config.deleverage_below_pct,
        max_position_quote=config.max_position_notional or Decimal(0),
        max_plan_quote=max_plan_quote,
        max_basis_bps=config.max_basis_bps,
        approvals=config.approval_over_quote != "off",
        approval_over_quote=_or_from_band(None if config.approval_over_quote == "off" else config.approval_over_quote),
        approval_cover_ms=(config.approval_timeout_seconds + config.twap_duration_seconds) * _MS,
        alert_over_quote=_or_from_band(config.alert_over_quote),
        rounding_slack=Decimal(0),
    )


def _refuse_impossible(
    config: HedgeConfig, min_notional_quote: Decimal, max_plan_quote: Decimal, max_steps: int, smallest_steps: int
) -> None:
    if 0 < max_plan_quote < min_notional_quote:
        raise ConfigurationError(
            f"max_hedge_notional and max_order_quote must allow {min_notional_quote} QUOTE, the smallest order of "
            f"{config.symbol}: {max_plan_quote} allows none"
        )
    if config.max_order_size > 0 and max_steps < smallest_steps:
        raise ConfigurationError(
            f"max_order_size = {config.max_order_size} is under the smallest quantity of {config.symbol}"
        )


def _steps_up(quantity: Decimal, step: Decimal) -> int:
    return max(int((quantity / step).to_integral_value(rounding=ROUND_CEILING)), 1)


def _smallest(*limits: Decimal) -> Decimal:
    """The tightest of the limits that are on (above 0); 0 when all are off."""
    return min((limit for limit in limits if limit > 0), default=Decimal(0))


def _or_from_band(value: Decimal | None) -> Decimal:
    return _FROM_BAND if value is None else value
