"""Events into messages: the real log first, then rows in the outbox, which front ends deliver when they can."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from bot.alerting import Repeats
from bot.live_config import LiveConfig
from bot.offers import OfferBook, is_offer
from bot.rendering.alerts import Units, alert_text
from bot.rendering.approvals import (
    executed_under,
    is_told_by_its_fills,
    outcome_lines,
    proposal_text,
    settled_text,
)
from bot.rendering.markup import esc, lines
from bot.rendering.numbers import quote_of
from bot.rendering.offers import settled_offer_text
from bot.replies import Button, approval_buttons, offer_buttons
from bot.troubles import Notice, Troubles
from core.clock import Clock
from core.config import AlertsConfig
from core.events import Event, EventKind
from core.offers import Offer, Offers
from core.ports import Approval, Approvals, ApprovalState, EventLog, Outbox, OutboxMessage
from core.status import HedgeStatus
from core.traded import traded

_LOG = logging.getLogger(__name__)
Buttons = tuple[tuple[tuple[str, str, str], ...], ...]
LP_PACE = timedelta(seconds=300)
TICK_S = 5.0


class Loudness(StrEnum):
    LOUD = "loud"
    SILENT = "silent"
    OFF = "off"

    @property
    def at_most_silent(self) -> Loudness:
        return Loudness.OFF if self is Loudness.OFF else Loudness.SILENT


# The key of `[alerts]` that says how loud a kind of event is, and whether it is good news, which is never loud.
BY_SETTING: Mapping[EventKind, tuple[str, bool]] = {
    EventKind.HEDGE_EXECUTED: ("executed", False),
    EventKind.LP_STATE_CHANGED: ("lp", False),
    EventKind.LP_LIQUIDITY_CHANGED: ("lp", False),
    EventKind.BASE_DEPARTED: ("lp", False),
    EventKind.POSITION_FOUND: ("suspended", False),
    EventKind.POSITION_GIVEN: ("suspended", False),
    EventKind.DELEVERAGING: ("margin", False),
    EventKind.LIQUIDATION_NEAR: ("margin", False),
    EventKind.POSITION_MISMATCH: ("suspended", False),
    EventKind.FOREIGN_TRADE: ("suspended", False),
    EventKind.OUTCOME_UNKNOWN: ("suspended", False),
    EventKind.OUTCOME_RESOLVED: ("suspended", True),
    EventKind.ORDER_REFUSED: ("suspended", False),
    EventKind.PLAN_FAILED: ("suspended", False),
    EventKind.SLIPPAGE_EXCEEDED: ("suspended", False),
    EventKind.CHAIN_ESTIMATED: ("suspended", False),
    EventKind.CHAIN_READ_AGAIN: ("suspended", True),
    EventKind.BASIS_EXCEEDED: ("suspended", False),
    EventKind.BASIS_RESTORED: ("suspended", True),
}
ALWAYS_TOLD: Mapping[EventKind, Loudness] = {
    EventKind.HALTED: Loudness.LOUD,
    EventKind.VENUE_BANNED: Loudness.LOUD,
    EventKind.COMMAND_DROPPED: Loudness.LOUD,
    EventKind.COMMAND_WAITING: Loudness.LOUD,
    EventKind.STARTED: Loudness.SILENT,
    EventKind.STOPPED: Loudness.SILENT,
    EventKind.PAUSED: Loudness.SILENT,
    EventKind.RESUMED: Loudness.SILENT,
    EventKind.POSITION_ADOPTED: Loudness.SILENT,
    EventKind.POSITION_FOLLOWED: Loudness.SILENT,
    EventKind.DEPARTED_KEPT: Loudness.SILENT,
    EventKind.DEPARTED_CLOSED: Loudness.SILENT,
    EventKind.SETTING_CHANGED: Loudness.SILENT,
    EventKind.ORDER_TAKEN_BACK: Loudness.LOUD,
    EventKind.VENUE_NEWS_LOST: Loudness.SILENT,
    EventKind.VENUE_NEWS_BACK: Loudness.SILENT,
    EventKind.NEWS_LOST: Loudness.SILENT,
    EventKind.NEWS_BACK: Loudness.SILENT,
}
# Kinds that may come in swarms, and the data that makes two of them the same.
PACED: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.ORDER_REFUSED: ("code",),
    EventKind.PLAN_FAILED: ("reason",),
    EventKind.SLIPPAGE_EXCEEDED: (),
    EventKind.CHAIN_ESTIMATED: (),
    EventKind.CHAIN_READ_AGAIN: (),
    EventKind.BASIS_EXCEEDED: (),
    EventKind.BASIS_RESTORED: (),
    EventKind.LP_STATE_CHANGED: (),
}
# How an approval's end is told beside the edit of its message: a yes shows itself by its fills.
OUTCOME_REPLIES: Mapping[EventKind, Loudness | None] = {
    EventKind.APPROVAL_APPROVED: None,
    EventKind.APPROVAL_DONE: Loudness.SILENT,
    EventKind.APPROVAL_EXPLAINED: None,
    EventKind.APPROVAL_REJECTED: Loudness.SILENT,
    EventKind.APPROVAL_EXPIRED: Loudness.SILENT,
    EventKind.APPROVAL_SUPERSEDED: Loudness.SILENT,
    EventKind.APPROVAL_VOIDED: Loudness.SILENT,
    EventKind.APPROVAL_FAILED: Loudness.LOUD,
}


def loudness(kind: EventKind, alerts: AlertsConfig) -> Loudness:
    """OFF also for kinds that are not for people."""
    if kind not in BY_SETTING:
        return ALWAYS_TOLD.get(kind, Loudness.OFF)
    setting, good = BY_SETTING[kind]
    return _set_loudness(alerts, setting, good=good)


class Notifier:
    """An `EventLog` that also tells people. Raises only what the log, the approvals and the outbox raise.

    `tick` says what was held back and repeats what lasts; call it every few seconds, or let `run` do it.
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
    ) -> None:
        self._log = log
        self._outbox = outbox
        self._approvals = approvals
        self._offers = OfferBook(offers)
        self._config = config
        self._units = {name: _units_of(hedge.symbol) for name, hedge in config.file.hedges.items()}
        self._clock = clock
        self._zone = zone
        self._poke = poke
        self._numbers = itertools.count(1)
        self._troubles = Troubles(lambda: config.alerts, self._units)
        self._repeats: dict[tuple[str, ...], Repeats] = {}
        self._newest: dict[str, str] = {}

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

    async def run(self, statuses: Callable[[], Sequence[HedgeStatus]]) -> None:
        while True:
            await self.tick(statuses())
            await self._clock.sleep(TICK_S)

    async def tick(self, statuses: Sequence[HedgeStatus] = ()) -> None:
        """Say what has become due. `statuses` give the present size of a breach that goes on."""
        now = self._clock.now()
        self._troubles.measure(statuses, now)
        for notice in (*self._troubles.due(now), *self._held_back(now)):
            await self._put_notice(notice)

    async def present_pending(self) -> None:
        """After a restart: show again what still waits, and take the buttons off the earlier message."""
        for approval in await self._approvals.live():
            if approval.state is ApprovalState.PENDING and approval.expires_at > self._clock.now():
                await self._present_again(approval)

    # single events

    async def _plainly(self, event: Event, now: datetime, *, replies_to: str | None) -> None:
        how = loudness(event.kind, self._config.alerts)
        if how is Loudness.OFF:
            return
        text = self._text(event)
        if event.kind in PACED:
            pace = LP_PACE if event.kind is EventKind.LP_STATE_CHANGED else self._repeat_after()
            if not self._repeats.setdefault(_topic(event), Repeats(pace)).offer(text, now):
                return
        approval_id = event.data.get("approval_id")
        if approval_id and (approval := await self._approvals.get(approval_id)) is not None:
            replies_to = await self._key_of(approval.approval_id)
            text = lines(text, executed_under(approval, event.data))
        await self._put(self._key(event.kind.value, event.hedge), text, how, replies_to=replies_to)

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
            return alert_text(event, self._zone, self._units.get(event.hedge or "", Units("BASE", "QUOTE")))
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
        await self._put(key, text, Loudness.LOUD, urgent=True, buttons=_rows(approval_buttons(approval.approval_id)))

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
            await self._put(f"{key}:said", lines(*outcome_lines(approval, self._zone, done)), how, replies_to=shown)

    async def _present_again(self, approval: Approval) -> None:
        earlier = await self._key_of(approval.approval_id)
        if not await self._outbox.deliveries(earlier):
            # Its row waits to be delivered, or was never written: the first of a key stands.
            await self._ask(approval, earlier)
            return
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
        how = _set_loudness(self._config.alerts, notice.setting, good=notice.good)
        await self._put(self._key(notice.topic, notice.hedge), notice.text, how, urgent=notice.urgent)

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
    ) -> None:
        if how is Loudness.OFF:
            return
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
        )
        await self._outbox.put(message)
        self._poke()

    def _key(self, topic: str, hedge: str | None) -> str:
        return f"{topic}:{hedge or '-'}:{self._clock.now().isoformat()}:{next(self._numbers)}"

    def _repeat_after(self) -> timedelta:
        return timedelta(seconds=self._config.alerts.repeat_seconds)


def _set_loudness(alerts: AlertsConfig, setting: str, *, good: bool) -> Loudness:
    how = Loudness(str(getattr(alerts, setting)))
    return how.at_most_silent if good else how


def _units_of(symbol: str) -> Units:
    quote = quote_of(symbol)
    return Units(symbol.removesuffix(quote), quote)


def _topic(event: Event) -> tuple[str, ...]:
    return (event.kind.value, event.hedge or "", *(event.data.get(key, "") for key in PACED[event.kind]))


def _rows(buttons: Sequence[Sequence[Button]]) -> Buttons:
    return tuple(tuple((button.label, button.data, button.style) for button in row) for row in buttons)
