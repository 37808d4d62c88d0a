"""The stacked picture of a profit and loss."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.maker import ChartMaker
from bot.charts.picture import Panel
from bot.charts.pnl_picture import pnl_picture
from bot.views.pnl_photo import pnl_photo
from core.accounting.pnl import PnlSeries, PnlStep
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


async def test_it_is_drawn_beside_the_numbers() -> None:
    """A year of hours too; of a moment there is no picture, and one that fails is left out."""
    year = a_series([(Decimal(n), Decimal(-n), Decimal(n % 7), Decimal(0), Decimal(-1)) for n in range(8760)])
    photo = await pnl_photo(ChartMaker(), year, title="bnb", quote="USDT", zone=UTC)
    assert photo is not None
    assert (photo.photo, photo.name, photo.content[:4]) == (True, "pnl.png", b"\x89PNG")
    moment = a_series([(Decimal(0),) * 5])
    assert await pnl_photo(ChartMaker(), moment, title="bnb", quote="USDT", zone=UTC) is None
    assert await pnl_photo(ChartMaker(child=("-c", "")), year, title="bnb", quote="USDT", zone=UTC) is None
