"""The Telegram front end as the program sees it: started once, never waited for, never giving up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from telegram.error import TelegramError

from bot.redaction import Redactor
from bot.replies import Reply
from bot.telegram.activity import Activity
from bot.telegram.board import Board
from bot.telegram.connection import Connection, Deaf
from bot.telegram.delivery import OutboxDelivery
from bot.telegram.gate import Gate
from bot.telegram.handlers import Handlers, Operator
from bot.telegram.menus import Menus
from bot.telegram.notices import Notices
from bot.telegram.polling import PollWatch
from bot.telegram.sending import Sender, telegram_words
from bot.telegram.settings import TelegramSettings, Timings
from core.cancellation import end, until_one_fails
from core.clock import Clock
from core.ports import Outbox

_LOG = logging.getLogger(__name__)


class Hearing(StrEnum):
    STARTING = "starting"
    LISTENING = "listening"
    MUTE = "mute"
    BLIND = "blind"
    CONFLICT = "conflict"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class TelegramHealth:
    """`since`: when the hearing last changed. `last_poll_age_s`: None before the first successful poll. MUTE: it hears,
    but what it has to tell does not get through.

    `bot_name`: "@name", None before Telegram first answered. No secrets.
    """

    hearing: Hearing
    since: datetime
    last_poll_age_s: float | None
    bot_name: str | None
    detail: str


class TelegramFrontEnd:
    """`run` in a task of its own; cancelling that task is the one way to stop it.

    `board` gives the text of the pinned message, which is edited in place; None shows none.
    """

    def __init__(
        self,
        settings: TelegramSettings,
        *,
        operator: Operator,
        outbox: Outbox,
        clock: Clock,
        redactor: Redactor,
        board: Callable[[], Reply | None] | None = None,
        timings: Timings | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._redactor = redactor
        self._timings = timings or Timings()
        self._outbox = outbox
        redactor.register(settings.token.get_secret_value())
        self._sender = Sender(settings, clock, self._timings)
        self._notices = Notices(outbox, clock, self._timings.notice_every_s)
        self._gate = Gate(settings, self._notices)
        self._menus = Menus(settings, self._sender)
        self._handlers = Handlers(
            operator,
            self._sender,
            clock,
            bot_id=settings.bot_id,
            menus=self._menus,
            activity=Activity(self._sender, clock, self._timings),
        )
        self._delivery = OutboxDelivery(outbox, self._sender, settings.destinations, clock, self._timings)
        board = board or (lambda: None)
        self._board = Board(
            board,
            outbox,
            self._sender,
            settings.destinations,
            clock,
            every_s=self._timings.board_every_s,
            at_most_every_s=self._timings.board_at_most_every_s,
        )
        self._watch = self._new_watch()
        self._last_ok_at = clock.now()
        self._hearing, self._since, self._detail = Hearing.STARTING, clock.now(), ""
        self._bot_name: str | None = None
        self._closing = False

    def poke(self) -> None:
        """The outbox has something new; without this it is looked at every second."""
        self._delivery.poke()
        self._board.poke()

    def health(self) -> TelegramHealth:
        """MUTE: it hears, but for longer than `deaf_after_s` nothing could be sent."""
        age_s = None if self._watch.last_ok_s is None else self._watch.silent_for_s()
        hearing, since, detail = self._hearing, self._since, self._detail
        failing_s = self._delivery.failing_for_s()
        if hearing is Hearing.LISTENING and failing_s > self._timings.deaf_after_s:
            since = self._clock.now() - timedelta(seconds=failing_s)
            hearing, detail = Hearing.MUTE, self._redactor.redact(f"messages wait: {self._delivery.why_failing}")
        return TelegramHealth(hearing, since, age_s, self._bot_name, detail)

    async def run(self) -> None:
        """Returns never; once cancelled, delivers what is due in the outbox, for a bounded time, and ends."""
        delivery = asyncio.create_task(self._keep("delivery", self._delivery.run), name="telegram-delivery")
        try:
            await until_one_fails(
                self._keep("listening", self._listen),
                self._keep("notices", self._notices.run),
                self._keep("board", self._board.run),
                self._keep("hearing", self._watch_hearing),
            )
        finally:
            self._turn(Hearing.STOPPED, "")
            await self._farewell(delivery)
            await self._sender.close()

    async def deliver_only(self) -> None:
        """In place of `run`, for a program that ends before it could listen: what is due, for a bounded time."""
        try:
            await self._farewell(asyncio.create_task(self._keep("delivery", self._delivery.run)))
        finally:
            await self._sender.close()

    async def _farewell(self, delivery: asyncio.Task[None]) -> None:
        self._closing = True
        self._delivery.close()
        delivered, _ = await asyncio.wait({delivery}, timeout=self._timings.farewell_s)
        await end(delivery)
        if delivered:  # else Telegram is away, and the end is not to wait for it twice
            last = asyncio.create_task(self._board.show_last())
            await asyncio.wait({last}, timeout=self._timings.last_look_s)
            await end(last)

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Starts `work` again whenever it ends, waiting longer after each life in which no poll succeeded."""
        wait_s = self._timings.backoff_first_s
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - border: task supervisor
                self._log_end(name, error)
            if self._closing:
                return
            if self._clock.monotonic_s() - began_s > self._timings.deaf_after_s:
                wait_s = self._timings.backoff_first_s
            await self._clock.sleep(wait_s)
            wait_s = min(2 * wait_s, self._timings.backoff_max_s)

    def _log_end(self, name: str, error: Exception) -> None:
        detail = self._redactor.redact(telegram_words(error) if isinstance(error, TelegramError) else str(error))
        if name == "listening":
            self._turn(Hearing.BLIND, detail)
        if isinstance(error, TelegramError | Deaf):
            _LOG.warning("Telegram %s ended, it will be started again: %s", name, detail)
        else:
            _LOG.error("Telegram %s failed, it will be started again: %s", name, detail, exc_info=error)

    async def _listen(self) -> None:
        self._watch = self._new_watch()
        connection = Connection(
            self._settings, self._timings, self._clock, watch=self._watch, gate=self._gate, handlers=self._handlers
        )
        await connection.listen(self._be_ready)

    def _new_watch(self) -> PollWatch:
        return PollWatch(self._clock, self._timings.confirm_wait_s, self._report_unreadable)

    async def _be_ready(self, bot_name: str) -> None:
        self._bot_name = bot_name
        await self._menus.register()

    async def _watch_hearing(self) -> None:
        while True:
            await self._clock.sleep(self._timings.watch_every_s)
            if self._watch.is_in_conflict():
                self._conflict()
            elif self._watch.hears_within(self._timings.deaf_after_s):
                await self._heard()

    def _conflict(self) -> None:
        if self._hearing is not Hearing.CONFLICT:
            self._notices.post("conflict", "Another program is listening with this bot's token: commands get lost.")
        self._turn(Hearing.CONFLICT, "another program polls with this bot's token")

    async def _heard(self) -> None:
        """The gap between two successful polls tells how long Telegram was away, whatever the reason."""
        self._turn(Hearing.LISTENING, "")
        ok_at = self._clock.now() - timedelta(seconds=self._watch.silent_for_s())
        away, self._last_ok_at = ok_at - self._last_ok_at, ok_at
        if away > timedelta(seconds=self._timings.deaf_after_s):
            waiting = await self._outbox.backlog()
            minutes = max(1, round(away.total_seconds() / 60))
            text = f"Telegram could not be reached for about {minutes} min. Messages that waited: {waiting}."
            self._notices.post("back", text)

    def _turn(self, hearing: Hearing, detail: str) -> None:
        self._detail = detail
        if hearing is not self._hearing:
            _LOG.info("Telegram: %s %s", hearing, detail)
            self._hearing, self._since = hearing, self._clock.now()

    def _report_unreadable(self, update_id: int) -> None:
        self._notices.post(
            "unreadable",
            f"Update {update_id}, a message or a press, could not be read. If it was yours, send it again.",
        )
