"""A hedge whose exchange could not be prepared yet: suspended, and saying so, until it can be.

An exchange that is down at the start, a key that it refuses while a short is held, or one symbol among several that is
gone must neither end the program nor keep it from being seen and commanded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import structlog

from core.approval_desk import ApprovalDesk
from core.cancellation import all_of
from core.clock import Clock
from core.config import HedgeConfig
from core.departing import Word, answer_departed
from core.errors import UNKNOWN_SYMBOL, ConfigurationError, Refused, Transient
from core.events import Event, EventKind
from core.execution.dead_man import GUARDED_FOR_S
from core.facts import Market, PositionSide
from core.feeds import ChainFeed
from core.hedge import Hedge
from core.hedge_memory import Remembered, from_json, to_json
from core.hedging import memory
from core.hedging.departed import released
from core.hedging.kernel_types import Memory
from core.hedging.lifecycle import observe
from core.hedging.states import Reason, State
from core.observation import Observation, life_rules
from core.outlook import Outlook
from core.ports import EventLog, HedgeMemory
from core.status import HedgeStatus
from core.status_view import hedge_status

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
# While something may rest: seldom enough for a minute's request weight, whatever each try asks.
HURRIED_RETRY_S = 3.0
SHARED_READ_S = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Opening:
    """`prepare` asks the exchange once more and raises as it does; `build` then makes the hedge itself.

    `take_back`: what an earlier process may have left resting; False when something may rest still.
    """

    prepare: Callable[[], Awaitable[None]]
    build: Callable[[], Awaitable[Hedge]]
    take_back: Callable[[], Awaitable[bool]]


class LateHedge:
    """Becomes the real hedge at the first evaluation at which `opening` succeeds.

    Until then nobody looks after what an earlier process left resting, so that it is taken back: an exchange that does
    not answer everything may well cancel.
    """

    def __init__(
        self,
        name: str,
        *,
        config: Callable[[], HedgeConfig],
        opening: Opening,
        desk: ApprovalDesk,
        chain: ChainFeed,
        memory_store: HedgeMemory,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self.name = name
        self._config = config
        self._opening = opening
        self._desk = desk
        self._chain = chain
        self._store = memory_store
        self._events = events
        self._clock = clock
        self._hedge: Hedge | None = None
        self._trouble = ""
        self._reason = Reason.STALE_VENUE
        self._told: type[Exception] | None = None
        self._seen: Observation | None = None
        self._retry_s = FIRST_RETRY_S
        self._tried_at_s: float | None = None
        self._countdown_over_at_s = 0.0
        self._memory_turn = asyncio.Lock()
        self._kernel = Memory()

    @property
    def evaluated_at_s(self) -> float | None:
        """None until the exchange has answered and the hedge itself has looked."""
        return self._hedge.evaluated_at_s if self._hedge else None

    async def evaluate(self) -> None:
        """Asks the exchange once more while it has not answered. RECOVERED is told when the hedge goes on."""
        if self._hedge is None and not await self._open():
            return
        assert self._hedge is not None
        await self._hedge.evaluate()
        if self._told is not None and self._hedge.status().state != State.SUSPENDED.text:
            self._told = None
            data = {"reason": self._reason.text, "detail": "", "state": self._hedge.status().state}
            await self._tell(EventKind.RECOVERED, data)

    def is_moved_by(self, market: Market) -> bool:
        """False until the exchange answers: there is no look to compare with."""
        return self._hedge is not None and self._hedge.is_moved_by(market)

    def status(self) -> HedgeStatus:
        """Until the exchange answers: what the chain says, and why nothing is traded; a stop comes first."""
        if self._hedge is not None:
            return self._hedge.status()
        seen = hedge_status(self.name, self._config(), self._seen, None, trouble=self._trouble, now=self._clock.now())
        if stopped := memory.stopped(self._kernel):
            return replace(seen, reason=stopped, stopped=stopped)
        return replace(seen, reason=self._reason.text) if self._trouble else seen

    def outlook(self) -> Outlook | None:
        """Until the exchange answers, of the chain alone."""
        if self._hedge is not None:
            return self._hedge.outlook()
        return Outlook(self.name, self._config(), self._seen.lp, None, None) if self._seen else None

    def pause_s(self) -> float:
        """Until the exchange is asked again: from one second, doubling up to a minute; up to a few seconds while
        something may rest that no countdown has ended yet."""
        return self._hedge.pause_s() if self._hedge else self._retry_s

    async def halt(self, by: str = "", *, why: str = "") -> None:
        """Until the exchange answers it is only kept: this process has sent nothing that could be stopped, and what an
        earlier one left resting is taken back whether stopped or not."""
        if not await self._kept(memory.halted, EventKind.HALTED, {"why": why} if why else {"by": by}):
            await self._ready().halt(by, why=why)

    async def pause(self, by: str) -> None:
        """As `halt`."""
        if not await self._kept(memory.paused, EventKind.PAUSED, {"by": by}):
            await self._ready().pause(by)

    async def resume(self, by: str) -> None:
        """As `halt`."""
        if not await self._kept(memory.resumed, EventKind.RESUMED, {"by": by}):
            await self._ready().resume(by)

    async def take_back(self) -> bool:
        """Until the exchange answers, what an earlier process left."""
        return await (self._opening if self._hedge is None else self._hedge).take_back()

    async def hedge(self, by: str, most_base: Decimal | None = None) -> str:
        """Raises Refused until the exchange answers: a wish is not kept for an unknown time."""
        return await self._ready().hedge(by, most_base)

    async def flatten(self, by: str) -> str:
        """Raises Refused as `hedge` does, but is halted in any case."""
        if self._hedge is not None:
            return await self._hedge.flatten(by)
        await self.halt(by)
        why = self._trouble or "it is starting"
        raise Refused(f"{self.name} is halted, but cannot be closed yet, send it again later: {why}", code="starting")

    async def adopt(self, leg: PositionSide, by: str) -> str:
        """Raises Refused until the exchange answers: there is no position to take."""
        return await self._ready().adopt(leg, by)

    async def answer_departed(self, word: Word, by: str, most_base: Decimal | None = None) -> str:
        """Of what the last run has seen leave, kept in the memory that the real hedge will begin with."""
        async with self._memory_turn:
            if self._hedge is None:
                before, unit = await self._remembered(), self._config().base or "BASE"
                answered = answer_departed(word, self.name, unit, before.life, most_base)
                await self._store.save(self.name, to_json(replace(before, life=answered.life)), self._clock.now())
                await self._events.append(answered.event(by, self._clock.now()))
                return answered.text
        return await self._hedge.answer_departed(word, by, most_base)

    async def position_followed(self) -> None:
        """Until the exchange answers, in the memory that the real hedge will begin with."""
        async with self._memory_turn:
            if self._hedge is None:
                before = await self._remembered()
                ends_at = self._clock.now() + timedelta(seconds=self._config().no_lp_grace_seconds)
                after = replace(before, life=released(before.life, ends_at))
                if after != before:
                    await self._store.save(self.name, to_json(after), self._clock.now())
                return
        await self._hedge.position_followed()

    def _ready(self) -> Hedge:
        if self._hedge is None:
            raise Refused(f"{self.name} cannot trade yet: {self._trouble or 'it is starting'}", code="starting")
        return self._hedge

    async def _open(self) -> bool:
        if self._tried_at_s is None:
            await self._remembered()  # a stop of the last run shows while this one waits
        try:
            await self._opening.prepare()
            async with self._memory_turn:
                self._hedge = await self._opening.build()
        except (Transient, Refused, ConfigurationError) as error:
            await self._note(error)
            return False
        log.info("exchange ready", hedge=self.name)
        return True

    async def _note(self, error: Transient | Refused | ConfigurationError) -> None:
        rests = not await self._opening.take_back()
        self._trouble, self._reason = str(error), _reason_of(error)
        log.warning("exchange not ready", hedge=self.name, error=self._trouble, retry_s=self._retry_s)
        if type(error) is not self._told:
            self._told = type(error)
            await self._tell(EventKind.SUSPENDED, {"reason": self._reason.text, "detail": self._trouble})
        await self._look_at_the_chain()
        now_s = self._clock.monotonic_s()
        if self._tried_at_s is None:
            self._countdown_over_at_s = now_s + GUARDED_FOR_S
        else:
            hurried = rests and now_s < self._countdown_over_at_s
            self._retry_s = min(HURRIED_RETRY_S if hurried else LONGEST_RETRY_S, self._retry_s * 2)
        self._tried_at_s = now_s

    async def _look_at_the_chain(self) -> None:
        """What can be shown of the position meanwhile; nothing is decided on it."""
        reading = await self._chain.facts(self.name, max_age_s=SHARED_READ_S)
        if reading.value is None:
            return
        loaded = await self._remembered()
        now = self._clock.now()
        self._seen = Observation(
            at=now,
            lp=observe(reading.value, loaded.life, life_rules(self._config()), now)[0],
            venue=None,
            chain_problem=Reason.NONE,
            venue_problem=self._reason,
            order_unknown=False,
            comparison=None,
            detail=self._trouble,
        )

    async def _remembered(self) -> Remembered:
        text = await self._store.load(self.name)
        remembered = from_json(text) if text else Remembered()
        self._kernel = remembered.kernel
        return remembered

    async def _kept(self, change: Callable[[Memory], Memory], kind: EventKind, said: dict[str, str]) -> bool:
        """Changes the stored memory, which the real hedge will begin with; False when that has begun already.

        As there, a stop voids what was asked or granted, counts and is told also where it cannot be kept; its end takes
        back a /flatten that waits, and counts only once it is kept.
        """
        async with self._memory_turn:
            if self._hedge is not None:
                return False
            before = await self._remembered()
            kernel = change(before.kernel)
            stopped = memory.stopped(kernel)
            after = _switched(before, kernel)
            keeping = self._store.save(self.name, to_json(after), self._clock.now())
            if not stopped:
                await keeping
            self._kernel = kernel
            telling = [self._tell(kind, said)] if kernel != before.kernel else []
            await all_of([keeping, *telling] if stopped else telling)
        if stopped:
            await self._void_what_lives(stopped)
        return True

    async def _void_what_lives(self, stopped: str) -> None:
        approval = await self._desk.live(self.name)
        if approval is not None:
            await self._desk.void(approval, stopped)

    async def _tell(self, kind: EventKind, data: dict[str, str]) -> None:
        await self._events.append(Event(kind, self.name, self._clock.now(), data))


def _switched(before: Remembered, kernel: Memory) -> Remembered:
    """A /flatten that waits does so until the stop ends."""
    return replace(before, kernel=kernel, flattening=before.flattening and bool(memory.stopped(kernel)))


def _reason_of(error: Exception) -> Reason:
    """A symbol that the exchange does not have is no exchange that cannot be read."""
    unknown = isinstance(error, Refused) and error.code == UNKNOWN_SYMBOL
    return Reason.WRONG_SYMBOL if unknown else Reason.STALE_VENUE
