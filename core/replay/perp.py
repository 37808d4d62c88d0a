"""The perpetual's side on machine numbers: position, wallet, margin, liquidation. Compiled source (see `compiled`).

One symbol alone on a cross-margined one-way account, by the rules of the paper venue (`core.exchange.paper_margin`).
"""

from __future__ import annotations

from typing import NamedTuple

from core.replay.setup import Account

# Binance's `liquidationFee`: what its insurance fund takes of a liquidated position's value.
LIQUIDATION_FEE_RATE = 0.0125


class Perp(NamedTuple):
    """`steps` and `cost_quote` (size times entry) are negative when short."""

    steps: int
    cost_quote: float
    wallet_quote: float


class Closed(NamedTuple):
    """After a fill: the position then, and what was realised by it, before fees."""

    perp: Perp
    realised: float


def equity_quote(perp: Perp, step_base: float, mark: float) -> float:
    """The wallet, and what the position has gained or lost at the mark."""
    return perp.wallet_quote + perp.steps * step_base * mark - perp.cost_quote


def paid(perp: Perp, amount_quote: float) -> Perp:
    """Cash in, or out when negative."""
    return Perp(perp.steps, perp.cost_quote, perp.wallet_quote + amount_quote)


def after_fill(perp: Perp, signed_steps: int, step_base: float, price: float) -> Closed:
    """A fill that reduces releases its part of the entry cost; what goes beyond zero opens anew at the price."""
    reduces = perp.steps != 0 and (perp.steps > 0) != (signed_steps > 0)
    closing = min(abs(signed_steps), abs(perp.steps)) if reduces else 0
    sign = 1 if signed_steps > 0 else -1
    released = perp.cost_quote * closing / abs(perp.steps) if closing else 0.0
    realised = -sign * closing * step_base * price - released
    opened = sign * (abs(signed_steps) - closing) * step_base * price
    cost = perp.cost_quote - released + opened
    return Closed(Perp(perp.steps + signed_steps, cost, perp.wallet_quote + realised), realised)


def tier_of(account: Account, notional_quote: float) -> int:
    """A tier's floor itself is still the tier's below, as at Binance."""
    tier = 0
    while tier + 1 < len(account.tier_floor) and account.tier_floor[tier + 1] < notional_quote:
        tier += 1
    return tier


def maintenance_quote(account: Account, tier: int, notional_quote: float) -> float:
    """Binance's rule: the tier's rate times the notional, less its deduction."""
    return notional_quote * account.tier_rate[tier] - account.tier_deduction[tier]


def liquidation_price(perp: Perp, account: Account, step_base: float) -> float:
    """Where equity meets the maintenance margin, in the tier of the answer's own notional; 0 where nowhere."""
    size, backing = perp.steps * step_base, perp.wallet_quote - perp.cost_quote
    if perp.steps == 0:
        return 0.0
    direction = 1.0 if size < 0.0 else -1.0
    for tier in range(len(account.tier_floor) - 1, -1, -1):
        slope = 1.0 + direction * account.tier_rate[tier]
        over = direction * (backing + account.tier_deduction[tier])
        if over >= account.tier_floor[tier] * slope:
            return max(over / (slope * abs(size)), 0.0)
    return 0.0
