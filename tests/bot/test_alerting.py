"""The one mechanism behind every lasting trouble, under any course of events."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerting import Episode, Pace, Say, Sense, Threshold
from tests.bot.samples import T0

STEP_S = 5
REPEAT = timedelta(seconds=600)
PACE = Pace(settle=timedelta(seconds=10))
LIMITS = {Sense.GROWS: Threshold(Decimal(100)), Sense.SHRINKS: Threshold(Decimal(10), Sense.SHRINKS)}
VALUES = {
    Sense.GROWS: st.decimals(0, 100_000, places=2),
    Sense.SHRINKS: st.decimals(0, 20, places=3),
}
SENSES = st.sampled_from(Sense)


@dataclass
class Told:
    """What the operator heard, in order: FIRST, WORSE, STILL, None for "it is over"; with the second and the value."""

    episode: Episode
    said: list[tuple[Say | None, int, Decimal | None]] = field(default_factory=list)
    second: int = 0

    def look(self, value: Decimal | None, threshold: Threshold) -> None:
        now = T0 + timedelta(seconds=self.second)
        if self.episode.look(now, value, threshold):
            self.said.append((None, self.second, value))
        if (say := self.episode.due(now, REPEAT)) is not None:
            self.episode.was_said(now)
            self.said.append((say, self.second, self.episode.size))
        self.second += STEP_S

    @property
    def kinds(self) -> list[Say | None]:
        return [say for say, _, _ in self.said]


@st.composite
def courses(draw: st.DrawFn) -> tuple[Sense, list[Decimal | None]]:
    """Values that stay for a while, and stretches in which nothing is known."""
    sense = draw(SENSES)
    stretches = draw(st.lists(st.tuples(st.none() | VALUES[sense], st.integers(1, 60)), min_size=1, max_size=20))
    return sense, [value for value, often in stretches for _ in range(often)]


def heard(sense: Sense, values: list[Decimal | None]) -> Told:
    told = Told(Episode(PACE, sense))
    for value in values:
        told.look(value, LIMITS[sense])
    return told


@given(courses())
def test_every_entry_has_one_recovery(course: tuple[Sense, list[Decimal | None]]) -> None:
    """Never two entries without a word of recovery between, never a recovery from what was not told."""
    marks = [say for say in heard(*course).kinds if say in (Say.FIRST, None)]
    assert marks == [Say.FIRST, None] * (len(marks) // 2) + [Say.FIRST] * (len(marks) % 2)


@given(courses())
def test_nothing_lasts_in_silence(course: tuple[Sense, list[Decimal | None]]) -> None:
    """Once told, it is told again within the pace for as long as it lasts."""
    said = heard(*course).said
    for (say, at, _), (after, then, _) in itertools.pairwise(said):
        if say is not None and after is not None:
            assert then - at <= REPEAT.total_seconds() + STEP_S


@given(courses())
def test_again_before_its_time_only_when_materially_worse(course: tuple[Sense, list[Decimal | None]]) -> None:
    """Each WORSE is twice as bad as all that was said of the episode before."""
    sense, values = course
    worst: Decimal | None = None
    for say, _, size in heard(sense, values).said:
        if say is Say.WORSE:
            assert size is not None and worst is not None and sense.is_materially_worse(size, worst)
        if say is None:
            worst = None
        elif size is not None and (worst is None or sense.is_worse(size, worst)):
            worst = size


@given(SENSES, st.data())
def test_inside_the_margin_it_is_told_once(sense: Sense, data: st.DataObject) -> None:
    """A value that goes to and fro over the threshold, and never past the margin, is one message."""
    tenths = st.integers(810, 1500) if sense is Sense.GROWS else st.integers(60, 119)
    inside = tenths.map(lambda tenth: Decimal(tenth) / 10)
    beyond = [Decimal(100) if sense is Sense.GROWS else Decimal("9.9")]
    values = data.draw(st.lists(inside, min_size=3, max_size=100))
    assert heard(sense, [*beyond, *beyond, *beyond, *values]).kinds == [Say.FIRST]


@given(courses())
def test_a_gap_in_knowledge_says_nothing_new(course: tuple[Sense, list[Decimal | None]]) -> None:
    """What is not known neither begins nor ends a trouble."""
    sense, values = course
    told = heard(sense, values)
    before = told.episode.active
    told.look(None, LIMITS[sense])
    assert told.episode.active == before


@pytest.mark.parametrize(
    ("sense", "values", "kinds"),
    [
        (Sense.GROWS, [100, 100, 100, 199, 200, 399, 400, 85, 79], [Say.FIRST, Say.WORSE, Say.WORSE, None]),
        (Sense.SHRINKS, [9, 9, 9, "4.6", "4.5", "2.3", "2.25", "11.9", 12], [Say.FIRST, Say.WORSE, Say.WORSE, None]),
    ],
)
def test_worse_and_over(sense: Sense, values: list[int | str], kinds: list[Say | None]) -> None:
    """A size that doubles, what is left that halves; over only past the margin."""
    assert heard(sense, [Decimal(value) for value in values]).kinds == kinds


def test_what_is_worked_on_is_said_in_silence_first() -> None:
    """And aloud once that has taken too long, or has ended without success."""
    episode = Episode(Pace())
    episode.arise(T0, Decimal(100))
    assert episode.due(T0, REPEAT, covered=True) is Say.FIRST
    episode.was_said(T0, quietly=True)
    assert episode.due(T0 + timedelta(seconds=20), REPEAT, covered=True) is None
    assert episode.due(T0 + timedelta(seconds=21), REPEAT) is Say.ALOUD
    episode.was_said(T0 + timedelta(seconds=21))
    assert episode.due(T0 + timedelta(seconds=22), REPEAT) is None
