"""What really happens on getUpdates, seen where the library cannot hide it: at its HTTP request.

python-telegram-bot stops polling for good after one 401 or 404 and says so to nobody, repeats a response that it cannot
decode for ever, and confirms an update while its handler still runs. `PollRequest` shows the first, cures the second
and holds the confirmation back, for a bounded time, until the handlers are done.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
LARGEST_ID = 2**53


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

    def hears_within(self, limit_s: float) -> bool:
        """Whether a poll has succeeded at all, and the last one no longer ago than that."""
        return self.last_ok_s is not None and self.silent_for_s() <= limit_s

    def is_in_conflict(self) -> bool:
        """Whether another program was heard polling since the last poll that succeeded."""
        return self.last_conflict_s is not None and self.last_conflict_s > (self.last_ok_s or 0.0)

    def seen(self, status: int, payload: bytes) -> bytes:
        """Takes note of a response and returns its body with the undecodable updates emptied."""
        if status in _TOKEN_REFUSED:
            self.token_refused.set()
        if status == _CONFLICT:
            self.last_conflict_s = self._clock.monotonic_s()
        if status != 200:
            return payload
        self.last_ok_s = self._clock.monotonic_s()
        return self._readable(payload)

    def _readable(self, payload: bytes) -> bytes:
        result = _result(payload)
        updates = [update for update in result if _is_update(update)]
        self._begin(updates)
        kept = [self._decodable(update) for update in updates]
        return payload if kept == result else json.dumps({"ok": True, "result": kept}).encode()

    def _decodable(self, update: dict[str, object]) -> dict[str, object]:
        """In place of one that is broken its bare id, so that the offset moves past it."""
        if _decodes(update):
            return update
        self._on_unreadable(_id_of(update))
        return {"update_id": update["update_id"]}

    def _begin(self, updates: Sequence[Mapping[str, object]]) -> None:
        self._open.update(map(_id_of, updates))
        if self._open:
            self._none_open.clear()

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


def _result(payload: bytes) -> list[dict[str, object]]:
    """The updates of a response, and what else stands among them; empty for what is not one, which the library reports
    by itself.
    """
    try:
        result = json.loads(payload)["result"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []
    return result if isinstance(result, list) else []


def _id_of(update: Mapping[str, object]) -> int:
    return int(str(update["update_id"]))


def _is_update(update: object) -> bool:
    """Whether it can be confirmed: what has no usable id would be delivered for ever."""
    update_id = update.get("update_id") if isinstance(update, dict) else None
    return isinstance(update_id, int) and not isinstance(update_id, bool) and 0 <= update_id < LARGEST_ID


def _decodes(update: dict[str, object]) -> bool:
    try:
        Update.de_json(update)
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
        _LOG.error("update %s cannot be decoded and is skipped: %r", update["update_id"], error)
        return False
    return True


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
