"""What must stand behind the short. `core.hedging.margin` and `core.exchange.paper_margin` have the exact forms."""

from __future__ import annotations

from core.replay.theory.position import amounts, value


def short_liquidation_price(
    wallet_quote: float, short_base: float, entry_price: float, maintenance_rate: float, deduction_quote: float = 0.0
) -> float:
    """QUOTE per BASE: (WB + q EP + cum) / (q (1 + MMR)), Binance USD-M, one-way, one short alone on its wallet."""
    return (wallet_quote + short_base * entry_price + deduction_quote) / (short_base * (1 + maintenance_rate))


def static_short_loss(price: float, then: float, lower: float, upper: float, liquidity: float) -> float:
    """QUOTE, positive when lost: a short of today's BASE that is left alone, x (P1 - P0)."""
    return amounts(price, lower, upper, liquidity)[0] * (then - price)


def rebalanced_short_loss(
    price: float, then: float, lower: float, upper: float, liquidity: float, lvr_quote: float = 0.0
) -> float:
    """QUOTE, positive when lost: a short that always equals the BASE, V(P1) - V(P0) plus the LVR on the way.

    `lvr_quote`: positive, nothing on a straight way. That much cash the exchange wants though the pool has it.
    """
    return value(then, lower, upper, liquidity) - value(price, lower, upper, liquidity) + lvr_quote
