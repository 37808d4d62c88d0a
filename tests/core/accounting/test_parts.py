"""What each part of a change of wealth is, against the theory's check values."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from core.account_ports import Snapshot
from core.accounting.attribution import Parts
from core.accounting.statement import watched
from core.facts import OrderSide
from core.ports import TradeOrigin
from tests.core.accounting.purse import Purse, hedged

CENT = Decimal("0.01")
# The check values are of the range 1600 to 2500; ours has the ticks next to it.
NEAR = Decimal("0.5")


def total(purse: Purse) -> Parts:
    statement = purse.statement()
    assert statement is not None
    return statement.total


@pytest.mark.parametrize("base_is_token0", [True, False])
@pytest.mark.parametrize(
    ("price", "loss"), [("1800", "-1247.197988"), ("2200", "-1128.275208"), ("2500", "-6598.300563")]
)
def test_lvr_of_one_step(price: str, loss: str, base_is_token0: bool) -> None:
    """-L (sqrt P1 - sqrt P0)^2 / sqrt P0, and so much is lost against holding as well (formula 3)."""
    purse = hedged(base_is_token0=base_is_token0)
    purse.price = Decimal(price)
    purse.read()
    parts = total(purse)
    assert abs(parts.lvr - Decimal(loss)) < NEAR
    assert parts.impermanent_loss == parts.lvr
    assert abs(parts.lp_price - 25 * (Decimal(price) - 2000)) < 4 * NEAR


def test_a_path_of_small_steps_loses_what_the_rate_says() -> None:
    """L sqrt(P) sigma^2 / 4 a year: 116.78 a day at 60 % (formula 4), in 1,440 steps there and back."""
    purse = hedged()
    step = Decimal("0.6") * (Decimal(1) / 525_600).sqrt()
    for number in range(1440):
        purse.price = purse.price * (1 + step) if number % 2 == 0 else Decimal(2000)
        purse.read()
    assert abs(total(purse).lvr + Decimal("116.7798")) < CENT * 20


def test_fees_that_pay_for_the_loss_at_the_break_even_volatility() -> None:
    """25 % a year on 100,000 is the loss at 45.9506 % (formula 5)."""
    purse = hedged()
    step = Decimal("0.459506") * (Decimal(1) / 525_600).sqrt()
    for number in range(1440):
        purse.price = purse.price * (1 + step) if number % 2 == 0 else Decimal(2000)
        purse.fee_quote += Decimal(25_000) / 525_600
        purse.read()
    parts = total(purse)
    assert abs(parts.lp_fees + parts.lvr) < CENT * 20
    assert abs(parts.lp_fees - Decimal("68.49")) < CENT


def test_funding_of_a_short() -> None:
    """10 x 600 x 1e-4 is received (formula 14), and nothing else has happened."""
    purse = hedged()
    purse.trade(OrderSide.SELL, "10", "2000")
    purse.read()
    purse.pay("FUNDING_FEE", "0.60")
    purse.read()
    assert (total(purse).funding, total(purse).net) == (Decimal("0.60"), Decimal("0.60"))


def test_a_full_hedge_leaves_the_lvr() -> None:
    """What the BASE gains the short loses."""
    purse = hedged()
    base, _ = purse.amounts()
    purse.trade(OrderSide.SELL, str(base), "2000")
    purse.read()
    purse.price = purse.mark = Decimal(2200)
    purse.read()
    parts = total(purse)
    assert parts.lp_price + parts.hedge == 0
    assert parts.net == parts.lvr
    assert abs(parts.net - Decimal("-1128.275208")) < NEAR


def test_slippage_is_against_the_price_of_the_plan() -> None:
    """Sold 2 at 1990 when the mid was 2000: 20 lost, and the hedge itself is as if filled there."""
    purse = hedged()
    purse.trade(OrderSide.SELL, "2", "1990", arrival="2000", fee="1.99")
    purse.mark = Decimal(1995)
    purse.read()
    parts = total(purse)
    assert (parts.slippage, parts.hedge, parts.commissions) == (Decimal(-20), Decimal(10), Decimal("-1.99"))
    assert (parts.costs, parts.turnover, parts.trades) == (Decimal("-21.99"), Decimal(3980), 1)


def test_a_fee_without_a_price_is_no_zero() -> None:
    """Paid in BASE it has the fill's price; paid in another asset it stands apart and is said."""
    purse = hedged()
    purse.trade(OrderSide.SELL, "1", "2000", fee="0.001", fee_asset="BASE")
    purse.trade(OrderSide.SELL, "1", "2000", fee="0.0021", fee_asset="BNB")
    purse.read()
    statement = purse.statement()
    assert statement is not None
    assert (statement.total.commissions, statement.total.unpriced) == (Decimal(-2), {"BNB": Decimal("0.0021")})
    assert statement.series.left_out == ("0.0021 BNB of fees",)


