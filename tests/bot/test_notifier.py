"""Events become messages: what is said, how loudly, and what is held back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from decimal import Decimal

import pytest

from bot.live_config import LiveConfig
from bot.notifier import Notifier
from bot.rendering.markup import plain
from bot.telegram.parcels import parcels
from core.clock import ManualClock
from core.events import EventKind
from core.ports import ApprovalState, Delivery, OutboxMessage
from storage.store import Store
from tests.bot.conftest import Desk
from tests.bot.samples import STATUS, a_config, an_approval, an_event

BREACH = {"gap_base": "-2", "gap_quote": "1210", "limit_quote": "1000", "band_quote": "500", "price": "605"}


async def tell(desk: Desk, kind: EventKind, **data: str) -> None:
    await desk.notifier.append(an_event(kind, at=desk.clock.now(), **data))


async def pass_time(desk: Desk, seconds_s: float) -> None:
    """In steps, as the ticking task would see it."""
    for _ in range(int(seconds_s // 5)):
        await desk.clock.sleep(5)
        await desk.notifier.tick(desk.engine.statuses())


async def titles(desk: Desk) -> list[str]:
    return [text.splitlines()[0] for text in await desk.texts()]


async def deliver_all(desk: Desk, first_id: int = 100) -> list[OutboxMessage]:
    """The chat's side: each message delivered and done with."""
    messages = list(await desk.messages())
    for number, message in enumerate(messages, start=first_id):
        await desk.store.outbox.record_delivery(message.edits or message.key, Delivery(1, number))
        await desk.store.outbox.finish(message.key, desk.clock.now())
    return messages


async def test_the_log_comes_first(desk: Desk) -> None:
    """Every event is appended, whether or not anyone is told."""
    await tell(desk, EventKind.DECISION_CHANGED, state="READY")
    (event,) = await desk.notifier.recent(hedge=None, limit=5)
    assert event.kind is EventKind.DECISION_CHANGED and await desk.messages() == ()


async def test_an_executed_hedge_is_told_silently(desk: Desk) -> None:
    """Routine does not buzz."""
    await tell(desk, EventKind.HEDGE_EXECUTED, side="SELL", quantity_base="1")
    (message,) = await desk.messages()
    assert message.silent and "SELL 1 BNB" in message.text


async def test_the_configuration_sets_loudness(store: Store, clock: ManualClock) -> None:
    """loud, silent and off, per kind."""
    config = a_config("bnb", alerts={"executed": "loud", "lp": "off"})
    notifier = Notifier(
        log=store.events,
        outbox=store.outbox,
        approvals=store.approvals,
        offers=store.offers,
        config=LiveConfig(config),
        clock=clock,
        zone=UTC,
    )
    await notifier.append(an_event(EventKind.HEDGE_EXECUTED, side="SELL", quantity_base="1"))
    await notifier.append(an_event(EventKind.LP_STATE_CHANGED, frm="in_range", to="out_of_range"))
    (message,) = await store.outbox.due(clock.now(), 10)
    assert not message.silent


async def test_front_ends_are_poked(store: Store, clock: ManualClock) -> None:
    """Whoever delivers need not wait for its next look."""
    pokes: list[None] = []
    notifier = Notifier(
        log=store.events,
        outbox=store.outbox,
        approvals=store.approvals,
        offers=store.offers,
        config=LiveConfig(a_config()),
        clock=clock,
        zone=UTC,
        poke=lambda: pokes.append(None),
    )
    await notifier.append(an_event(EventKind.HALTED, by="Anna (tg:1)"))
    assert len(pokes) == 1


async def test_an_event_without_words_never_reaches_the_engine_as_an_error(desk: Desk) -> None:
    """Whatever an event lacks, a message comes out."""
    for kind in EventKind:
        await tell(desk, kind)
    texts = [message.text for message in await desk.messages()]
    assert len(texts) > len(EventKind) / 2
    assert all(text.strip() and "None" not in text for text in texts)


# approvals


async def test_a_proposal_comes_first_loud_and_with_buttons(desk: Desk) -> None:
    """Priority, sound, Approve in green and Reject in red."""
    await desk.approvals.ask(an_approval())
    (message,) = await desk.messages()
    assert (message.key, message.priority, message.silent) == ("approval:a1b2c3d4", 0, False)
    assert message.buttons == ((("Approve", "approve:a1b2c3d4", "success"), ("Reject", "reject:a1b2c3d4", "danger")),)


