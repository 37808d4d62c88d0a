"""Events into messages: rows in the outbox beside the event itself, which front ends deliver when they can."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol

from bot.alerting import Repeats
from bot.book import EventBook, Told
from bot.gists import gist_of, gist_of_approval
from bot.lasting import Notice
from bot.live_config import LiveConfig
from bot.loudness import BY_SETTING, OUTCOME_REPLIES, OWN_PACE, PACED, Loudness, loudness, repeat_after, set_loudness
from bot.offers import OfferBook, is_offer
from bot.rendering.alerts import alert_text
from bot.rendering.approvals import (
    executed_under,
    is_told_by_its_fills,
    outcome_lines,
    proposal_text,
    settled_text,
)
from bot.rendering.markup import esc, lines
from bot.rendering.numbers import stamp
from bot.rendering.offers import settled_offer_text
from bot.replies import Button, approval_buttons, offer_buttons
from bot.troubles import Troubles
from core.approval_ports import Approvals
from core.clock import Clock, SteadyTime
from core.errors import Transient
from core.events import Event, EventKind
from core.offers import Offer, Offers
from core.ports import Approval, ApprovalState, Gist, News, Outbox, OutboxMessage
from core.status import HedgeStatus
from core.traded import traded

_LOG = logging.getLogger(__name__)
Buttons = tuple[tuple[tuple[str, str, str], ...], ...]
TICK_S = 5.0
DAY_RESULT_EVERY_S = 60.0
# In a row of starts, each of which begins every trouble anew.
RINGS_AGAIN_AFTER = timedelta(hours=1)
# Of a proposal: nothing is edited, and hardly anything answered, after these.
LAST_WORDS = frozenset(OUTCOME_REPLIES) - {EventKind.APPROVAL_APPROVED, EventKind.APPROVAL_EXPLAINED}


class DayResult(Protocol):
    """What the day has brought so far, in QUOTE: the change of everything held, all hedges and their costs included,
    since the operator's midnight. None: not known. Raises Transient."""

    async def __call__(self) -> Decimal | None: ...