def test_what_is_put_in_and_taken_out_is_no_performance() -> None:
    """Twice the liquidity, half of it away, fees collected: the net is that of the price alone."""
    purse = hedged()
    value = purse.wealth()
    purse.mint()
    purse.read()
    assert total(purse).added == value and total(purse).net == 0
    purse.burn(0, parks=False)
    purse.read()
    assert abs(total(purse).added) < CENT and total(purse).net == 0
    purse.fee_base, purse.fee_quote = Decimal("0.5"), Decimal(300)
    purse.read()
    purse.fee_base = purse.fee_quote = Decimal(0)
    purse.read()
    parts = total(purse)
    assert (parts.lp_fees, parts.collected, parts.net) == (Decimal(1300), Decimal(1300), Decimal(1300))


def test_parked_principal_has_not_left() -> None:
    """A decrease leaves it in the position; only its collect takes it out."""
    purse = hedged()
    purse.burn(0, parks=True)
    purse.read()
    assert abs(total(purse).added) < CENT
    (each,) = purse.held
    purse.held = (type(each)(**{**{f: getattr(each, f) for f in each.__slots__}, "parked_base": Decimal(0)}),)
    purse.read()
    assert abs(total(purse).added + each.parked_base * 2000) < CENT


def test_other_peoples_trades_stand_apart() -> None:
    """Bought 3 at 1990 with the mark at 2000: 30 less the fee, which is not the hedge's; from then on it is hedged."""
    purse = hedged()
    purse.trade(OrderSide.BUY, "3", "1990", origin=TradeOrigin.FOREIGN, fee="2")
    purse.read()
    parts = total(purse)
    assert (parts.manual, parts.net, parts.trades, parts.commissions) == (Decimal(28), Decimal(0), 0, Decimal(0))


def test_a_position_that_no_trade_explains_is_a_transfer() -> None:
    """It came at the mark and earned nothing by coming."""
    purse = hedged()
    purse.perp_base = Decimal(-2)
    purse.read()
    parts = total(purse)
    assert (parts.moved, parts.hedge, parts.net) == (Decimal(-4000), Decimal(0), Decimal(0))


@pytest.mark.parametrize("late_s", [-25.0, -3.0, 0.0, 3.0, 25.0])
def test_two_clocks_do_not_move_a_fill_to_another_step(late_s: float) -> None:
    """The position says which readings a fill is between, where the times are seconds apart."""
    purse = hedged()
    purse.trade(OrderSide.SELL, "2", "1995", late_s=late_s)
    purse.read()
    purse.mark = Decimal(1900)
    purse.read()
    statement = purse.statement()
    assert statement is not None
    assert statement.total.moved == 0
    assert statement.total.hedge == Decimal(190)


def test_a_long_silence_is_said() -> None:
    """A step longer than a reading should be counts as unwatched; its figures count all the same."""
    purse = hedged()
    purse.at += timedelta(hours=3)
    purse.price = Decimal(2100)
    purse.read()
    parts = total(purse)
    assert parts.unwatched == timedelta(hours=3, seconds=60) and parts.lp_price > 0


def test_too_little_is_no_statement() -> None:
    """One reading, or readings with an unknown figure, are none; another perpetual begins anew."""
    purse = hedged()
    assert purse.statement() is None
    purse.snapshots.append(Snapshot("eth", purse.at, price=Decimal(2000)))
    assert purse.statement() is None
    purse.at += timedelta(seconds=60)
    purse.read()
    assert purse.statement() is not None
    first, *others = purse.snapshots
    purse.snapshots = [type(first)(**{**{f: getattr(first, f) for f in first.__slots__}, "symbol": "OTHER"}), *others]
    assert purse.statement() is None


def test_time_out_of_range_and_the_largest_gap() -> None:
    """Each reading counts until the next; without liquidity nothing is out of range."""
    purse = hedged()
    for price in ("1500", "2600", "2000"):
        purse.price = Decimal(price)
        purse.read()
    purse.held = ()
    purse.read()
    seen = watched(purse.snapshots)
    assert (seen.largest_gap_quote, seen.out_of_range) == (None, timedelta(minutes=2))


def test_the_series_runs_to_the_total() -> None:
    """From zero at the first reading, with `net` the sum of the five parts at every step."""
    purse = hedged()
    for price in ("2010", "1990", "2050"):
        purse.trade(OrderSide.SELL, "1", price, fee="0.8", arrival="2000")
        purse.price = purse.mark = Decimal(price)
        purse.fee_quote += 3
        purse.read()
    statement = purse.statement()
    assert statement is not None
    steps = statement.series.steps
    assert len(steps) == 4 and steps[0].net == 0 and steps[0].at == statement.start
    assert steps[-1].net == statement.total.net != 0
    assert all(s.net == s.fees + s.lp + s.hedge + s.funding + s.costs for s in steps)