async def test_a_yes_edits_the_proposal_to_what_the_press_shows(desk: Desk) -> None:
    """The same text whichever of press and outbox is first: text kept, outcome appended, buttons gone."""
    await desk.approvals.ask(an_approval())
    await deliver_all(desk)
    result = await desk.press("approve:a1b2c3d4")
    (edit,) = await desk.messages()
    assert result.edited is not None and edit.text == result.edited.text
    assert (edit.edits, edit.buttons) == ("approval:a1b2c3d4", ())


async def test_the_fills_answer_the_proposal(desk: Desk) -> None:
    """The phone's notification of the trade leads back to what was approved."""
    await desk.approvals.ask(an_approval())
    await tell(desk, EventKind.HEDGE_EXECUTED, side="SELL", quantity_base="4.2", approval_id="a1b2c3d4")
    assert (await desk.messages())[-1].replies_to == "approval:a1b2c3d4"


async def test_an_expiry_edits_and_answers_the_proposal(desk: Desk) -> None:
    """The message loses its buttons, and a reply says that nobody answered."""
    await desk.approvals.ask(an_approval())
    await deliver_all(desk)
    await desk.clock.sleep(301)
    await desk.approvals.expire(an_approval())
    edit, reply = sorted(await desk.messages(), key=lambda message: message.key)
    assert edit.edits == reply.replies_to == "approval:a1b2c3d4"
    assert plain(reply.text) == "⌛ Expired 12:05:00 UTC: nobody answered. Nothing is traded, and I ask again."


async def test_nothing_is_remembered_of_what_is_settled(desk: Desk) -> None:
    """Months of questions leave nothing behind; what is said of them later still answers their message."""
    for number in range(3):
        approval = replace(an_approval(), approval_id=f"a1b2c3d{number}")
        await desk.approvals.ask(approval)
        await deliver_all(desk)
        assert await desk.approvals.supersede(approval, "the need is gone")
    data = {"side": "SELL", "quantity_base": "4.2", "approval_id": "a1b2c3d0"}
    await tell(desk, EventKind.HEDGE_EXECUTED, **data)
    assert (await desk.messages())[-1].replies_to == "approval:a1b2c3d0"
    assert desk.notifier._newest == {}


async def test_a_failed_approval_is_loud(desk: Desk) -> None:
    """What was approved and did not come about is worth a sound."""
    await desk.approvals.ask(an_approval())
    await desk.press("approve:a1b2c3d4")
    await desk.approvals.fail(
        replace(an_approval(), state=ApprovalState.APPROVED), "slippage over 30 bps", events=desk.notifier
    )
    reply = next(message for message in await desk.messages() if message.replies_to)
    assert not reply.silent and "Failed (slippage over 30 bps): nothing was traded under it." in plain(reply.text)


async def test_pending_proposals_are_shown_again_after_a_restart(desk: Desk) -> None:
    """A new message under the same approval id; the old one loses its buttons; the outcome goes to the new one."""
    await desk.approvals.ask(an_approval())
    await deliver_all(desk)
    await desk.notifier.present_pending()
    moved, again = sorted(await desk.messages(), key=lambda message: message.edits is None)
    assert (moved.edits, moved.buttons) == ("approval:a1b2c3d4", ())
    assert again.key == "approval:a1b2c3d4:again:1" and again.buttons[0][0][1] == "approve:a1b2c3d4"
    await deliver_all(desk)
    await desk.press("reject:a1b2c3d4")
    assert {message.edits or message.replies_to for message in await desk.messages()} == {again.key}


async def test_a_kill_just_after_a_delivery_leaves_no_second_question(desk: Desk) -> None:
    """The message was shown, which was not noted yet: it loses its buttons all the same."""
    await desk.approvals.ask(an_approval())
    await desk.store.outbox.record_delivery("approval:a1b2c3d4", Delivery(42, 1))
    await desk.notifier.present_pending()
    shown = parcels(await desk.messages())
    assert [(each.message.key, each.message.edits) for each in shown] == [
        ("approval:a1b2c3d4:again:1:moved", "approval:a1b2c3d4"),
        ("approval:a1b2c3d4:again:1", None),
    ]


async def test_a_second_restart_knows_the_newest_message(desk: Desk, store: Store, clock: ManualClock) -> None:
    """What was delivered tells a new process which message shows the proposal."""
    await desk.approvals.ask(an_approval())
    for _ in range(2):
        await deliver_all(desk)
        restarted = Notifier(
            log=store.events,
            outbox=store.outbox,
            approvals=store.approvals,
            offers=store.offers,
            config=LiveConfig(a_config()),
            clock=clock,
            zone=UTC,
        )
        await restarted.present_pending()
    assert {message.key for message in await desk.messages()} == {
        "approval:a1b2c3d4:again:2",
        "approval:a1b2c3d4:again:2:moved",
    }


