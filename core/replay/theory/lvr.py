"""Loss-versus-rebalancing: what a position in range loses against a perfectly rebalanced copy of its BASE.

Positive when lost. Rates are per unit of the time of the volatility given (per year for a yearly one). Milionis,
Moallemi, Roughgarden and Zhang, arXiv 2208.06046; with the pool's fee and block time, arXiv 2305.14604.
"""

from __future__ import annotations

import math


def lvr_rate(price: float, liquidity: float, sigma: float) -> float:
    """QUOTE per time: 1/2 sigma^2 P^2 |gamma| = L sqrt(P) sigma^2 / 4. In range only; outside it is 0."""
    return liquidity * math.sqrt(price) * sigma**2 / 4


def concentration(price: float, lower: float, upper: float) -> float:
    """How many times the full range's LVR per value the position has: 1 for the full range, about 10 for +-20 %."""
    doubled = 2 * math.sqrt(price)
    return doubled / (doubled - price / math.sqrt(upper) - math.sqrt(lower))


def break_even_sigma(price: float, liquidity: float, fees_quote: float) -> float:
    """The volatility at which LVR takes what fees bring: sqrt(4 F / (L sqrt(P))), F and sigma of the same time."""
    return math.sqrt(4 * fees_quote / (liquidity * math.sqrt(price)))


def pool_break_even_sigma(price: float, pool_liquidity: float, volume_quote: float, fee_rate: float) -> float:
    """The same of all the liquidity in range: 2 sqrt(fee * volume / (L sqrt(P))).

    `fee_rate`: of the swap, a fraction, the protocol's share taken off. It is the implied volatility of Lambert.
    """
    return break_even_sigma(price, pool_liquidity, fee_rate * volume_quote)


def arbitrage_share(fee_rate: float, sigma: float, block_time: float) -> float:
    """Share of the LVR that arbitrage really takes: 1 / (1 + fee / (sigma sqrt(dt / 2))), dt in sigma's time.

    It is also the share of blocks with an arbitrage trade; the rest is kept by the pool as fees.
    """
    return 1 / (1 + fee_rate / (sigma * math.sqrt(block_time / 2)))
