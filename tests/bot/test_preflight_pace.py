"""The figures that a setting is judged by agree with the theory's published check values."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from bot.preflight.exchange import closes_of
from bot.preflight.pace import expected_pace, gamma_of, sigma_per_day
from core.exchange.binance_messages import Malformed
from core.facts import LpPosition, RangeSide

D = Decimal
YEARLY_60_PCT = 0.6 / math.sqrt(365)
REFERENCE = LpPosition(
    position_id=1, owner="0x", pool="0x", base_is_token0=True, base_decimals=18, quote_decimals=6, liquidity=1,
    tick_lower=0, tick_upper=1, sqrt_price_x96=1, price=D(2000), base=D(25), quote=D(50000), owed_base=D(0),
    owed_quote=D(0), price_lower=D(1600), price_upper=D(2500), side=RangeSide.IN, base_at_lower_edge=D("52.95"),
)  # fmt: skip


def test_gamma_of_the_reference_position() -> None:
    """2000 in 1600 to 2500 with 100,000 USDT: 0.0592008497 BASE per USDT of price."""
    assert gamma_of([REFERENCE]) == pytest.approx(0.0592008497, rel=1e-8)
    assert gamma_of([REFERENCE, REFERENCE]) == pytest.approx(2 * 0.0592008497, rel=1e-8)


@pytest.mark.parametrize(
    ("inner", "trades", "turnover", "residual"),
    [(0.0, 55.3077, 55307.69, 0.204124), (0.25, 73.7436, 36871.79, 0.228218)],
)
def test_pace_of_a_band_of_half_a_coin(inner: float, trades: float, turnover: float, residual: float) -> None:
    """Trade to the target and trade to half the band, as the theory's table has them."""
    pace = expected_pace(
        gamma=0.0592008497, price=2000, sigma_per_day=YEARLY_60_PCT, band_base=0.5, inner_base=inner, look_every_s=0,
        cost_rate=0.0005,
    )  # fmt: skip
    assert pace.trades == pytest.approx(trades, rel=1e-5)
    assert pace.turnover_quote == pytest.approx(turnover, rel=1e-5)
    assert pace.cost_quote == pytest.approx(turnover * 0.0005, rel=1e-5)
    assert pace.residual_base == pytest.approx(residual, rel=1e-5)


def test_looking_rarely_trades_less_often() -> None:
    """The walk overshoots between two looks: 0.783 instead of 1 trade a day in the published example."""
    pace = expected_pace(
        gamma=1, price=1, sigma_per_day=1, band_base=1, inner_base=0, look_every_s=0.05 * 86400, cost_rate=0
    )
    assert pace.trades == pytest.approx(0.783, abs=5e-4)


def test_volatility_is_that_of_the_closes() -> None:
    """A price that moves by 0.1 % each minute has 3.79 % a day; a handful of minutes says nothing."""
    closes = [100 * math.exp(0.001 * (minute % 2)) for minute in range(1441)]
    assert sigma_per_day(closes) == pytest.approx(0.001 * math.sqrt(1440))
    assert sigma_per_day(closes[:10]) is None


@pytest.mark.parametrize("answer", [{}, [[1, 2]], [[0, "1", "1", "1", "x"]], [[0, "1", "1", "1", "0"]]])
def test_broken_candles_are_not_prices(answer: object) -> None:
    """What cannot be read is said to be unreadable."""
    with pytest.raises(Malformed):
        closes_of(answer)
    assert closes_of([[0, "1", "1", "1", "2.5", "9"]]) == [2.5]
