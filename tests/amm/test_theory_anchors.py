"""The reference position of the theory: 100,000 QUOTE at 2000 in [1600, 2500], against published check values."""

from decimal import Decimal

import pytest

from core.amm.amounts import burn_amounts
from core.amm.prices import PairOrder, sqrt_from_price

LIQUIDITY = Decimal("10590.16994374947")
LIQUIDITY_RAW = int(LIQUIDITY.scaleb(18))
BASE_FIRST, QUOTE_FIRST = PairOrder(True, 18, 18), PairOrder(False, 18, 18)


def holdings(price: Decimal, order: PairOrder) -> tuple[Decimal, Decimal]:
    """(BASE, QUOTE) of the reference position at a price."""
    edges = sorted(sqrt_from_price(Decimal(bound), order) for bound in (1600, 2500))
    return order.base_quote(*burn_amounts(sqrt_from_price(price, order), edges[0], edges[1], LIQUIDITY_RAW))


def value(price: str) -> Decimal:
    """Value in QUOTE of the reference position at a price."""
    base, quote = holdings(Decimal(price), BASE_FIRST)
    return base * Decimal(price) + quote


@pytest.mark.parametrize("order", [BASE_FIRST, QUOTE_FIRST], ids=["base first", "quote first"])
@pytest.mark.parametrize(
    ("price", "base", "quote"),
    [
        ("2000", "25", "50000"),
        ("1800", "37.8093004965", "25696.06111861"),
        ("2200", "13.9797829585", "73116.20228373"),
        ("1600", "52.9508497187", "0"),
        ("1000", "52.9508497187", "0"),
        ("2500", "0", "105901.69943749"),
        ("4000", "0", "105901.69943749"),
    ],
)
def test_amounts(order: PairOrder, price: str, base: str, quote: str) -> None:
    """Formula 1: x = L(1/s - 1/sqrt(Pb)), y = L(s - sqrt(Pa)), whichever token is first."""
    held = holdings(Decimal(price), order)
    assert abs(held[0] - Decimal(base)) < Decimal("1e-9")
    assert abs(held[1] - Decimal(quote)) < Decimal("1e-7")


def test_delta_is_the_base_held() -> None:
    """Formula 2: the value's slope is x, its curvature -L / (2 P^1.5), so 1 % away the loss is 11.84."""
    step = Decimal("0.01")
    up, here, down = value("2000.01"), value("2000"), value("1999.99")
    assert abs((up - down) / (2 * step) - 25) < Decimal("1e-6")
    gamma = -LIQUIDITY / (2 * Decimal(2000) ** Decimal("1.5"))
    assert abs(gamma - Decimal("-0.0592008497")) < Decimal("1e-10")
    assert abs((up - 2 * here + down) / step**2 - gamma) < Decimal("1e-6")
    assert abs(gamma / 2 * 20**2 - Decimal("-11.84")) < Decimal("0.001")


@pytest.mark.parametrize(
    ("price", "loss"),
    [
        ("1800", "-1247.197988"),
        ("2200", "-1128.275208"),
        ("2500", "-6598.300563"),
        ("3000", "-19098.300563"),
    ],
)
def test_one_step_hedged_loss(price: str, loss: str) -> None:
    """Formula 3: what a hedge that is set once leaves over after one move, in range and beyond it."""
    hedged = value(price) - value("2000") - 25 * (Decimal(price) - 2000)
    assert abs(hedged - Decimal(loss)) < Decimal("1e-5")
