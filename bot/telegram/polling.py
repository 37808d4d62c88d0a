"""What really happens on getUpdates, seen where the library cannot hide it: at its HTTP request.

python-telegram-bot stops polling for good after one 401 or 404 and says so to nobody, repeats a response that it cannot
decode for ever, and confirms an update while its handler still runs. `PollRequest` shows the first, cures the second
and holds the confirmation back, for a bounded time, until the handlers are done.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from telegram import Update
from telegram.ext import BaseUpdateProcessor
from telegram.request import BaseRequest, HTTPXRequest, RequestData

from bot.telegram.settings import Timings
from core.clock import Clock

if TYPE_CHECKING:
    from telegram._utils.types import ODVInput

_LOG = logging.getLogger(__name__)
_TOKEN_REFUSED = (401, 404)
_CONFLICT = 409
# Answers that hang, or sit out a pause, must not keep a /halt from being read: ten polls' worth of updates.
_AT_ONCE = 1000


class PollWatch:
    """The stamps and open updates of one connection's life. `last_ok_s` and `last_conflict_s` are monotonic."""

    def __init__(self, clock: Clock, confirm_wait_s: float, on_unreadable: Callable[[int], None]) -> None:
        self._clock = clock
        self._confirm_wait_s = confirm_wait_s
        self._on_unreadable = on_unreadable
        self._open: set[int] = set()
        self._none_open = asyncio.Event()
        self._none_open.set()
        self.started_s = clock.monotonic_s()
        self.last_ok_s: float | None = None
        self.last_conflict_s: float | None = None
        self.token_refused = asyncio.Event()

    def silent_for_s(self) -> float:
        """Seconds since the last successful poll, or since the start."""
        return self._clock.monotonic_s() - (self.started_s if self.last_ok_s is None else self.last_ok_s)

    def seen(self, status: int, payload: bytes) -> bytes:
        """Takes note of a response and returns its body with the undecodable updates emptied."""
        if status in _TOKEN_REFUSED:
            self.token_refused.set()
        if status == _CONFLICT:
            self.last_conflict_s = self._clock.monotonic_s()
        if status != 200:
            return payload
        self.last_ok_s = self._clock.monotonic_s()
        updates = _updates(payload)
        self._open.update(int(str(update["update_id"])) for update in updates)
        if self._open:
            self._none_open.clear()
        broken = [update for update in updates if not _decodes(update)]
        for update in broken:
            self._on_unreadable(int(str(update["update_id"])))
        return _emptied(updates, broken) if broken else payload

    def handled(self, update_id: int) -> None:
        """With the last open one the next poll may leave, which confirms them all."""
        self._open.discard(update_id)
        if not self._open:
            self._none_open.set()

    async def all_handled(self) -> None:
        """Returns when no fetched update is still being handled, or when waiting longer would make the bot deaf."""
        try:
            async with asyncio.timeout(self._confirm_wait_s):
                await self._none_open.wait()
        except TimeoutError:
            _LOG.debug("updates %s are still being handled; polling goes on", sorted(self._open))
            self._open.clear()
            self._none_open.set()


def _updates(payload: bytes) -> list[dict[str, object]]:
    """The updates of a response; empty for what is not one, which the library reports by itself."""
    try:
        result = json.loads(payload)["result"]
    except (ValueError, KeyError, TypeError):
        return []
    if not isinstance(result, list):
        return []
    return [update for update in result if isinstance(update, dict) and isinstance(update.get("update_id"), int)]


def _decodes(update: dict[str, object]) -> bool:
    try:
        Update.de_json(update)
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        _LOG.error("update %s cannot be decoded and is skipped: %r", update["update_id"], error)
        return False
    return True


def _emptied(updates: list[dict[str, object]], broken: list[dict[str, object]]) -> bytes:
    """The same response where a broken update is its bare id, so that the offset moves past it."""
    kept = [{"update_id": update["update_id"]} if update in broken else update for update in updates]
    return json.dumps({"ok": True, "result": kept}).encode()


class PollRequest(HTTPXRequest):
    """Serves getUpdates and nothing else."""

    def __init__(self, watch: PollWatch, timings: Timings) -> None:
        super().__init__(
            connection_pool_size=2, connect_timeout=timings.connect_timeout_s, read_timeout=timings.read_timeout_s
        )
        self._watch = watch

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        write_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        connect_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        pool_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Leaves once the handlers are done, because it confirms what they were given."""
        await self._watch.all_handled()
        status, payload = await super().do_request(
            url, method, request_data, read_timeout, write_timeout, connect_timeout, pool_timeout
        )
        return status, self._watch.seen(status, payload)


class UpdateProcessor(BaseUpdateProcessor):
    """Handles updates side by side, so that /halt never waits behind another command, and tells when each is done."""

    def __init__(self, watch: PollWatch) -> None:
        super().__init__(_AT_ONCE)
        self._watch = watch

    async def do_process_update(self, update: object, coroutine: Awaitable[object]) -> None:
        """It counts as handled also when it failed."""
        try:
            await coroutine
        finally:
            if isinstance(update, Update):
                self._watch.handled(update.update_id)

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to release."""
