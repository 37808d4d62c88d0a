"""One life of the listening connection: built from nothing, run until it is deaf or cancelled, taken down in any case.

python-telegram-bot's Application is never repaired: after some failures its updater cannot be stopped or restarted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from telegram import Update
from telegram.error import TelegramError
from telegram.ext import (
    ApplicationBuilder,
    CallbackQueryHandler,
    MessageHandler,
    TypeHandler,
    filters,
)
from telegram.request import HTTPXRequest

from bot.telegram.gate import Gate
from bot.telegram.handlers import Handlers
from bot.telegram.polling import PollRequest, PollWatch, UpdateProcessor
from bot.telegram.settings import TelegramSettings, Timings
from core.cancellation import end, fault_of
from core.clock import Clock

_LOG = logging.getLogger(__name__)
LEAST_STEP_S = 0.1
_ALLOWED_UPDATES = ["message", "callback_query"]


class Deaf(Exception):
    """Nothing is heard from Telegram any more, and this connection will not recover by itself."""


class Connection:
    def __init__(
        self,
        settings: TelegramSettings,
        timings: Timings,
        clock: Clock,
        *,
        watch: PollWatch,
        gate: Gate,
        handlers: Handlers,
    ) -> None:
        self._timings = timings
        self._clock = clock
        self._watch = watch
        self._poll_request = PollRequest(watch, timings)
        self._request = HTTPXRequest(
            connection_pool_size=2, connect_timeout=timings.connect_timeout_s, read_timeout=timings.read_timeout_s
        )
        self._application = (
            ApplicationBuilder()
            .token(settings.token.get_secret_value())
            .base_url(settings.base_url)
            .request(self._request)
            .get_updates_request(self._poll_request)
            .concurrent_updates(UpdateProcessor(watch))
            .job_queue(None)
            .build()
        )
        self._wire(gate, handlers)

    def _wire(self, gate: Gate, handlers: Handlers) -> None:
        application = self._application
        application.add_handler(TypeHandler(Update, gate), group=-1)
        application.add_handler(MessageHandler(filters.UpdateType.MESSAGE & filters.TEXT, handlers.on_text))
        application.add_handler(CallbackQueryHandler(handlers.on_press))
        application.add_error_handler(handlers.on_error)

    async def listen(self, on_ready: Callable[[str], Awaitable[None]]) -> None:
        """`on_ready` gets the bot's name. Returns never. Raises Deaf, or TelegramError when there is no start."""
        try:
            await self._application.initialize()
            await self._application.start()
            await self._start_polling()
            await on_ready(f"@{self._application.bot.username}")
            await self._until_deaf()
        finally:
            await self._tear_down()

    async def _start_polling(self) -> None:
        updater = self._application.updater
        assert updater is not None
        await updater.start_polling(
            poll_interval=self._timings.poll_interval_s,
            timeout=int(self._timings.poll_timeout_s),
            bootstrap_retries=0,
            allowed_updates=_ALLOWED_UPDATES,
            drop_pending_updates=False,
            error_callback=_note_poll_error,
        )

    async def _until_deaf(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._timings.watch_every_s):
                    await self._watch.token_refused.wait()
            except TimeoutError:
                if self._watch.silent_for_s() > self._timings.deaf_after_s:
                    raise Deaf(f"no poll has succeeded for {self._watch.silent_for_s():.0f} s") from None
                continue
            raise Deaf("Telegram refused the bot token during a poll, which ends the library's polling")

    async def _tear_down(self) -> None:
        """All of it within `teardown_s`: with a server that hangs, every step of the library would wait in turn."""
        application, updater = self._application, self._application.updater
        until_s = self._clock.monotonic_s() + self._timings.teardown_s
        if updater is not None and updater.running:
            await self._last(updater.stop, until_s)
        if application.running:
            await self._last(application.stop, until_s)
        await self._last(application.shutdown, until_s)
        await self._last(self._poll_request.shutdown, until_s)
        await self._last(self._request.shutdown, until_s)

    async def _last(self, step: Callable[[], Awaitable[None]], until_s: float) -> None:
        """A step of the way down: bounded, and no failure of it keeps the next from being taken."""
        task = asyncio.ensure_future(step())
        try:
            done, _ = await asyncio.wait({task}, timeout=max(until_s - self._clock.monotonic_s(), LEAST_STEP_S))
        finally:
            await end(task)
        if not done:
            _LOG.info("while taking the connection down: a step took too long")
        elif fault := fault_of(task):
            _LOG.info("while taking the connection down: %r", fault)


def _note_poll_error(error: TelegramError) -> None:
    _LOG.warning("poll failed: %s", error)