async def test_a_proposal_still_on_its_way_is_not_shown_twice(desk: Desk) -> None:
    """While its row waits to be delivered there is nothing to repeat."""
    await desk.approvals.ask(an_approval())
    await desk.notifier.present_pending()
    assert len(await desk.messages()) == 1


# breaches


async def test_a_breach_is_told_once_while_it_lasts(desk: Desk) -> None:
    """On entry, loudly; every further evaluation in breach says nothing."""
    for _ in range(5):
        await tell(desk, EventKind.EXPOSURE_BREACHED, **BREACH)
    (message,) = await desk.messages()
    assert not message.silent and message.priority == 0


async def test_a_breach_that_doubles_is_told_again(desk: Desk) -> None:
    """Twice the gap that was told last is news."""
    await tell(desk, EventKind.EXPOSURE_BREACHED, **BREACH)
    desk.engine.shown = (replace(STATUS, gap_quote=Decimal(2419)),)
    await pass_time(desk, 10)
    assert len(await desk.messages()) == 1
    desk.engine.shown = (replace(STATUS, gap_quote=Decimal(2420)),)
    await pass_time(desk, 10)
    assert (await titles(desk))[1:] == ["🚨 bnb: exposure still over its limit"]


async def test_a_lasting_breach_is_repeated_at_the_pace(desk: Desk) -> None:
    """After repeat_seconds, an hour by default, it is said again."""
    await tell(desk, EventKind.EXPOSURE_BREACHED, **BREACH)
    desk.engine.shown = (replace(STATUS, gap_quote=Decimal(1210)),)
    await pass_time(desk, 7300)
    assert len(await desk.messages()) == 3


async def test_a_recovery_is_told_once_and_silently(desk: Desk) -> None:
    """The end of what was told."""
    await tell(desk, EventKind.EXPOSURE_BREACHED, **BREACH)
    for _ in range(2):
        await tell(desk, EventKind.EXPOSURE_RESTORED, gap_quote="100")
    messages = await desk.messages()
    assert len(messages) == 2 and messages[-1].silent


async def test_a_breach_that_flutters_does_not_flood(desk: Desk) -> None:
    """In and out every ten seconds for ten minutes is a few messages, not a hundred."""
    for _ in range(60):
        await tell(desk, EventKind.EXPOSURE_BREACHED, **BREACH)
        await pass_time(desk, 5)
        await tell(desk, EventKind.EXPOSURE_RESTORED, gap_quote="900")
        await pass_time(desk, 5)
    assert len(await desk.messages()) <= 8


# suspensions


async def test_a_suspension_names_its_reason(desk: Desk) -> None:
    """At once, loudly, with words and advice."""
    await tell(desk, EventKind.SUSPENDED, reason="low_margin", detail="available 12 USDT")
    (message,) = await desk.messages()
    assert not message.silent and "available 12 USDT" in message.text and "Add margin" in message.text


async def test_a_moment_of_blindness_is_not_told(desk: Desk) -> None:
    """A reading that fails and comes back within ten seconds is no message, nor is its end."""
    await tell(desk, EventKind.SUSPENDED, reason="stale_chain", detail="")
    await pass_time(desk, 5)
    await tell(desk, EventKind.RECOVERED, reason="stale_chain")
    await pass_time(desk, 60)
    assert await desk.messages() == ()


async def test_lasting_blindness_is_told_with_its_end(desk: Desk) -> None:
    """After ten seconds it is said, and its end with how long it took."""
    await tell(desk, EventKind.SUSPENDED, reason="stale_chain", detail="")
    await pass_time(desk, 60)
    await tell(desk, EventKind.RECOVERED, reason="stale_chain")
    assert await desk.texts() == [
        "⚠️ bnb: hedging suspended: the chain's data is too old.\nIf it does not come back: check the node (RPC URL).",
        "✅ bnb: hedging again after 60 s (the chain's data is too old).",
    ]


