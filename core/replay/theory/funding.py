"""Funding of the short: what one payment is, and how far an expected one moves the best hedge."""

from __future__ import annotations


def funding_received(short_base: float, mark_price: float, rate: float) -> float:
    """QUOTE of one payment, positive when the short receives it: size * mark * rate (Binance USD-M).

    `short_base`: size, above zero.
    """
    return short_base * mark_price * rate


def funding_tilt_base(price: float, sigma: float, funding_rate: float, risk_aversion: float) -> float:
    """BASE by which the best short exceeds the exposure, phi / (risk_aversion sigma^2 P); below zero: hedge less.

    The first-order condition of mean and variance. `funding_rate`: phi, received by the short per time of sigma as a
    fraction of notional; it is taken to be known and to last, which it does not.
    """
    return funding_rate / (risk_aversion * sigma**2 * price)
