"""What the picture of a hedge shows, before any of it is drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from bot.charts.hedge_history import HedgeHistory, Moment, Stop
from bot.charts.hedge_picture import hedge_picture
from bot.charts.picture import Area, Line, Panel
from bot.charts.stops import stops_in
from core.amm.ticks import MAX_TICK
from core.events import Event, EventKind
from tests.charts.samples import BAND_QUOTE, RANGE, T0, a_history, minute

WHOLE = (Decimal("1e-30"), Decimal("1e30"))


def panels(history: HedgeHistory) -> tuple[Panel, Panel, Panel]:
    price, exposure, residual = hedge_picture(history, UTC).panels
    return price, exposure, residual


def line(panel: Panel, label: str) -> Line:
    return next(each for each in panel.lines if each.label == label)


def value_at(area: Area, x: float) -> tuple[float | None, float | None]:
    index = min(range(len(area.xs)), key=lambda i: abs(area.xs[i] - x))
    return area.low[index], area.high[index]


def test_every_axis_has_its_unit_and_the_zone_its_name() -> None:
    """Nobody has to guess what a number means."""
    picture = hedge_picture(a_history(), ZoneInfo("Europe/Berlin"))
    assert [panel.unit for panel in picture.panels] == ["USDT per BNB", "BNB", "BNB"]
    assert picture.time_label == "Time, Europe/Berlin (CET)"
    assert picture.title == "bnb · BNBUSDT · PAPER"
    assert picture.subtitle.startswith("24 h to 02 Mar 2026 13:00")


def test_an_hour_without_records_is_a_gap_in_every_line_and_area() -> None:
    """Never interpolated: between the last value before and the first after it there is an unknown one."""
    gap_from, gap_to = 720 * 60.0, 780 * 60.0
    for panel in panels(a_history()):
        for each in panel.lines:
            inside = [y for x, y in zip(each.xs, each.ys, strict=True) if gap_from < x < gap_to]
            assert inside
            assert set(inside) == {None}
        for area in panel.areas:
            if area.label != "range":
                rims = zip(area.xs, area.low, area.high, strict=True)
                assert [(low, high) for x, low, high in rims if gap_from - 300 < x < gap_to][-1] == (None, None)


def test_no_line_has_more_points_than_a_screen_and_the_peaks_are_kept() -> None:
    """A month of minutes draws as quickly as a day."""
    history = a_history(43_200)
    price = line(panels(history)[0], "price")
    known = [y for y in price.ys if y is not None]
    prices = [float(each.price or 0) for each in history.moments]
    assert len(price.xs) <= 610
    assert (min(known), max(known)) == (min(prices), max(prices))


def test_the_range_is_drawn_for_as_long_as_it_held() -> None:
    """A position that was re-centred has two, one after the other; only the last one's edges are written."""
    history = a_history(600)
    later = (Decimal(580), Decimal(640))
    moments = tuple(replace(each, ranges=(later,)) if each.at >= minute(400) else each for each in history.moments)
    price = panels(replace(history, moments=moments))[0]
    assert [(area.low[0], area.high[0]) for area in price.areas] == [(550.0, 660.0), (580.0, 640.0)]
    assert price.areas[0].xs[1] < price.areas[1].xs[0] == 400 * 60.0
    assert {note.text for note in price.notes} == {"580", "640"}


def test_a_position_over_every_price_has_no_range() -> None:
    """It is said in words instead."""
    history = a_history(200)
    price = panels(replace(history, moments=tuple(replace(each, ranges=(WHOLE,)) for each in history.moments)))[0]
    assert (price.areas, price.notes) == ((), ())
    assert "full range" in price.title


def test_edges_far_away_are_named_without_flattening_the_price() -> None:
    """The price keeps most of the panel's height."""
    history = a_history(600)
    far = tuple(replace(each, ranges=((Decimal(10), Decimal(9000)),)) for each in history.moments)
    price = panels(replace(history, moments=far))[0]
    assert price.high - price.low < 100
    assert {(note.edge, note.text) for note in price.notes} == {
        ("top", "▲ upper edge 9,000"),
        ("bottom", "▼ lower edge 10"),
    }


@pytest.mark.parametrize("ratio", ["1", "0.5"])
def test_the_band_lies_around_what_the_ratio_leaves(ratio: str) -> None:
    """With half of it hedged the residual is meant to be the other half; a trade is due where it leaves the band."""
    history = a_history(600, ratio=Decimal(ratio))
    (band,) = panels(history)[2].areas
    moment = history.moments[100]
    assert moment.price
    assert moment.net_base
    middle, half = (1 - Decimal(ratio)) * moment.net_base, BAND_QUOTE / moment.price
    assert value_at(band, 100 * 60.0) == pytest.approx((float(middle - half), float(middle + half)))


