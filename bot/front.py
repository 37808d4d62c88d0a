"""The operator's front ends beside the engine in one event loop, and the way all of it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.assembly import Office
from bot.console import Console, Terminal
from bot.redaction import Redactor
from bot.rendering.listings import HealthItem
from core.cancellation import end
from core.clock import Clock
from core.engine import Engine
from storage.store import Store

if TYPE_CHECKING:
    from bot.telegram.frontend import TelegramHealth
    from bot.telegram.settings import TelegramSettings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN_S = 5.0

log = structlog.get_logger(__name__)


class Front:
    """Telegram when there is a token, the terminal otherwise.

    `people`: the clock of those who read and answer, where the market's runs faster.
    """

    def __init__(
        self,
        office: Office,
        store: Store,
        clock: Clock,
        *,
        people: Clock | None = None,
        telegram: TelegramSettings | None,
        redactor: Redactor | None = None,
        last_word: Callable[[], Awaitable[None]] | None = None,
        chores: Sequence[Callable[[], Coroutine[None, None, None]]] = (),
    ) -> None:
        """`last_word` is called when the engine has stopped and messages can still be sent; `chores` run beside it."""
        self._office = office
        self._store = store
        self._clock = clock
        self._people = people or clock
        self._telegram = telegram
        self._redactor = redactor or Redactor()
        self._last_word = last_word
        self._chores = chores

    async def run(self, engine: Engine, *, ends_after: timedelta | None = None) -> None:
        """Until the operator quits, the time is over, or this is cancelled."""
        await self._office.notifier.present_pending()
        inner = [
            asyncio.create_task(engine.run(), name="engine"),
            asyncio.create_task(self._keep("notifier", self._notify), name="notifier"),
        ]
        chores = (self._office.series.run, self._office.daily.run, *self._chores)
        inner += [asyncio.create_task(self._keep("chore", chore)) for chore in chores]
        if ends_after is not None:
            inner.append(asyncio.create_task(self._clock.sleep(ends_after.total_seconds()), name="end of time"))
        front = asyncio.create_task(self._front_end(), name="front end")
        try:
            done, _ = await asyncio.wait([*inner, front], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(*inner)
            if self._last_word is not None:
                await self._last_word()
            await end(front)

    async def _notify(self) -> None:
        await self._office.notifier.run(self._office.slot.statuses)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """A border where anything may arrive: nothing beside the hedging may end the hedging."""
        while True:
            try:
                await work()
            except Exception as error:
                log.exception("task failed", task=name, error=type(error).__name__, retry_s=AGAIN_S)
            await self._clock.sleep(AGAIN_S)

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

        front = TelegramFrontEnd(
            self._telegram,
            operator=self._office.operator,
            outbox=self._store.outbox,
            clock=self._people,
            redactor=self._redactor,
        )
        self._office.bell.listen(front.poke)
        self._office.probes.append(lambda: [_health_item(front.health())])
        await front.run()


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


def _health_item(health: TelegramHealth) -> HealthItem:
    ok = {"listening": True, "starting": None}.get(health.hearing.value, False)
    who = f" as {health.bot_name}" if health.bot_name else ""
    return HealthItem("Telegram", ok, f"{health.hearing.value}{who} {health.detail}".rstrip())
