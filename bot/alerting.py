"""When an alert is said and when it is held back: pure bookkeeping over the time it is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

FORETOLD_FOR = timedelta(seconds=60)
# How far a measure must come back past its limit before the trouble is over: the margin that keeps it from fluttering.
BACK_BELOW = Decimal("0.8")
BACK_ABOVE = Decimal("1.2")
MATERIALLY = 2


class Say(StrEnum):
    """FIRST: it has begun. WORSE: it has doubled, or what is left has halved. ALOUD: nobody works on it any more, and
    it was said in silence before, or that it is being worked on. STILL: it lasts."""

    FIRST = "first"
    WORSE = "worse"
    ALOUD = "aloud"
    STILL = "still"


class Sense(StrEnum):
    """Whether a trouble is worse as its measure GROWS (a gap, a loss) or SHRINKS (a distance, what is left)."""

    GROWS = "grows"
    SHRINKS = "shrinks"

    def is_worse(self, value: Decimal, than: Decimal) -> bool:
        """Strictly: the same again is not."""
        return value > than if self is Sense.GROWS else value < than

    def is_materially_worse(self, value: Decimal, than: Decimal) -> bool:
        """By the factor MATERIALLY at least; against nothing, or less, nothing is."""
        if than <= 0:
            return False
        return value >= MATERIALLY * than if self is Sense.GROWS else MATERIALLY * value <= than


@dataclass(frozen=True, slots=True)
class Threshold:
    """`limit` in the unit of what is measured, above zero."""

    limit: Decimal
    sense: Sense = Sense.GROWS

    def is_passed(self, value: Decimal, *, was: bool) -> bool:
        """`was`: it was passed before, so that coming back takes the margin too."""
        if self.sense is Sense.GROWS:
            return value >= self.limit * (BACK_BELOW if was else 1)
        return value < self.limit * (BACK_ABOVE if was else 1)


@dataclass(frozen=True, slots=True)
class Pace:
    """`settle`: a trouble that ends sooner is not told. `flap_settle`: the same, once `flap_after` were told within
    `calm`."""

    settle: timedelta = timedelta(0)
    flap_settle: timedelta = timedelta(seconds=60)
    calm: timedelta = timedelta(seconds=300)
    flap_after: int = 1


@dataclass(slots=True)
class Episode:
    """One kind of trouble that comes and goes. Mutable: it remembers what was said.

    `told`: the present trouble was said, so its end is worth saying; `quietly`: only in silence so far, or as one that
    is being worked on. `said_size`: the worst that was said of it. `times`: how often it came since the last alert.
    `foretold_at`: when another message said it already.
    """

    pace: Pace
    sense: Sense = Sense.GROWS
    active: bool = False
    since: datetime | None = None
    told: bool = False
    quietly: bool = False
    said_at: datetime | None = None
    said_size: Decimal | None = None
    size: Decimal | None = None
    times: int = 0
    foretold_at: datetime | None = None
    told_at: tuple[datetime, ...] = ()

    def look(self, now: datetime, value: Decimal | None, threshold: Threshold) -> bool:
        """Take in a measure; None leaves all as it was. True when the trouble is over and was told."""
        if value is None:
            return False
        if not threshold.is_passed(value, was=self.active):
            return self.end()
        self.arise(now, value)
        return False

    def arise(self, now: datetime, size: Decimal | None = None) -> None:
        """It is there; `size` None leaves the size as it was."""
        if not self.active:
            self.active, self.since, self.told, self.said_size = True, now, False, None
            self.times += 1
        self.size = size if size is not None else self.size
        if self.foretold_at is not None and now - self.foretold_at < FORETOLD_FOR:
            self.was_said(now)

    def foretell(self, now: datetime) -> None:
        """Another message says it: this trouble, present or about to come, needs no alert of its own."""
        self.foretold_at = now
        if self.active:
            self.was_said(now)

    def is_no_news(self, size: Decimal) -> None:
        """It has become as bad as this by the operator's own word."""
        self.size = size
        if self.said_size is None or self.sense.is_worse(size, self.said_size):
            self.said_size = size

    def end(self) -> bool:
        """True when the operator was told of it and should hear that it is over."""
        told = self.active and self.told
        self.active, self.told, self.size, self.foretold_at, self.quietly = False, False, None, None, False
        return told

    def due(self, now: datetime, repeat: timedelta, *, covered: bool = False) -> Say | None:
        """What is to be said now. `repeat`: a lasting trouble is told again after this long; zero: never.

        `covered`: it is being worked on in time.
        """
        if not self.active or self.since is None:
            return None
        if self.told:
            return self._again(now, repeat, covered=covered)
        return Say.FIRST if now - self.since >= self._settle(now) else None

    def was_said(self, now: datetime, *, quietly: bool = False) -> None:
        """Repetition and flapping count from here, and the worst that was said is kept. `quietly`: as in the class."""
        if not self.told:
            self.told_at = (*self.told_at, now)[-self.pace.flap_after :]
        if self.said_size is None or (self.size is not None and self.sense.is_worse(self.size, self.said_size)):
            self.said_size = self.size
        self.told, self.quietly, self.said_at, self.times, self.foretold_at = True, quietly, now, 0, None

    def lasted_s(self, now: datetime) -> float:
        """Since it began, also when it has just ended."""
        return (now - self.since).total_seconds() if self.since is not None else 0.0

    def _settle(self, now: datetime) -> timedelta:
        """So long it must last before it is told."""
        recent = sum(1 for at in self.told_at if now - at < self.pace.calm)
        flapping = recent >= self.pace.flap_after
        return max(self.pace.settle, self.pace.flap_settle) if flapping else self.pace.settle

    def _again(self, now: datetime, repeat: timedelta, *, covered: bool) -> Say | None:
        if self.quietly and not covered:
            return Say.ALOUD
        if self._is_worse():
            return Say.WORSE
        return Say.STILL if self._was_silent_for(repeat, now) else None

    def _is_worse(self) -> bool:
        if self.size is None or self.said_size is None:
            return False
        return self.sense.is_materially_worse(self.size, self.said_size)

    def _was_silent_for(self, repeat: timedelta, now: datetime) -> bool:
        return self.said_at is not None and bool(repeat) and now - self.said_at >= repeat


@dataclass(slots=True)
class Repeats:
    """Messages of one topic at most once a `pace`; of those held back the latest comes later, with their number."""

    pace: timedelta
    said_at: datetime | None = None
    held: str | None = None
    count: int = 0

    def offer(self, text: str, now: datetime) -> bool:
        """True: say it now. False: it is held back."""
        if self.said_at is None or now - self.said_at >= self.pace:
            self._reset(now)
            return True
        self.held, self.count = text, self.count + 1
        return False

    def due(self, now: datetime) -> tuple[str, int] | None:
        """The latest text held back and how many there were, once the pace allows."""
        if self.held is None or (self.said_at is not None and now - self.said_at < self.pace):
            return None
        text, count = self.held, self.count
        self._reset(now)
        return text, count

    def _reset(self, now: datetime) -> None:
        self.said_at, self.held, self.count = now, None, 0
