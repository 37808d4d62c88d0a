"""Events into messages: the real log first, then rows in the outbox, which front ends deliver when they can."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol

from bot.alerting import Repeats
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
from core.clock import Clock
from core.errors import Transient
from core.events import Event, EventKind
from core.offers import Offer, Offers
from core.ports import Approval, Approvals, ApprovalState, EventLog, Gist, Outbox, OutboxMessage
from core.status import HedgeStatus
from core.traded import traded

_LOG = logging.getLogger(__name__)
Buttons = tuple[tuple[tuple[str, str, str], ...], ...]
TICK_S = 5.0
DAY_RESULT_EVERY_S = 60.0
# In a row of starts, each of which begins every trouble anew.
RINGS_AGAIN_AFTER = timedelta(hours=1)


class DayResult(Protocol):
    """What the day has brought so far, in QUOTE: the change of everything held, all hedges and their costs included,
    since the operator's midnight. None: not known. Raises Transient."""

    async def __call__(self) -> Decimal | None: ...


class Notifier:
    """An `EventLog` that also tells people. Raises only what the log, the approvals and the outbox raise.

    `tick` says what was held back and repeats what lasts; call it every few seconds.
    """

    def __init__(
        self,
        *,
        log: EventLog,
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
        self._zone = zone
        self._poke = poke
        self._numbers = itertools.count(1)
        self._troubles = Troubles(config, zone)
        self._day_result = day_result
        self._day_asked_at_s = -DAY_RESULT_EVERY_S
        self._repeats: dict[tuple[str, ...], Repeats] = {}
        self._newest: dict[str, str] = {}
        self._hushed_until: datetime | None = None

    def hush_repeats(self, until: datetime) -> None:
        """After a start that was one too many: what has rung within the last hour, before it, comes in silence."""
        self._hushed_until = until

    async def append(self, event: Event) -> None:
        await self._log.append(event)
        now = self._clock.now()
        for notice in self._troubles.take(event, now):
            await self._put_notice(notice)
        if event.kind is EventKind.APPROVAL_ASKED:
            await self._asked(event)
        elif event.kind in OUTCOME_REPLIES:
            await self._settled(event)
        elif is_offer(event):
            await self._found(event)
        else:
            await self._plainly(event, now, replies_to=await self._settle_offers(event))
        await self.tick()

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return await self._log.recent(hedge=hedge, limit=limit)

    async def tick(self, statuses: Sequence[HedgeStatus] = ()) -> None:
        """Say what has become due. `statuses`: what the hedges stand at, of which margin, funding and the like are
        measured."""
        now = self._clock.now()
        for notice in (*self._troubles.measure(statuses, now), *self._troubles.due(now), *self._held_back(now)):
            await self._put_notice(notice)

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
        for notice in self._troubles.day_result(result, self._clock.now()):
            await self._put_notice(notice)

    async def present_pending(self) -> None:
        """After a restart: show again what still waits, and take the buttons off the earlier message."""
        for approval in await self._approvals.live():
            if approval.state is ApprovalState.PENDING and approval.expires_at > self._clock.now():
                await self._present_again(approval)

    # single events

    async def _plainly(self, event: Event, now: datetime, *, replies_to: str | None) -> None:
        how = loudness(event.kind, self._config.alerts)
        if how is Loudness.OFF or _is_told_as_range(event):
            return
        text = self._text(event)
        if event.kind in PACED:
            setting, _ = BY_SETTING[event.kind]
            pace = OWN_PACE.get(event.kind) or repeat_after(self._config.alerts, setting)
            if not self._repeats.setdefault(_topic(event), Repeats(pace)).offer(text, now):
                return
        approval_id = event.data.get("approval_id")
        if approval_id and (approval := await self._approvals.get(approval_id)) is not None:
            replies_to = await self._key_of(approval.approval_id)
            text = lines(text, executed_under(approval, event.data))
        gist = gist_of(event, self._troubles.units(event.hedge), self._zone)
        if event.kind is EventKind.POSITION_MISMATCH:  # over when the suspension is
            gist = replace(gist, thread=self._troubles.suspension(event.hedge))
        await self._put(self._key(event.kind.value, event.hedge), text, how, replies_to=replies_to, gist=gist)

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

    async def _found(self, event: Event) -> None:
        how = loudness(event.kind, self._config.alerts)
        if how is Loudness.OFF:
            return
        offer, superseded = await self._offers.opened(event, self._text(event))
        for earlier in superseded:
            await self._show_settled(earlier)
        if offer is not None:
            buttons = offer_buttons(offer.offer_id, asks_about_departed=offer.departed_base is not None)
            await self._put(offer.key, offer.text, how, urgent=True, buttons=_rows(buttons))

    async def _settle_offers(self, event: Event) -> str | None:
        """Each message keeps its text and gets the outcome, whether a button was pressed or the command was typed.

        The key of the newest one, when the event answered any.
        """
        settled = await self._offers.settled_by(event)
        for offer in settled:
            await self._show_settled(offer)
        return settled[-1].key if settled else None

    async def _show_settled(self, offer: Offer) -> None:
        text = settled_offer_text(offer, self._zone)
        await self._put(f"{offer.key}:settled", text, Loudness.SILENT, urgent=True, edits=offer.key)

    # approvals

    async def _asked(self, event: Event) -> None:
        approval = await self._approvals.get(event.data.get("approval_id", ""))
        if approval is not None:
            await self._ask(approval, f"approval:{approval.approval_id}")

    async def _ask(self, approval: Approval, key: str) -> None:
        self._newest[approval.approval_id] = key
        text = proposal_text(approval, self._zone)
        buttons = _rows(approval_buttons(approval.approval_id))
        gist = self._gist_of(approval, ends=False)
        await self._put(key, text, Loudness.LOUD, urgent=True, buttons=buttons, gist=gist)

    async def _settled(self, event: Event) -> None:
        """The proposal's own message keeps its text and gets the outcome; a reply to it reaches the phone."""
        approval = await self._approvals.get(event.data.get("approval_id", ""))
        if approval is None:
            return
        shown = await self._key_of(approval.approval_id)
        key = f"approval:{approval.approval_id}:{event.kind.value.removeprefix('approval_')}"
        done = traded(await self._approvals.fills(approval.approval_id))
        await self._put(key, settled_text(approval, self._zone, done), Loudness.SILENT, urgent=True, edits=shown)
        if (how := OUTCOME_REPLIES[event.kind]) is not None and not is_told_by_its_fills(approval, done):
            text, gist = lines(*outcome_lines(approval, self._zone, done)), self._gist_of(approval, ends=True)
            await self._put(f"{key}:said", text, how, replies_to=shown, gist=gist)

    def _gist_of(self, approval: Approval, *, ends: bool) -> Gist:
        return gist_of_approval(approval.approval_id, approval.hedge, self._clock.now(), self._zone, ends=ends)

    async def _present_again(self, approval: Approval) -> None:
        earlier = await self._key_of(approval.approval_id)
        if not await self._outbox.deliveries(earlier):
            # Its row waits to be delivered, or was never written: the first of a key stands.
            await self._ask(approval, earlier)
            return
        # A kill may have come between its delivery and this note; waiting still, it would swallow its own edit below.
        await self._outbox.finish(earlier, self._clock.now())
        count = int(earlier.rpartition(":again:")[2]) + 1 if ":again:" in earlier else 1
        key = f"approval:{approval.approval_id}:again:{count}"
        moved = lines(proposal_text(approval, self._zone), "", "↓ Asked again below, after a restart.")
        await self._put(f"{key}:moved", moved, Loudness.SILENT, urgent=True, edits=earlier)
        await self._ask(approval, key)

    async def _key_of(self, approval_id: str) -> str:
        """The key of the newest message that shows this proposal; after a restart, the newest that was delivered."""
        if (known := self._newest.get(approval_id)) is not None:
            return known
        key = f"approval:{approval_id}"
        for count in itertools.count(1):
            following = f"approval:{approval_id}:again:{count}"
            if not await self._outbox.deliveries(following):
                break
            key = following
        return self._newest.setdefault(approval_id, key)

    # rows

    async def _put_notice(self, notice: Notice) -> None:
        how = set_loudness(self._config.alerts, notice.setting, good=notice.good)
        at = stamp(self._clock.now(), self._zone)
        gist = Gist(notice.hedge or "", notice.topic, at, notice.thread, notice.ends)
        await self._put(self._key(notice.topic, notice.hedge), notice.text, how, urgent=notice.urgent, gist=gist)

    async def _put(
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
    ) -> None:
        if how is Loudness.OFF:
            return
        if how is Loudness.LOUD and await self._has_rung(key):
            how = Loudness.SILENT
        message = OutboxMessage(
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
        await self._outbox.put(message)
        self._poke()

    async def _has_rung(self, key: str) -> bool:
        now = self._clock.now()
        if self._hushed_until is None or now >= self._hushed_until:
            return False
        matter = ":".join(key.split(":")[:2])
        return await self._outbox.has_rung(f"{matter}:", now - RINGS_AGAIN_AFTER)

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
