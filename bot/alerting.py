"""When an alert is said and when it is held back: pure bookkeeping over the time it is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

FORETOLD_FOR = timedelta(seconds=60)


class Say(StrEnum):
    FIRST = "first"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Pace:
    """`settle`: a trouble that ends sooner is not told. `flap_settle`: the same, once `flap_after` were told in `calm`.

    `repeat`: a lasting trouble is told again after this long; zero: never.
    """

    settle: timedelta
    flap_settle: timedelta = timedelta(seconds=60)
    calm: timedelta = timedelta(seconds=300)
    repeat: timedelta = timedelta(0)
    flap_after: int = 1


@dataclass(slots=True)
class Episode:
    """One kind of trouble that comes and goes. Mutable: it remembers what was said.

    `told`: the present trouble was said, so its end is worth saying. `times`: how often it came since the last alert.
    `foretold_at`: when another message said it already.
    """

    pace: Pace
    active: bool = False
    since: datetime | None = None
    told: bool = False
    said_at: datetime | None = None
    said_size: Decimal | None = None
    size: Decimal | None = None
    times: int = 0
    foretold_at: datetime | None = None
    told_at: tuple[datetime, ...] = ()

    def arise(self, now: datetime, size: Decimal | None = None) -> None:
        """It is there; `size` None leaves the size as it was."""
        if not self.active:
            self.active, self.since, self.told = True, now, False
            self.times += 1
        self.size = size if size is not None else self.size
        if self.foretold_at is not None and now - self.foretold_at < FORETOLD_FOR:
            self.was_said(now)

    def foretell(self, now: datetime) -> None:
        """Another message says it: this trouble, present or about to come, needs no alert of its own."""
        self.foretold_at = now
        if self.active:
            self.was_said(now)

    def end(self) -> bool:
        """True when the operator was told of it and should hear that it is over."""
        told = self.active and self.told
        self.active, self.told, self.size, self.foretold_at = False, False, None, None
        return told

    def due(self, now: datetime) -> Say | None:
        if not self.active or self.since is None:
            return None
        if self.told:
            return Say.AGAIN if self._worth_repeating(now) else None
        recent = sum(1 for at in self.told_at if now - at < self.pace.calm)
        flapping = recent >= self.pace.flap_after
        settle = max(self.pace.settle, self.pace.flap_settle) if flapping else self.pace.settle
        return Say.FIRST if now - self.since >= settle else None

    def was_said(self, now: datetime) -> None:
        if not self.told:
            self.told_at = (*self.told_at, now)[-self.pace.flap_after :]
        self.told, self.said_at, self.said_size, self.times, self.foretold_at = True, now, self.size, 0, None

    def _worth_repeating(self, now: datetime) -> bool:
        doubled = self.size is not None and self.said_size is not None and self.size >= 2 * self.said_size > 0
        waited = self.said_at is not None and bool(self.pace.repeat) and now - self.said_at >= self.pace.repeat
        return doubled or waited


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
