"""Since when, and by its own settings until when, each hedge trades without a break."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.events import Event, EventKind
from core.status import HedgeStatus
from core.watch import AT_WORK_S

ADJUSTING = "ADJUSTING"
FLATTEN = "operator_flatten"
# Trades that the operator was promised when they gave the word.
BY_WORD = frozenset({"approved", "operator_hedge"})


@dataclass(frozen=True, slots=True)
class Work:
    """`until`: when its own time is over; `ended_at`: None while it goes on. `by_word`: of the operator; `is_told`: who
    asks was told of that. `flattens`: it closes the short, and so opens the gap."""

    since: datetime
    until: datetime
    by_word: bool = False
    is_told: bool = False
    flattens: bool = False
    ended_at: datetime | None = None

    def was_over_before(self, moment: datetime | None) -> bool:
        """Never before None, a moment that is not known."""
        return self.ended_at is not None and moment is not None and self.ended_at < moment


class AtWork:
    """Fed with decisions and with what the hedges stand at, whichever comes first: an evaluation tells at its end."""

    def __init__(self) -> None:
        self._last: dict[str, Work] = {}

    def closing(self, hedge: str) -> Work | None:
        """What is under way to close the gap."""
        work = self._last.get(hedge)
        return None if work is None or work.flattens or work.ended_at is not None else work

    def opens(self, hedge: str, now: datetime) -> bool:
        """A /flatten does, up to the look that finds it ended, which sees what it left."""
        work = self._last.get(hedge)
        return work is not None and work.flattens and work.ended_at in (None, now)

    def is_newly_promised(self, hedge: str) -> bool:
        """Once for what is traded by the operator's word."""
        work = self._last.get(hedge)
        if work is None or not work.by_word or work.is_told:
            return False
        self._last[hedge] = replace(work, is_told=True)
        return True

    def traded_s(self, hedge: str, since: datetime | None, now: datetime) -> float | None:
        """How long it was last traded to close the gap that there is `since`; None: it was not."""
        work = self._last.get(hedge)
        if work is None or work.flattens or work.was_over_before(since):
            return None
        return ((work.ended_at or now) - work.since).total_seconds()

    def take(self, event: Event, now: datetime) -> None:
        """A decision, or a breach that says until when it is worked on."""
        until, state = _until(event, now), event.data.get("state")
        if until is not None or state == ADJUSTING:
            self._goes_on(event.hedge or "", event.data.get("reason", ""), until, now)
        elif event.kind is EventKind.DECISION_CHANGED:
            self._ended(event.hedge or "", now)

    def look(self, status: HedgeStatus, now: datetime) -> None:
        """What the last look decided."""
        if status.state == ADJUSTING:
            self._goes_on(status.name, status.reason, None, now)
        else:
            self._ended(status.name, now)

    def _goes_on(self, hedge: str, reason: str, until: datetime | None, now: datetime) -> None:
        work = self._last.get(hedge)
        if work is None or work.ended_at is not None:
            work = Work(now, now + timedelta(seconds=AT_WORK_S))
        self._last[hedge] = replace(
            work,
            until=max(work.until, until or work.until),
            by_word=work.by_word or reason in BY_WORD,
            flattens=work.flattens or reason == FLATTEN,
        )

    def _ended(self, hedge: str, now: datetime) -> None:
        work = self._last.get(hedge)
        if work is not None and work.ended_at is None:
            self._last[hedge] = replace(work, ended_at=now)


def _until(event: Event, now: datetime) -> datetime | None:
    """When the time is over that the event gives to those who work on it; its own moments are the wall clock's."""
    until = event.data.get("covered_until")
    return now + (datetime.fromisoformat(until) - event.at) if until else None