class Notifier:
    """An `EventLog` that also tells people. What the database does not take at the moment is kept in memory and written
    later, in order: `append` raises InvariantBroken only.

    `tick` says what was held back and repeats what lasts; call it every few seconds.
    """

    def __init__(
        self,
        *,
        log: News,
        outbox: Outbox,
        approvals: Approvals,
        offers: Offers,
        config: LiveConfig,
        clock: Clock,
        zone: tzinfo,
        poke: Callable[[], None] = lambda: None,
        day_result: DayResult | None = None,
    ) -> None:
        self._log = log
        self._outbox = outbox
        self._approvals = approvals
        self._offers = OfferBook(offers)
        self._config = config
        self._clock = clock
        self._steady = SteadyTime(clock)
        self._zone = zone
        self._poke = poke
        self._book = EventBook(log, outbox, self._told_of, self._as_loud_as_due, poke)
        self._numbers = itertools.count(1)
        self._troubles = Troubles(config, zone)
        self._day_result = day_result
        self._day_asked_at_s = -DAY_RESULT_EVERY_S
        self._repeats: dict[tuple[str, ...], Repeats] = {}
        self._newest: dict[str, str] = {}
        self._hushed_until: datetime | None = None
        # By matter, the key of its first message since the hush began.
        self._first_of: dict[str, str] = {}

    def hush_repeats(self, until: datetime) -> None:
        """After a start that was one too many: of what has rung within the last hour, before it, the first message
        comes in silence, as it may only begin anew what rang then; and starts are not told."""
        self._hushed_until = self._steady.at(until)

    async def append(self, event: Event) -> None:
        await self.append_all((event,))

    async def append_all(self, events: Sequence[Event]) -> None:
        """All are taken in before anything is waited for: whoever is cancelled meanwhile loses none."""
        for event in events:
            self._take_in(event)
        await self._book.catch_up()
        await self.tick()

    def _take_in(self, event: Event) -> None:
        now = self._steady.now()
        self._book.note(event, self._rows_of(self._troubles.take(event, now)))
        self._book.note(None, self._rows_of(tuple(self._troubles.due(now))))

    def unwritten(self) -> int:
        """How much of what happened waits to be written down."""
        return self._book.waiting()

    async def write_rest(self) -> None:
        """Before the end of the process: what cannot be written now is lost, and logged."""
        await self._book.write_rest()

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return await self._log.recent(hedge=hedge, limit=limit)

    async def tick(self, statuses: Sequence[HedgeStatus] = ()) -> None:
        """Say what has become due. `statuses`: what the hedges stand at, of which margin, funding and the like are
        measured."""
        now = self._steady.now()
        notices = (*self._troubles.measure(statuses, now), *self._troubles.due(now), *self._held_back(now))
        await self._say(notices)

    async def look_at_the_day(self) -> None:
        """Once a minute, beside all hedging: what the day has brought."""
        now_s = self._clock.monotonic_s()
        if self._day_result is None or now_s - self._day_asked_at_s < DAY_RESULT_EVERY_S:
            return
        self._day_asked_at_s = now_s
        try:
            result = await self._day_result() if self._config.alerts.daily_loss_quote else None
        except Transient as error:
            _LOG.warning("the day's result is not known: %s", error)
            return
        await self._say(self._troubles.day_result(result, self._steady.now()))

    async def present_pending(self) -> None:
        """After a restart: show again what still waits, and take the buttons off the earlier message."""
        for approval in await self._approvals.live():
            if approval.state is ApprovalState.PENDING and approval.expires_at > self._clock.now():
                await self._present_again(approval)

    # single events

    async def _told_of(self, event: Event) -> Told:
        """When it raises it has remembered nothing, and may be asked again."""
        if event.kind is EventKind.STARTED and self._hushes():
            return Told()
        if event.kind is EventKind.APPROVAL_ASKED:
            return Told(await self._asked(event))
        if event.kind in OUTCOME_REPLIES:
            return Told(await self._settled(event))
        if is_offer(event):
            return await self._found(event)
        return await self._with_settled_offers(event)

    async def _with_settled_offers(self, event: Event) -> Told:
        """The event's own message answers that of the newest offer that it settles."""
        settled = await self._offers.settled_by(event)
        edits = [self._settled_row(offer) for offer in settled]
        plain = await self._plainly(event, replies_to=settled[-1].key if settled else None)
        return Told(edits if plain is None else [*edits, plain], settled)

    async def _plainly(self, event: Event, *, replies_to: str | None) -> OutboxMessage | None:
        how = loudness(event.kind, self._config.alerts)
        if how is Loudness.OFF or _is_told_as_range(event):
            return None
        text = self._text(event)
        approval = await self._approval_of(event)
        if approval is not None:
            replies_to = await self._key_of(approval.approval_id)
        if not self._is_to_be_said(event, text):
            return None
        if approval is not None:
            text = lines(text, executed_under(approval, event.data))
        key, gist = self._key(event.kind.value, event.hedge), self._gist(event)
        return self._row(key, text, how, replies_to=replies_to, gist=gist)

    async def _approval_of(self, event: Event) -> Approval | None:
        approval_id = event.data.get("approval_id")
        return await self._approvals.get(approval_id) if approval_id else None

    def _gist(self, event: Event) -> Gist:
        gist = gist_of(event, self._troubles.units(event.hedge), self._zone)
        if event.kind is not EventKind.POSITION_MISMATCH:
            return gist
        return replace(gist, thread=self._troubles.suspension(event.hedge))  # over when the suspension is

    def _is_to_be_said(self, event: Event, text: str) -> bool:
        if event.kind not in PACED:
            return True
        setting, _ = BY_SETTING[event.kind]
        pace = OWN_PACE.get(event.kind) or repeat_after(self._config.alerts, setting)
        return self._repeats.setdefault(_topic(event), Repeats(pace)).offer(text, self._steady.now())

    def _held_back(self, now: datetime) -> tuple[Notice, ...]:
        notices = []
        for (kind, hedge, *_), repeats in self._repeats.items():
            if (held := repeats.due(now)) is not None:
                text, count = held
                often = f"({count} times since the last message)" if count > 1 else None
                setting, good = BY_SETTING[EventKind(kind)]
                notices.append(Notice(hedge, kind, lines(text, often), setting, good=good))
        return tuple(notices)

    def _text(self, event: Event) -> str:
        try:
            return alert_text(event, self._zone, self._troubles.units(event.hedge))
        except (LookupError, ValueError, ArithmeticError):
            _LOG.exception("an event of kind %s could not be put into words", event.kind)
            return esc(f"{event.hedge or 'all hedges'}: {event.kind.value}")

    # found positions

    async def _found(self, event: Event) -> Told:
        how = loudness(event.kind, self._config.alerts)
        if how is Loudness.OFF:
            return Told()
        offer, superseded = await self._offers.opened(event, self._text(event))
        rows = [self._settled_row(earlier) for earlier in superseded]
        if offer is None:
            return Told(rows, superseded)
        buttons = offer_buttons(offer.offer_id, asks_about_departed=offer.departed_base is not None)
        rows.append(self._row(offer.key, offer.text, how, urgent=True, buttons=_rows(buttons)))
        return Told(rows, (offer, *superseded))

    def _settled_row(self, offer: Offer) -> OutboxMessage:
        """The message keeps its text and gets the outcome, whether a button was pressed or the command was typed."""
        text = settled_offer_text(offer, self._zone)
        return self._row(f"{offer.key}:settled", text, Loudness.SILENT, urgent=True, edits=offer.key)

    # approvals

    async def _asked(self, event: Event) -> list[OutboxMessage]:
        approval = await self._approvals.get(event.data.get("approval_id", ""))
        return [] if approval is None else [self._question(approval, f"approval:{approval.approval_id}")]

    def _question(self, approval: Approval, key: str) -> OutboxMessage:
        self._newest[approval.approval_id] = key
        text = proposal_text(approval, self._zone)
        buttons = _rows(approval_buttons(approval.approval_id))
        gist = self._gist_of(approval, ends=False)
        return self._row(key, text, Loudness.LOUD, urgent=True, buttons=buttons, gist=gist)

    async def _settled(self, event: Event) -> list[OutboxMessage]:
        """The proposal's own message keeps its text and gets the outcome; a reply to it reaches the phone."""
        approval = await self._approvals.get(event.data.get("approval_id", ""))
        if approval is None:
            return []
        shown = await self._key_of(approval.approval_id)
        key = f"approval:{approval.approval_id}:{event.kind.value.removeprefix('approval_')}"
        done = traded(await self._approvals.fills(approval.approval_id))
        text = settled_text(approval, self._zone, done)
        rows = [self._row(key, text, Loudness.SILENT, urgent=True, edits=shown)]
        if (how := OUTCOME_REPLIES[event.kind]) is not None and not is_told_by_its_fills(approval, done):
            text, gist = lines(*outcome_lines(approval, self._zone, done)), self._gist_of(approval, ends=True)
            rows.append(self._row(f"{key}:said", text, how, replies_to=shown, gist=gist))
        if event.kind in LAST_WORDS:
            self._newest.pop(approval.approval_id, None)
        return rows

    def _gist_of(self, approval: Approval, *, ends: bool) -> Gist:
        return gist_of_approval(approval.approval_id, approval.hedge, self._clock.now(), self._zone, ends=ends)

    async def _present_again(self, approval: Approval) -> None:
        earlier = await self._key_of(approval.approval_id)
        if not await self._outbox.deliveries(earlier):
            # Its row waits to be delivered, or was never written: the first of a key stands.
            await self._put(self._question(approval, earlier))
            return
        # A kill may have come between its delivery and this note; waiting still, it would swallow its own edit below.
        await self._outbox.finish(earlier, self._clock.now())
        count = int(earlier.rpartition(":again:")[2]) + 1 if ":again:" in earlier else 1
        key = f"approval:{approval.approval_id}:again:{count}"
        moved = lines(proposal_text(approval, self._zone), "", "↓ Asked again below, after a restart.")
        await self._put(self._row(f"{key}:moved", moved, Loudness.SILENT, urgent=True, edits=earlier))
        await self._put(self._question(approval, key))

    async def _key_of(self, approval_id: str) -> str:
        """The key of the newest message that shows this proposal; once it is settled, and after a restart, the newest
        that was delivered."""
        if (known := self._newest.get(approval_id)) is not None:
            return known
        key = f"approval:{approval_id}"
        for count in itertools.count(1):
            following = f"approval:{approval_id}:again:{count}"
            if not await self._outbox.deliveries(following):
                break
            key = following
        return key

    # rows

    async def _say(self, notices: Sequence[Notice]) -> None:
        self._book.note(None, self._rows_of(notices))
        await self._book.catch_up()

    def _rows_of(self, notices: Sequence[Notice]) -> list[OutboxMessage]:
        return [row for row in map(self._row_of, notices) if row is not None]

    def _row_of(self, notice: Notice) -> OutboxMessage | None:
        how = set_loudness(self._config.alerts, notice.setting, good=notice.good)
        if how is Loudness.OFF:
            return None
        at = stamp(self._clock.now(), self._zone)
        gist = Gist(notice.hedge or "", notice.topic, at, notice.thread, notice.ends)
        return self._row(self._key(notice.topic, notice.hedge), notice.text, how, urgent=notice.urgent, gist=gist)

    async def _put(self, message: OutboxMessage) -> None:
        await self._outbox.put(await self._as_loud_as_due(message))
        self._poke()

    async def _as_loud_as_due(self, message: OutboxMessage) -> OutboxMessage:
        now = self._clock.now()
        message = replace(message, created_at=now)  # messages are in the order in which they are written
        if message.silent or not self._hushes():
            return message
        matter = ":".join(message.key.split(":")[:2])
        # What comes after the first is news of this run: grown worse, or another one.
        if self._first_of.setdefault(matter, message.key) != message.key:
            return message
        rung = await self._outbox.has_rung(f"{matter}:", now - RINGS_AGAIN_AFTER)
        return replace(message, silent=True) if rung else message

    def _hushes(self) -> bool:
        return self._hushed_until is not None and self._steady.now() < self._hushed_until

    def _row(
        self,
        key: str,
        text: str,
        how: Loudness,
        *,
        urgent: bool = False,
        buttons: Buttons = (),
        edits: str | None = None,
        replies_to: str | None = None,
        gist: Gist | None = None,
    ) -> OutboxMessage:
        return OutboxMessage(
            key=key,
            text=text,
            html=True,
            priority=0 if urgent else 1,
            silent=how is Loudness.SILENT,
            created_at=self._clock.now(),
            buttons=buttons,
            edits=edits,
            replies_to=replies_to,
            gist=gist,
        )

    def _key(self, topic: str, hedge: str | None) -> str:
        return f"{topic}:{hedge or '-'}:{self._clock.now().isoformat()}:{next(self._numbers)}"


def _is_told_as_range(event: Event) -> bool:
    """In and out of the range is a trouble that lasts, and has its own setting."""
    between = {event.data.get("frm"), event.data.get("to")}
    return event.kind is EventKind.LP_STATE_CHANGED and between == {"in_range", "out_of_range"}


def _topic(event: Event) -> tuple[str, ...]:
    return (event.kind.value, event.hedge or "", *(event.data.get(key, "") for key in PACED[event.kind]))


def _rows(buttons: Sequence[Sequence[Button]]) -> Buttons:
    return tuple(tuple((button.label, button.data, button.style) for button in row) for row in buttons)
