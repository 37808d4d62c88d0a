"""The operator's front ends beside the engine in one event loop, and the way all of it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.console import Console, Terminal
from bot.kept import Kept
from bot.loop_lag import LoopLag
from bot.office import Office
from bot.probes import lag_items, task_items, telegram_items
from bot.redaction import Redactor
from bot.telegram_watch import TelegramWatch
from bot.tidying import Tidying
from core.cancellation import end, until_one_fails
from core.clock import Clock
from core.engine import Engine
from storage.store import Store

if TYPE_CHECKING:
    from bot.telegram.settings import TelegramSettings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        last_word: Callable[[], Awaitable[None]] | None = None,
        chores: Mapping[str, Callable[[], Coroutine[None, None, None]]] = MappingProxyType({}),
    ) -> None:
        """`last_word` is called when the engine has stopped and messages can still be sent; `chores` run beside it,
        by name.
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
        self._kept, self._lag = Kept(self._people), LoopLag(self._people)
        office.probes.extend(
            (lambda: task_items(self._kept.lives(), "running for the phone"), lambda: lag_items(self._lag))
        )

    async def run(self, engine: Engine, *, ends_after: timedelta | None = None) -> None:
        """Until the operator quits, the time is over, or this is cancelled."""
        await self._office.notifier.present_pending()
        office = self._office
        beside = {
            "notifier": self._notify,
            "series": office.series.run,
            "daily report": office.daily.run,
            "event loop's watch": self._lag.run,
            "tidying": Tidying(self._store.database, self._clock).run,
            **self._chores,
        }
        inner = [asyncio.create_task(engine.run(), name="engine")]
        inner += [asyncio.create_task(self._kept.keep(name, work), name=name) for name, work in beside.items()]
        if ends_after is not None:
            inner.append(asyncio.create_task(self._clock.sleep(ends_after.total_seconds()), name="end of time"))
        front = asyncio.create_task(self._front_end(), name="front end")
        try:
            done, _ = await asyncio.wait([*inner, front], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(*inner)
            self._office.board.stop()
            if self._last_word is not None:
                await self._last_word()
            await end(front)

    async def _notify(self) -> None:
        await self._office.notifier.run(self._office.slot.statuses)

    async def _front_end(self) -> None:
        if self._telegram is None:
            console = Console(
                operator=self._office.operator,
                outbox=self._store.outbox,
                clock=self._people,
                terminal=Terminal.standard(self._people),
            )
            await console.run()
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
        await until_one_fails(front.run(), self._kept.keep("Telegram's watch", watch.run))


async def stop_on_signals(work: Coroutine[None, None, None]) -> None:
    """Run until done; SIGINT or SIGTERM cancels it and lets it end."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    for name in STOP_SIGNALS:
        loop.add_signal_handler(name, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
    finally:
        for name in STOP_SIGNALS:
            loop.remove_signal_handler(name)