async def test_flapping_is_counted_not_told(desk: Desk) -> None:
    """Within five minutes of the last alert it must last a minute to be told again, with how often it came."""
    for _ in range(12):
        await tell(desk, EventKind.SUSPENDED, reason="low_margin", detail="")
        await pass_time(desk, 10)
        await tell(desk, EventKind.RECOVERED, reason="low_margin")
        await pass_time(desk, 10)
    assert len(await desk.messages()) == 2
    await tell(desk, EventKind.SUSPENDED, reason="low_margin", detail="")
    await pass_time(desk, 120)
    assert "(12 times lately)" in (await desk.texts())[-1]


async def test_the_end_is_told_whatever_the_reasons_between(desk: Desk) -> None:
    """Told of one reason, the operator hears the end even when another reason came last."""
    await tell(desk, EventKind.SUSPENDED, reason="low_margin", detail="")
    await tell(desk, EventKind.SUSPENDED, reason="no_price", detail="")
    await tell(desk, EventKind.RECOVERED, reason="no_price")
    assert "hedging again" in (await desk.texts())[-1]


@pytest.mark.parametrize("mismatch_first", [True, False])
async def test_a_mismatch_is_told_once(desk: Desk, *, mismatch_first: bool) -> None:
    """Its own message says why hedging stops, whichever of the two events comes first; its end is told."""
    events = [EventKind.POSITION_MISMATCH, EventKind.SUSPENDED]
    for kind in events if mismatch_first else reversed(events):
        await tell(desk, kind, reason="position_mismatch", venue_base="-3", journal_base="-5")
    await pass_time(desk, 60)
    await tell(desk, EventKind.RECOVERED, reason="position_mismatch")
    first, second = await titles(desk)
    assert first == "🚨 bnb: the position is not ours alone" and "hedging again" in second


async def test_the_operators_own_halt_is_no_alarm_twice(desk: Desk) -> None:
    """HALTED says it; the suspension that follows does not."""
    await tell(desk, EventKind.HALTED, by="Anna (tg:1)")
    await tell(desk, EventKind.SUSPENDED, reason="halted", detail="")
    await pass_time(desk, 60)
    await tell(desk, EventKind.RESUMED, by="Anna (tg:1)")
    await tell(desk, EventKind.RECOVERED, reason="halted")
    assert [title.split()[0] for title in await titles(desk)] == ["⛔", "▶️"]


# swarms


async def test_repeated_refusals_are_one_message(desk: Desk) -> None:
    """The same code within the pace is counted, and said when the pace allows; another code is news."""
    for _ in range(20):
        await tell(desk, EventKind.ORDER_REFUSED, code="-2019", detail="Margin is insufficient.")
    await tell(desk, EventKind.ORDER_REFUSED, code="-4164", detail="Notional too small.")
    assert len(await desk.messages()) == 2
    for _ in range(61):
        await pass_time(desk, 60)
        await tell(desk, EventKind.ORDER_REFUSED, code="-2019", detail="Margin is insufficient.")
    again = [text for text in await desk.texts() if "times since the last message" in text]
    assert len(again) == 1 and 70 < int(again[0].split(" times")[0].rpartition("(")[2]) < 82


@pytest.mark.parametrize(
    ("ends", "words"), [(True, "orders go through again"), (False, "no order was refused any more")]
)
async def test_refusals_are_over_with_the_next_fill_or_when_they_stop(desk: Desk, ends: bool, words: str) -> None:
    """One word of recovery for each, in silence, either way; no two of them the same."""
    await tell(desk, EventKind.ORDER_REFUSED, code="-2019", detail="Margin is insufficient.")
    await tell(desk, EventKind.ORDER_REFUSED, code="-4164", detail="Notional too small.")
    await tell(desk, EventKind.PLAN_FAILED, reason="executing", detail="it was refused")
    if ends:
        await tell(desk, EventKind.HEDGE_EXECUTED, side="SELL", quantity_base="1")
    desk.engine.shown = (STATUS,)
    await pass_time(desk, 1200)
    over = [message for message in await desk.messages() if message.text.startswith("✅")]
    assert len({message.text for message in over}) == 3 and all(message.silent for message in over)
    assert [f"{words} (code {code})" in plain(over[at].text) for at, code in enumerate(("-2019", "-4164"))] == [
        True
    ] * 2


async def test_a_flood_of_foreign_trades_is_counted(desk: Desk) -> None:
    """The first at once and aloud, the rest once a minute."""
    for number in range(30):
        await tell(desk, EventKind.FOREIGN_TRADE, side="SELL", quantity_base=str(number), price="600", origin="foreign")
    (first,) = await desk.messages()
    assert not first.silent
    await pass_time(desk, 65)
    assert "(29 times since the last message)" in (await desk.texts())[-1]
