"""Carries the outbox to the operators' chats: in order, at least once, however long Telegram was away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from bot.replies import Button, Reply
from bot.telegram.pacing import Buckets
from bot.telegram.parcels import Parcel, digests, parcels
from bot.telegram.pieces import plain
from bot.telegram.sending import BAD_REQUEST, UNREACHABLE, Sender
from bot.telegram.settings import Timings
from core.clock import Clock
from core.errors import InvariantBroken, Refused, Transient
from core.ports import Delivery, Outbox, OutboxMessage

_LOG = logging.getLogger(__name__)
_WINDOW = 1000
_BATCH = 20
# A message that failed so often gives way to the next one; where that goes through, it was the message's own fault.
_PATIENCE_WITH_ONE = 3


class OutboxDelivery:
    def __init__(self, outbox: Outbox, sender: Sender, chats: Sequence[int], clock: Clock, timings: Timings) -> None:
        self._outbox = outbox
        self._sender = sender
        self._chats = chats
        self._clock = clock
        self._timings = timings
        self._buckets = Buckets(clock, burst=timings.burst, refill_s=timings.pace_s)
        self._poked = asyncio.Event()
        self._closing = False
        self._reached = False
        self._failing_since_s: float | None = None
        self.why_failing = ""
        self._unwritten: list[tuple[OutboxMessage, Delivery]] = []
        self._first, self._failures_of_first = "", 0

    def failing_for_s(self) -> float:
        """Since when messages wait though they were tried; 0 when the last one went through."""
        return 0.0 if self._failing_since_s is None else self._clock.monotonic_s() - self._failing_since_s

    def poke(self) -> None:
        """There may be something new: look now."""
        self._poked.set()

    def close(self) -> None:
        """Deliver what is due, then let `run` return; what cannot be delivered now waits for the next start."""
        self._closing = True
        self._poked.set()

    async def run(self) -> None:
        """Until cancelled; once it is closing, until nothing is left or Telegram cannot be reached."""
        wait_s = self._timings.backoff_first_s
        while True:
            try:
                left = await self.deliver_some()
            except Transient as error:
                _LOG.warning("messages wait: %s", error)
                self._reached = False
                self._note_failing(str(error))
                if self._closing:
                    return
                wait_s = await self._sit_out(error, wait_s)
                continue
            wait_s = self._timings.backoff_first_s
            if left:
                continue
            if self._closing:
                return
            await self._rest()

    async def _sit_out(self, error: Transient, wait_s: float) -> float:
        """As long as Telegram asks for, `wait_s` at least. How long the next one is then to be, in seconds."""
        await self._clock.sleep(max(error.retry_after_s or 0.0, wait_s))
        return min(2 * wait_s, self._timings.backoff_max_s)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._timings.outbox_poll_s):
                await self._poked.wait()
        except TimeoutError:
            return
        self._poked.clear()

    async def deliver_some(self) -> bool:
        """One batch, then the caller looks again, so that an alarm overtakes a backlog. True when more was due.

        Raises Transient with everything undelivered still due.
        """
        await self._write_down()
        due = parcels(await self._outbox.due(self._clock.now(), _WINDOW))
        if self._reached and await self._merge(due):
            return True
        for place, parcel in enumerate(due[:_BATCH]):
            if wait_s := self._buckets.wait_s(self._chats):
                await self._clock.sleep(wait_s)
                return True
            self._buckets.take(self._chats)
            await self._deliver_or_pass(parcel, due[place + 1 :])
            if not self._reached:
                self._reached = True
                return True
        return len(due) > _BATCH

    async def _write_down(self) -> None:
        """What was delivered, before anything else is: a disk without room must not have it sent again and again."""
        while self._unwritten:
            await self._record(*self._unwritten[0])
            del self._unwritten[0]

    async def _deliver_or_pass(self, parcel: Parcel, behind: Sequence[Parcel]) -> None:
        try:
            await self._deliver(parcel)
        except Transient as error:
            if error.retry_after_s is not None or not self._gives_way(parcel, behind):
                raise
            await self._deliver(behind[0])
            await self._put_off(parcel, str(error))

    def _gives_way(self, parcel: Parcel, behind: Sequence[Parcel]) -> bool:
        key = parcel.message.key
        self._first, self._failures_of_first = key, self._failures_of_first + 1 if key == self._first else 1
        return bool(behind) and self._failures_of_first >= _PATIENCE_WITH_ONE

    async def _merge(self, due: Sequence[Parcel]) -> bool:
        """Not before something went through: while Telegram is away more may come, and one digest beats two."""
        now = self._clock.now()
        merged = digests(due, now)
        for digest in merged:
            await self._outbox.merge(digest.message, digest.keys, now)
            _LOG.info("%s messages that waited are told in one", len(digest.keys))
        return bool(merged)

    async def _deliver(self, parcel: Parcel) -> None:
        message = parcel.message
        shown = message.key if message.edits is None else message.edits
        try:
            if message.edits is None:
                await self._edit_earlier(parcel, shown)
                await self._send(message, shown)
            else:
                await self._edit(message, shown)
        except Refused as refused:
            if refused.code == UNREACHABLE:
                await self._put_off(parcel, str(refused))
                return
            _LOG.error("message %s can never be delivered: %s", message.key, refused)
        for key in parcel.settles:
            await self._outbox.finish(key, self._clock.now())

    async def _edit_earlier(self, parcel: Parcel, shown: str) -> None:
        """The copies of a round that was cut short, where edits came meanwhile."""
        if len(parcel.settles) > 1 and await self._outbox.deliveries(shown):
            await self._edit(parcel.message, shown)

    def _note_failing(self, why: str) -> None:
        if self._failing_since_s is None:
            self._failing_since_s = self._clock.monotonic_s()
        self.why_failing = why

    async def _put_off(self, parcel: Parcel, why: str) -> None:
        """No chat takes it now (blocked, or never started): the rest of the queue need not wait for this one."""
        _LOG.error("message %s reaches no operator: %s", parcel.message.key, why)
        self._note_failing(why)
        not_before = self._clock.now() + timedelta(seconds=self._timings.unreachable_retry_s)
        for key in parcel.settles:
            await self._outbox.postpone(key, not_before, why)

    async def _send(self, message: OutboxMessage, shown: str) -> None:
        """To each chat that has not got it. Raises the last Refused when not one chat took it, and Transient when one
        must be tried again.
        """
        served = await self._copies(shown)
        missing = [chat_id for chat_id in self._chats if chat_id not in served]
        refusals = await self._send_to_each(missing, message)
        if refusals and not served and len(refusals) == len(missing):
            raise refusals[-1]

    async def _send_to_each(self, chats: Sequence[int], message: OutboxMessage) -> list[Refused]:
        """The refusals. Raises Transient when one chat must be tried again: after all others, for which it may be the
        one message that matters.
        """
        context = await self._contexts(message)
        refusals: list[Refused] = []
        later: Transient | None = None
        for chat_id in chats:
            try:
                message_id = await self._send_to(chat_id, message, context.get(chat_id))
            except Refused as refused:
                _LOG.warning("chat %s refused message %s: %s", chat_id, message.key, refused)
                refusals.append(refused)
            except Transient as error:
                later = error
            else:
                self._failing_since_s = None
                self._unwritten.append((message, Delivery(chat_id, message_id)))
                await self._write_down()
        if later is not None:
            raise later
        return refusals

    async def _send_to(self, chat_id: int, message: OutboxMessage, reply_to: int | None) -> int:
        reply = _reply(message)
        try:
            return await self._sender.send(chat_id, reply, silent=message.silent, reply_to=reply_to)
        except Refused as refused:
            if refused.code != BAD_REQUEST:
                raise
            _LOG.error("message %s is sent without markup and buttons: %s", message.key, refused)
            return await self._sender.send(chat_id, _bare(reply), silent=message.silent)

    async def _edit(self, message: OutboxMessage, shown: str) -> None:
        """Each chat's latest copy. Where there is none, or none that can be edited, a new message takes its place."""
        copies = await self._copies(shown)
        if not copies:
            await self._send(message, shown)
        later: Transient | None = None
        for chat_id, message_id in copies.items():
            try:
                await self._edit_in(chat_id, message_id, message, shown)
            except Refused as refused:
                _LOG.warning("message %s was not changed in chat %s: %s", shown, chat_id, refused)
            except Transient as error:
                later = error
        if later is not None:
            raise later

    async def _edit_in(self, chat_id: int, message_id: int, message: OutboxMessage, shown: str) -> None:
        reply = _reply(message)
        try:
            seen = await self._sender.edit(chat_id, message_id, reply)
        except Refused as refused:
            if refused.code != BAD_REQUEST:
                raise
            seen = await self._sender.edit(chat_id, message_id, _bare(reply))
        if not seen:
            new_id = await self._send_to(chat_id, message, None)
            await self._record(message, Delivery(chat_id, new_id))

    async def _record(self, message: OutboxMessage, delivery: Delivery) -> None:
        """A new copy of an edited message counts as that message's, so that later edits find it."""
        try:
            await self._outbox.record_delivery(message.edits or message.key, delivery)
        except InvariantBroken as error:
            if message.edits is None:
                raise
            _LOG.error("message %s edits one that does not exist: %s", message.key, error)
            await self._outbox.record_delivery(message.key, delivery)

    async def _contexts(self, message: OutboxMessage) -> dict[int, int]:
        """Per chat, the message that this one answers."""
        return {} if message.replies_to is None else await self._copies(message.replies_to)

    async def _copies(self, shown: str) -> dict[int, int]:
        """Per chat, the message that shows what has this key."""
        return {delivery.chat_id: delivery.message_id for delivery in await self._outbox.deliveries(shown)}


def _reply(message: OutboxMessage) -> Reply:
    rows = tuple(tuple(_button(*button) for button in row) for row in message.buttons)
    return Reply(message.text, message.html, rows)


def _bare(reply: Reply) -> Reply:
    return Reply(plain(reply.text) if reply.html else reply.text, html=False)


def _button(label: str, data: str, style: str) -> Button:
    if style == "success":
        return Button(label, data, "success")
    return Button(label, data, "danger" if style == "danger" else "")
