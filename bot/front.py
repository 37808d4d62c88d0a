"""The operator's front ends beside the engine in one event loop, and the way all of it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from datetime import timedelta

from bot.assembly import Office
from bot.console import Console, Terminal
from bot.redaction import Redactor
from bot.telegram.settings import TelegramSettings
from core.clock import Clock
from core.engine import Engine
from storage.store import Store

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Front:
    """Telegram when there is a token, the terminal otherwise."""

    def __init__(
        self,
        office: Office,
        store: Store,
        clock: Clock,
        *,
        telegram: TelegramSettings | None,
        redactor: Redactor | None = None,
    ) -> None:
        self._office = office
        self._store = store
        self._clock = clock
        self._telegram = telegram
        self._redactor = redactor or Redactor()

    async def run(self, engine: Engine, *, ends_after: timedelta | None = None) -> None:
        """Until the operator quits, the time is over, or this is cancelled."""
        await self._office.notifier.present_pending()
        endless = [
            asyncio.create_task(engine.run(), name="engine"),
            asyncio.create_task(self._office.notifier.run(self._office.slot.statuses), name="notifier"),
        ]
        front = asyncio.create_task(self._front_end(), name="front end")
        ends = [front] if ends_after is None else [front, asyncio.create_task(self._sleep(ends_after), name="end")]
        try:
            done, _ = await asyncio.wait([*endless, *ends], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _cancel([*endless, *ends])

    async def _front_end(self) -> None:
        if self._telegram is None:
            console = Console(
                operator=self._office.operator,
                outbox=self._store.outbox,
                clock=self._clock,
                terminal=Terminal.standard(self._clock),
            )
            await console.run()
            return
        from bot.telegram.frontend import TelegramFrontEnd

        front = TelegramFrontEnd(
            self._telegram,
            operator=self._office.operator,
            outbox=self._store.outbox,
            clock=self._clock,
            redactor=self._redactor,
        )
        await front.run()

    async def _sleep(self, time: timedelta) -> None:
        await self._clock.sleep(time.total_seconds())


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


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
