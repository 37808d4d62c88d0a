"""What the operator asked of one hedge and is not done yet, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.clock import Clock, SteadyTime
from core.events import Event, EventKind
from core.hedging.kernel_types import Decision
from core.hedging.states import Reason, Request, State
from core.ports import EventLog

LIVES = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Wish:
    """A confirmed request. `most_base`: signed, what the question showed; None when it showed no size. `until`: by
    steady time."""

    request: Request
    most_base: Decimal | None
    until: datetime


class Wishes:
    """For one hedge, one at a time. A /hedge that the facts do not allow in time is dropped; a /flatten waits until
    flat. Neither ends, or waits long, without a word."""

    def __init__(self, hedge: str, events: EventLog, clock: Clock) -> None:
        self._hedge = hedge
        self._events = events
        self._steady = SteadyTime(clock)
        self._told_waiting = False
        self.wish: Wish | None = None

    @property
    def is_flattening(self) -> bool:
        """A confirmed /flatten that is not done yet."""
        return self.wish is not None and self.wish.request is Request.FLATTEN

    def make(self, request: Request, most_base: Decimal | None) -> None:
        """In place of an earlier one; its time runs from now."""
        self.wish = Wish(request, most_base, self._steady.now() + LIVES)
        self._told_waiting = False

    async def stopped(self, why: Reason, now: datetime) -> None:
        """/halt and /pause end a waiting /hedge; a /flatten they leave alone, for it is a stop itself."""
        if self.wish is not None and self.wish.request is Request.HEDGE:
            self.wish = None
            await self._tell(EventKind.COMMAND_DROPPED, "hedge", why, now)

    def take_back(self) -> None:
        """/resume: whatever waits is not wanted any more."""
        self.wish = None

    async def look_at_the_time(self, decision: Decision | None, now: datetime) -> None:
        """What was wanted a minute ago is not done to another market. `decision`: the last one, that did not do it."""
        if self.wish is None or self._steady.now() <= self.wish.until:
            return
        if self.wish.request is Request.HEDGE:
            self.wish = None
            await self._tell(EventKind.COMMAND_DROPPED, "hedge", _reason(decision), now)
        elif not self._told_waiting:
            self._told_waiting = True
            await self._tell(EventKind.COMMAND_WAITING, "flatten", _reason(decision), now)

    async def settle(self, heard: Wish | None, decision: Decision, *, began: bool, flat: bool, now: datetime) -> None:
        """After an evaluation that decided on `heard`; a wish that came meanwhile is for the next one.

        `began`: an order was sent in it; `flat`: nothing is open and nothing in doubt.
        """
        if heard is None or self.wish is not heard:
            return
        if _is_done(heard, decision, began=began, flat=flat):
            self.wish = None
        elif heard.request is Request.HEDGE and has_nothing_to_do(decision):
            self.wish = None
            await self._tell(EventKind.COMMAND_DROPPED, "hedge", _reason(decision), now)

    async def _tell(self, kind: EventKind, command: str, reason: Reason, now: datetime) -> None:
        data = {"command": command, "reason": reason.text, "detail": reason.explanation}
        await self._events.append(Event(kind, self._hedge, now, data))


def _is_done(wish: Wish, decision: Decision, *, began: bool, flat: bool) -> bool:
    if wish.request is Request.FLATTEN:
        return flat
    return began and decision.reason == Reason.OPERATOR_HEDGE


def has_nothing_to_do(decision: Decision) -> bool:
    """Decided on a /hedge that every fact allows: what is missing is no trade."""
    return decision.state in (State.READY, State.DISABLED)


def _reason(decision: Decision | None) -> Reason:
    return Reason(decision.reason) if decision else Reason.STARTING
