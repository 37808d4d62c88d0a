"""The stacked picture of a profit and loss."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal
from functools import reduce
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.maker import ChartMaker
from bot.charts.picture import Panel
from bot.charts.pnl_picture import pnl_picture, summed
from bot.replies import Attachment
from bot.views.pnl_photo import pnl_photo
from core.accounting.attribution import Assets, Parts
from core.accounting.pnl import PnlSeries, PnlStep
from core.accounting.statement import Statement
from tests.charts.samples import T0

AMOUNT = st.integers(-(10**6), 10**6).map(lambda cents: Decimal(cents).scaleb(-2))
PARTS = st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT, AMOUNT, AMOUNT), min_size=1, max_size=40)


def a_series(parts: list[tuple[Decimal, ...]]) -> PnlSeries:
    steps = []
    for number, (fees, lp, hedge, funding, costs) in enumerate([(Decimal(0),) * 5, *parts]):
        net = fees + lp + hedge + funding + costs
        steps.append(PnlStep(T0 + timedelta(hours=number), fees, lp, hedge, funding, costs, net))
    return PnlSeries(tuple(steps))


def stacked(series: PnlSeries) -> Panel:
    return pnl_picture(series, title="bnb", quote="USDT", zone=UTC).panels[0]


@given(PARTS)
def test_what_is_above_zero_less_what_is_below_is_the_net(parts: list[tuple[Decimal, ...]]) -> None:
    """At each step, whatever the signs of the parts."""
    series = a_series(parts)
    panel = stacked(series)
    for index, step in enumerate(series.steps):
        heights = [(area.high[index] or 0.0) - (area.low[index] or 0.0) for area in panel.areas]
        assert all(height >= 0 for height in heights)
        top = max(area.high[index] or 0.0 for area in panel.areas)
        bottom = min(area.low[index] or 0.0 for area in panel.areas)
        assert top + bottom == pytest.approx(float(step.net), abs=1e-6)
        assert panel.low <= bottom <= top <= panel.high


def test_every_part_is_named_once_and_has_its_last_value() -> None:
    """In QUOTE, with a sign."""
    series = a_series([(Decimal(5), Decimal(-40), Decimal("38.5"), Decimal(1), Decimal(-2))])
    parts, net = pnl_picture(series, title="bnb", quote="USDT", zone=UTC).panels
    assert [area.label for area in parts.areas if area.label] == ["fees", "LP", "hedge", "funding", "costs"]
    assert {line.label: line.last for line in net.lines} == {
        "net": "+2.50",
        "fees": "+5.00",
        "LP + hedge": "\N{MINUS SIGN}1.50",
        "funding + costs": "\N{MINUS SIGN}1.00",
    }
    assert (parts.unit, net.unit) == ("USDT", "USDT")


def test_what_could_not_be_counted_is_said() -> None:
    """In the picture too, which is passed on without its text."""
    series = PnlSeries(a_series([(Decimal(1),) * 5]).steps, ("fees paid in BNB",))
    assert "fees paid in BNB" in pnl_picture(series, title="bnb", quote="USDT", zone=UTC).footer


def a_statement(hedge: str, hours: int, *, quote: str = "USDT", every: int = 1) -> Statement:
    parts = [Parts(lp_fees=Decimal(2), lp_price=Decimal(n % 7 - 3), commissions=Decimal(-1)) for n in range(hours)]
    steps = tuple((T0 + timedelta(hours=every * (n + 1)), each) for n, each in enumerate(parts))
    assets = Assets("BNB", quote)
    return Statement(hedge, assets, T0, steps[-1][0], steps, reduce(add, parts, Parts()))


async def test_it_is_drawn_beside_the_numbers() -> None:
    """A year of hours too; of a moment there is no picture, nor of two QUOTEs, and one that fails is left out."""

    async def photo(*statements: Statement, charts: ChartMaker | None = None) -> Attachment | None:
        return await pnl_photo(charts or ChartMaker(), statements, title="P&L", zone=UTC)

    drawn = await photo(a_statement("bnb", 8760))
    assert drawn is not None
    assert (drawn.photo, drawn.name, drawn.content[:4]) == (True, "pnl.png", b"\x89PNG")
    assert await photo() is None
    assert await photo(a_statement("bnb", 1)) is None
    assert await photo(a_statement("bnb", 9), a_statement("eth", 9, quote="USDC")) is None
    assert await photo(a_statement("bnb", 9), charts=ChartMaker(child=("-c", ""))) is None


def test_several_hedges_add_up_at_every_moment() -> None:
    """Also when they were read at different times: each counts with what it had come to."""
    often, seldom = a_statement("bnb", 12).series, a_statement("eth", 4, every=3).series
    both = summed([often, seldom])
    assert [step.at for step in both.steps] == [step.at for step in often.steps]
    assert both.steps[-1].net == often.steps[-1].net + seldom.steps[-1].net
    assert both.steps[4].net == often.steps[4].net + seldom.steps[1].net
    assert all(step.net == step.fees + step.lp + step.hedge + step.funding + step.costs for step in both.steps)
    assert summed([often]) == often
