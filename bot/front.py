"""The operator's front ends beside the engine in one event loop, and the way all of it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.console import Console, Terminal
from bot.daily_report import TURN_S as REPORT_TURN_S
from bot.loop_lag import LoopLag
from bot.notifier import TICK_S
from bot.office import Office
from bot.probes import lag_items, task_items, telegram_items
from bot.redaction import Redactor
from bot.stopping import Stopping
from bot.telegram_watch import LOOK_EVERY_S, TelegramWatch
from bot.tidying import TURN_S as TIDYING_TURN_S
from bot.tidying import Tidying
from core.cancellation import end, fault_of, until_one_fails
from core.clock import Clock, network_s
from core.engine import Engine
from core.errors import LpHedgeError
from core.supervision import Supervisor, Task
from storage.store import Store

if TYPE_CHECKING:
    from bot.telegram.settings import TelegramSettings


# A year's rows are forgotten little by little.
TIDYING_ALLOWED_S = TIDYING_TURN_S + 3600.0


async def deliver_only(
    office: Office, store: Store, clock: Clock, *, telegram: TelegramSettings | None, redactor: Redactor
) -> None:
    """What waits for Telegram, where the start of everything else has failed; for a bounded time."""
    if telegram is None:
        return
    from bot.telegram.frontend import TelegramFrontEnd

    await TelegramFrontEnd(
        telegram, operator=office.operator, outbox=store.outbox, clock=clock, redactor=redactor
    ).deliver_only()


class Front:
    """Telegram when there is a token, the terminal otherwise.

    `people`: the clock of those who read and answer, where the market's runs faster. `chat_speed`: how many times as
    many messages a chat takes as Telegram's own do, where it is a test's.
    """

    def __init__(
        self,
        office: Office,
        store: Store,
        clock: Clock,
        *,
        people: Clock | None = None,
        chat_speed: float = 1.0,
        telegram: TelegramSettings | None,
        redactor: Redactor | None = None,
        last_word: Callable[[bool], Awaitable[None]] | None = None,
        chores: Sequence[Task] = (),
        stopping: Stopping | None = None,
    ) -> None:
        """`last_word` is called when the engine has stopped and messages can still be sent, with whether that was by a
        fault; `chores` run beside it.
        """
        self._office = office
        self._store = store
        self._clock = clock
        self._people = people or clock
        self._chat_speed = chat_speed
        self._telegram = telegram
        self._redactor = redactor or Redactor()
        self._last_word = last_word
        self._chores = chores
        self._stopping = stopping or Stopping()
        self._console: Console | None = None
        self._stopping.unwritten = office.notifier.unwritten
        self._supervisor, self._lag = Supervisor(events=office.notifier, clock=clock), LoopLag(self._people)
        office.probes.extend(
            (lambda: task_items(self._supervisor.lives(), "running for the phone"), lambda: lag_items(self._lag))
        )

    async def run(self, engine: Engine, *, ends_after: timedelta | None = None) -> None:
        """Until the operator quits, the time is over, or this is cancelled."""
        inner = [asyncio.create_task(engine.run(), name="engine")]
        inner += [asyncio.create_task(self._supervisor.keep(task), name=task.name) for task in self._tasks()]
        if ends_after is not None:
            inner.append(asyncio.create_task(self._clock.sleep(ends_after.total_seconds()), name="end of time"))
        front = asyncio.create_task(self._front_end(), name="front end")
        self._stopping.now("hedging", at_stake=True)
        ended: set[asyncio.Task[None]] = set()
        try:
            ended, _ = await asyncio.wait([*inner, front], return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            fault = fault_of(*ended)
            self._stopping.ends(fault)
            await self._end(inner, front, by_fault=fault is not None)

    async def _end(self, inner: Sequence[asyncio.Task[None]], front: asyncio.Task[None], *, by_fault: bool) -> None:
        await end(*inner)
        self._office.board.stop()
        try:
            if self._last_word is not None:
                await self._last_word(by_fault)
        finally:
            self._stopping.now("its last messages", at_stake=False)
            await end(front)
            await self._office.notifier.write_rest()
            await self._show_the_last_messages()
            self._stopping.now("the end of its connections", at_stake=False)

    async def _show_the_last_messages(self) -> None:
        """At the terminal they are told before the program ends, and not again by the next one."""
        if self._console is not None:
            with suppress(LpHedgeError):
                await self._console.show_due()

    def _tasks(self) -> tuple[Task, ...]:
        """What runs beside the engine for the operator: nothing of it may end the hedging."""
        office, tidying = self._office, Tidying(self._store.database, self._clock)
        return (
            Task("notifier", self._notify, every_s=TICK_S),
            Task("series", office.series.run),
            Task("daily report", office.daily.turn, every_s=REPORT_TURN_S),
            Task("event loop's watch", self._lag.run),
            Task("tidying", tidying.turn, every_s=TIDYING_TURN_S, allowed_s=lambda: TIDYING_ALLOWED_S),
            *self._chores,
        )

    async def _notify(self) -> None:
        notifier = self._office.notifier
        await notifier.tick(self._office.slot.statuses())
        await notifier.look_at_the_day()

    async def _front_end(self) -> None:
        if self._telegram is None:
            self._console = Console(
                operator=self._office.operator,
                outbox=self._store.outbox,
                clock=self._people,
                terminal=Terminal.standard(self._people),
            )
            await self._console.run()
            return
        from bot.telegram.frontend import TelegramFrontEnd
        from bot.telegram.settings import Timings

        front = TelegramFrontEnd(
            self._telegram,
            operator=self._office.operator,
            outbox=self._store.outbox,
            clock=self._people,
            redactor=self._redactor,
            board=self._office.board,
            timings=Timings(pace_s=Timings().pace_s / self._chat_speed),
        )
        self._office.bell.listen(front.poke)
        self._office.probes.append(lambda: telegram_items(front.health()))
        watch = TelegramWatch(front.health, self._office.notifier, self._people)
        every_s = network_s(self._clock, LOOK_EVERY_S)
        watching = self._supervisor.keep(Task("Telegram's watch", watch.look, every_s=every_s))
        await until_one_fails(front.run(), watching)
