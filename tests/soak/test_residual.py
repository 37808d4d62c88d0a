"""The judge of the residual, of memory and of ends finds what it is there for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.soak import residual
from tests.soak.broken import MINUTE, NOON, write
from tests.soak.publish import BEGIN, END, published
from tests.soak.records import Down, Gap, Records, Weight
from tests.soak.report import Result, exits_broken, memory_broken, slope_mb_a_day
from tests.soak.residual import Stretch
from tests.soak.stage import Exit, SoakStage

SPEED = 1
WEEK = range(0, 7 * 24 * 60, 2)
ALLOWED = {hedge: residual.patience(hedge, SPEED) for hedge in ("eth", "btc", "bnb")}


def _gaps(minutes: range, gap_quote: int, hedge: str = "eth") -> list[Gap]:
    return [Gap(NOON + minute * MINUTE, hedge, Decimal(gap_quote), Decimal(100)) for minute in minutes]


def _said(state: str, reason: str, hedge: str = "eth", started_at: int | None = None) -> list[Stretch]:
    started = None if started_at is None else NOON + started_at * MINUTE
    return [Stretch(hedge, NOON, NOON + 11000 * MINUTE, state, reason, started)]


def _found(gaps: list[Gap], said: list[Stretch]) -> list[str]:
    return list(residual.over_band(gaps, said, SPEED))


def test_a_gap_without_an_excuse_is_found_once() -> None:
    """Longer than old facts may be taken for new, and a trade takes; by the settings."""
    minutes = int(ALLOWED["eth"].unexplained / MINUTE)
    assert len(_found(_gaps(range(minutes + 3), 200), _said("READY", "within_band"))) == 1
    assert not _found(_gaps(range(minutes + 3), 104), _said("READY", "within_band"))
    assert not _found(_gaps(range(minutes), 200), _said("READY", "within_band"))
    assert residual.said_while_over(_gaps(range(9), 200), _said("READY", "within_band")) == "READY 9"


@pytest.mark.parametrize(
    ("state", "reason", "most"),
    [
        ("ADJUSTING", "band_exceeded", ALLOWED["eth"].plan),
        ("COOLDOWN", "cooldown", ALLOWED["eth"].cooldown),
        ("COOLDOWN", "max_per_hour", residual.HOUR),
        ("AWAITING_APPROVAL", "awaiting_approval", ALLOWED["eth"].question),
        ("AWAITING_APPROVAL", "unanswered", ALLOWED["eth"].snooze),
        ("READY", "snoozed", ALLOWED["eth"].snooze),
        ("READY", "at_cap", residual.SUSPENDED_AT_MOST),
        ("SUSPENDED", "stale_chain", residual.SUSPENDED_AT_MOST),
        ("DOWN", "kill -9", 30 * MINUTE + ALLOWED["eth"].start),
    ],
)
def test_each_word_excuses_a_gap_for_as_long_as_it_may_last(state: str, reason: str, most: timedelta) -> None:
    """A week of it is a finding, whatever the word."""
    said = _said(state, reason, started_at=30 if state == "DOWN" else None)
    assert not _found(_gaps(range(int(most / MINUTE)), 100_000), said)
    assert len(_found(_gaps(range(int((most + ALLOWED["eth"].unexplained) / MINUTE) + 3), 100_000), said)) == 1
    assert len(_found(_gaps(WEEK, 100_000), said)) == 1


@pytest.mark.parametrize(
    ("first_s", "first", "second_s", "second"),
    [
        (175, "READY within_band", 5, "COOLDOWN cooldown"),
        (60, "ADJUSTING band_exceeded", 30, "COOLDOWN cooldown"),
        (300, "READY within_band", 20, "SUSPENDED stale_venue"),
    ],
)
def test_words_that_change_all_the_time_excuse_no_week(first_s: int, first: str, second_s: int, second: str) -> None:
    """What is not excused is added up; and no number of plans that leave the gap open excuses it."""
    said, at = [], NOON
    while at < NOON + 10080 * MINUTE:
        for lasts_s, (state, reason) in ((first_s, first.split()), (second_s, second.split())):
            said.append(Stretch("eth", at, at + timedelta(seconds=lasts_s), state, reason))
            at = said[-1].to
    assert len(_found(_gaps(WEEK, 100_000), said)) == 1


def test_each_hedge_has_the_patience_of_its_own_settings() -> None:
    """A quote waits to be filled, slices take their time."""
    assert ALLOWED["btc"].plan - ALLOWED["eth"].plan == timedelta(seconds=180)
    assert ALLOWED["bnb"].plan - ALLOWED["eth"].plan == timedelta(seconds=180)
    faster = residual.patience("eth", 120)
    assert faster.unexplained - ALLOWED["eth"].unexplained == timedelta(seconds=119 * residual.STALLS_S)


def test_the_time_in_each_state_has_no_holes(stage: SoakStage) -> None:
    """Down when it was ended, until its first decision after."""
    write(stage, "DELETE FROM events")
    insert = "INSERT INTO events (seq, scope, kind, hedge, at, data) VALUES (?, 's', 'decision_changed', 'eth', ?, ?)"
    for number, at in enumerate((NOON + MINUTE, NOON + 5 * MINUTE)):
        moment = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
        write(stage, insert, number, moment, '{"state": "READY", "reason": "within_band"}')
    downs = [Down(NOON + 3 * MINUTE, "kill -9", NOON + 4 * MINUTE)]
    lasted = residual.stretches(stage, downs, NOON, NOON + 9 * MINUTE)
    assert [(each.state, (each.to - each.frm) / MINUTE) for each in lasted] == [
        ("DOWN", 1),
        ("READY", 2),
        ("DOWN", 2),
        ("READY", 4),
    ]
    assert [each.started_at for each in lasted] == [NOON, None, NOON + 4 * MINUTE, None]


def test_memory_that_grows_is_found() -> None:
    """In MB a day, by a line through what was weighed after the first hours."""
    grows = [Weight(NOON + timedelta(hours=hour), 1, 100 + hour / 8, 0.0) for hour in range(80)]
    assert slope_mb_a_day(grows) == pytest.approx(3.0)
    assert slope_mb_a_day(grows[:20]) is None
    assert list(memory_broken(Records(weights=grows))) == ["memory grows by 3.00 MB a day, 2 are allowed"]
    slowly = [Weight(NOON + timedelta(hours=hour), 1, 100 + hour / 24, 0.0) for hour in range(80)]
    assert list(memory_broken(Records(weights=slowly))) == []


def test_memory_that_is_too_much_is_found() -> None:
    """In however short a life."""
    assert list(memory_broken(Records(weights=[Weight(NOON, 1, 161, 0.0)]))) == [
        "161 MB were resident, 160 are allowed"
    ]


def test_an_end_that_is_late_or_bad_is_found() -> None:
    """Of the machine's own time, with what a busy one may add."""
    assert list(exits_broken(Records(exits=[Exit(0, 14.9)]))) == []
    assert list(exits_broken(Records(exits=[Exit(0, 15.1)]))) == ["SIGTERM ended it after 15.1 s, 5 and 10 are allowed"]
    assert list(exits_broken(Records(exits=[Exit(1, 1.0)]))) == ["SIGTERM ended it with 1"]


def test_a_result_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """And what is written around it stays."""
    Result("first", {"orders": "1"}, ()).write(tmp_path)
    page = published(f"head\n{BEGIN}\n{END}\ntail\n", tmp_path)
    Result("second", {"orders": "2"}, ("an order twice",)).write(tmp_path)
    page = published(page, tmp_path)
    assert page.startswith("head\n") and page.endswith("tail\n")
    assert "first" not in page and "| orders | 2 |" in page and "- an order twice" in page
