"""What theory expects of a hedge's band: trades, turnover, cost and what stays open, in figures and in a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal

from bot.preflight.exchange import Perp
from core.config import HedgeConfig
from core.facts import LpFacts, LpPosition, RangeSide
from core.replay.theory import Prediction, predict, sigma_base
from core.replay.theory.position import gamma, liquidity_of_value

ASSUMED_SIGMA_PER_DAY = 0.03
ASSUMED_TAKER_RATE = 0.0005
# Beyond the best price: by replay's measure, 1 bps of an order of 100,000 QUOTE, that of one half as large.
ASSUMED_IMPACT_RATE = 0.00005


def expectation(hedge: HedgeConfig, facts: LpFacts, perp: Perp, band: Decimal, inner: Decimal) -> Prediction | None:
    """`band`, `inner` in QUOTE. None while no position is in range: its BASE does not move with the price then."""
    price = float(perp.market.mark_price)
    sigma_target = sigma_of_target(hedge, facts, perp)
    if sigma_target == 0 or band <= 0:
        return None
    return predict(
        price=price,
        sigma_base_per_day=sigma_target,
        band_base=float(band) / price,
        inner_share=float(min(inner / band, Decimal(1))),
        look_every_s=float(hedge.poll_seconds),
        cost_rate=cost_rate(perp),
    )


def sigma_of_target(hedge: HedgeConfig, facts: LpFacts, perp: Perp) -> float:
    """BASE per square root of a day; 0 while no position is in range."""
    return sigma_base(
        gamma_of(facts.positions) * float(hedge.hedge_ratio),
        float(perp.market.mark_price),
        perp.sigma_per_day or ASSUMED_SIGMA_PER_DAY,
    )


def gamma_of(positions: Iterable[LpPosition]) -> float:
    """BASE per QUOTE of price by which the positions' BASE moves, never above zero: the sum of those in range."""
    return math.fsum(_gamma(position) for position in positions if position.side is RangeSide.IN)


def cost_rate(perp: Perp) -> float:
    """Taker fee, half of the spread now and an assumed impact, as a fraction of what is traded."""
    bid, ask = perp.market.best_bid, perp.market.best_ask
    fee = float(perp.account.taker_fee_rate) if perp.account else ASSUMED_TAKER_RATE
    return fee + float((ask - bid) / (ask + bid)) + ASSUMED_IMPACT_RATE


def expectation_sentence(expected: Prediction, perp: Perp, facts: LpFacts) -> str:
    """Says too whether the volatility was measured or assumed."""
    sigma = perp.sigma_per_day or ASSUMED_SIGMA_PER_DAY
    source = "measured over a day" if perp.sigma_per_day else "assumed, no recent prices to be had"
    quote = facts.quote.symbol
    return (
        f"about {expected.trades_per_day:.3g} trades a day, turnover {expected.turnover_quote_per_day:.0f} and cost "
        f"{expected.cost_quote_per_day:.2f} {quote}, typically {expected.residual_rms_base:.3g} {facts.base.symbol} "
        f"unhedged, at a volatility of {sigma:.1%} a day ({source})"
    )


def _gamma(position: LpPosition) -> float:
    price, lower, upper = float(position.price), float(position.price_lower), float(position.price_upper)
    worth = float(position.base) * price + float(position.quote)
    return gamma(price, lower, upper, liquidity_of_value(worth, price, lower, upper))