def test_a_moment_far_outside_is_named_instead_of_flattening_all_others() -> None:
    """As when a position is re-centred: the band stays readable, the peak is said with its size."""
    history = a_history(600)
    moments = tuple(
        replace(each, residual_base=Decimal(9), gap_base=Decimal(-9)) if number == 300 else each
        for number, each in enumerate(history.moments)
    )
    residual = panels(replace(history, moments=moments))[2]
    assert residual.high < 2
    assert [note.text for note in residual.notes] == ["▲ up to +9.000"]
    assert panels(history)[2].notes == ()


def test_fills_are_marked_by_side_at_their_price() -> None:
    """Larger ones larger; of very many those near each other become one."""
    history = a_history()
    marks = panels(history)[0].marks
    assert {mark.side for mark in marks} == {"buy", "sell"}
    assert max(mark.size for mark in marks) == 1.0
    assert all(583 <= mark.y <= 627 for mark in marks)
    many = replace(history, fills=history.fills * 200)
    assert len(panels(many)[0].marks) == len(marks) <= 120


def test_the_short_is_drawn_as_a_size() -> None:
    """Against the LP's BASE, both positive, so that they lie on each other when all is well."""
    history = a_history(100)
    exposure = panels(history)[1]
    assert line(exposure, "short").ys[0] == float(-(history.moments[0].perp_base or 0))
    assert line(exposure, "short").last.startswith(("1", "9"))
    assert not line(exposure, "BNB in LP").last.startswith("\N{MINUS SIGN}")


def test_suspensions_are_shaded_and_explained() -> None:
    """Cut to what is shown; the words say why."""
    history = replace(a_history(100), stops=(Stop(T0 - timedelta(hours=5), minute(10), "stale_chain"),))
    picture = hedge_picture(history, UTC)
    assert [(span.start, span.end) for span in picture.spans] == [(0.0, 600.0)]
    assert picture.footer == "Grey: suspended (stale chain)"
    before = replace(history, stops=(Stop(T0 - timedelta(hours=5), T0 - timedelta(hours=1), "halted"),))
    assert (hedge_picture(before, UTC).spans, hedge_picture(before, UTC).footer) == ((), "")


def test_what_is_unknown_is_said_not_drawn_as_zero() -> None:
    """A panel without any value says so; one with the price alone is drawn."""
    moments = tuple(Moment(minute(number), price=Decimal(600 + number)) for number in range(5))
    price, exposure, residual = panels(replace(a_history(5), moments=moments, fills=()))
    assert price.lines[0].ys == (600.0, 601.0, 602.0, 603.0, 604.0)
    assert (exposure.empty, residual.empty) == ("nothing recorded",) * 2
    assert (exposure.lines, residual.lines) == ((), ())


def test_a_price_that_never_moved_is_drawn_too() -> None:
    """Also one far under 1."""
    for price in ("600", "0.000000012345"):
        moments = tuple(replace(each, price=Decimal(price), ranges=None) for each in a_history(5).moments)
        panel = panels(replace(a_history(5), moments=moments, fills=()))[0]
        assert panel.low < float(price) < panel.high


def test_suspensions_come_from_the_events() -> None:
    """A change of reason begins a new one, the last goes on to the end; other events change nothing."""
    kinds = [
        (EventKind.SUSPENDED, "stale_chain"),
        (EventKind.HEDGE_EXECUTED, ""),
        (EventKind.SUSPENDED, "halted"),
        (EventKind.RECOVERED, "halted"),
        (EventKind.RECOVERED, "halted"),
        (EventKind.SUSPENDED, "paused"),
    ]
    events = [Event(kind, "bnb", minute(number), {"reason": reason}) for number, (kind, reason) in enumerate(kinds)]
    assert stops_in(events, minute(60)) == (
        Stop(minute(0), minute(2), "stale_chain"),
        Stop(minute(2), minute(3), "halted"),
        Stop(minute(5), minute(60), "paused"),
    )


def test_a_suspension_does_not_outlive_the_program() -> None:
    """Whoever was killed amid one told no end of it; what the next program finds is its own to tell."""
    told = [
        Event(EventKind.SUSPENDED, "bnb", minute(0), {"reason": "stale_venue"}),
        Event(EventKind.STARTED, None, minute(5), {}),
        Event(EventKind.SUSPENDED, "bnb", minute(6), {"reason": "stale_chain"}),
        Event(EventKind.STARTED, None, minute(9), {}),
    ]
    assert stops_in(told, minute(60)) == (
        Stop(minute(0), minute(5), "stale_venue"),
        Stop(minute(6), minute(9), "stale_chain"),
    )


def test_the_full_range_of_a_pool_counts_as_one() -> None:
    """Its outermost ticks are further apart than any range that is meant."""
    assert MAX_TICK == 887_272
    assert WHOLE[1] / WHOLE[0] > Decimal(1_000_000)
    assert RANGE[1] / RANGE[0] < 2
