"""A proposal's whole life as two operators' phones show it: the real service, desk, notifier and database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.operator import Actor
from bot.rendering.markup import plain
from core.clock import SystemClock
from core.ports import Approval, ApprovalState
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import an_approval
from tests.rigs.telegram import Message, TelegramRig
from tests.telegram.conftest import OPERATOR, SECOND, Running

BOTH = frozenset({OPERATOR, SECOND})
ANNA = Actor("tg:42", "User42")
HALTS = ("halt", "Halt all", "halt bnb", "halt now!!", "halt!")
Ending = Callable[[Desk, Approval], Awaitable[object]]


@pytest.fixture
def desk(store: Store, rig: TelegramRig) -> Desk:
    rig.add_chat(SECOND)
    return make_desk(store, SystemClock(), "bnb")


def a_proposal(desk: Desk, *, for_s: float = 300) -> Approval:
    now = desk.clock.now()
    return replace(an_approval(), created_at=now, expires_at=now + timedelta(seconds=for_s))


async def shown(rig: TelegramRig, chat_id: int) -> Message:
    found = await rig.eventually(lambda: [m for m in rig.messages(chat_id) if m.labels == ["Approve", "Reject"]])
    return found[-1]


def _replies(rig: TelegramRig, copy: Message, words: str) -> list[Message]:
    return [each for each in rig.messages(copy.chat_id, words) if each.reply_to == copy.message_id]


async def _expired(desk: Desk, approval: Approval) -> None:
    await _waited(desk, approval)
    assert await desk.approvals.expire(approval)


async def _failed(desk: Desk, approval: Approval) -> None:
    await desk.approvals.answer(approval.approval_id, approve=True, by=ANNA.label, note=None)
    given = replace(approval, state=ApprovalState.APPROVED)
    await desk.approvals.fail(given, "it could not start within 60 s", events=desk.notifier)


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (_expired, "nobody answered. Nothing is traded, and I ask again."),
        (lambda desk, approval: desk.approvals.supersede(approval, "the need has changed"), "Superseded"),
        (lambda desk, approval: desk.approvals.void(approval, "halted"), "Void (halted)"),
        (_failed, "Failed (it could not start within 60 s): nothing was traded under it."),
    ],
    ids=["expired", "superseded", "voided", "failed"],
)
async def test_every_end_shows_in_every_copy(
    rig: TelegramRig, desk: Desk, running: Running, ending: Ending, words: str
) -> None:
    """The text stays, the outcome is added, the buttons are gone, and a reply brings it to the phone."""
    async with running(operators=BOTH, service=desk.operator):
        approval = a_proposal(desk, for_s=1.0 if ending is _expired else 300)
        assert await desk.approvals.ask(approval)
        copies = [await shown(rig, chat) for chat in (OPERATOR, SECOND)]
        await ending(desk, approval)
        await rig.eventually(lambda: all(not copy.labels and words in copy.text for copy in copies))
        assert all("SELL 4.2 BNB" in copy.text and "ID a1b2c3d4" in copy.text for copy in copies)
        await rig.eventually(lambda: all(len(_replies(rig, copy, words)) == 1 for copy in copies))
        late = rig.press(SECOND, copies[1], "Approve", stale=True)
        assert await rig.eventually(lambda: late.answered) and "Approved:" not in late.toast


async def test_the_second_operator_hears_who_and_when(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """The first answer stands, in both chats; the other's tap names the first one and the time."""
    async with running(operators=BOTH, service=desk.operator):
        await desk.approvals.ask(a_proposal(desk))
        mine, theirs = await shown(rig, OPERATOR), await shown(rig, SECOND)
        first = rig.press(OPERATOR, mine, "Approve")
        await rig.eventually(lambda: first.answered and not theirs.labels)
        late = rig.press(SECOND, theirs, "Reject", stale=True)
        await rig.eventually(lambda: late.answered)
    assert "approved by User42 at " in late.toast and " UTC" in late.toast
    assert all("Approved by User42" in copy.text for copy in (mine, theirs))


async def test_a_reject_is_decided_at_once_and_explained_later(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """The question names the proposal; whoever answers it adds the reason to every copy, and the audit has it."""
    async with running(operators=BOTH, service=desk.operator):
        await desk.approvals.ask(a_proposal(desk))
        mine, theirs = await shown(rig, OPERATOR), await shown(rig, SECOND)
        press = rig.press(OPERATOR, mine, "Reject")
        await rig.eventually(lambda: press.answered and not mine.labels and not theirs.labels)
        rejected = await desk.store.approvals.get("a1b2c3d4")
        assert rejected is not None and rejected.state is ApprovalState.REJECTED
        (question,) = await rig.eventually(lambda: rig.messages(OPERATOR, "Why was it rejected?"))
        assert not rig.messages(SECOND, "Why was it rejected?")
        said = await _answered(desk, "too\nmuch <now>", question.text)
        assert "Kept with proposal a1b2c3d4: too much <now>" in said
        await rig.eventually(lambda: all("(too much <now>)" in copy.text for copy in (mine, theirs)))
        assert "the first one stands" in await _answered(desk, "no, because", question.text)
    assert [entry.action for entry in await desk.store.audit.recent(5)] == ["explain", "reject"]


async def _answered(desk: Desk, text: str, question: str) -> str:
    """As the chat layer passes on a message that answers one of the bot's."""
    reply = await desk.operator.submit(
        text, actor=ANNA, source="telegram", update_key=None, issued_at=desk.clock.now(), in_answer_to=question
    )
    return plain(reply.text)


async def test_a_halt_typed_into_the_question_halts(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """The phone's input field waits for a reason; what stops everything is understood all the same."""
    async with running(service=desk.operator):
        await desk.approvals.ask(a_proposal(desk))
        press = rig.press(OPERATOR, await shown(rig, OPERATOR), "Reject")
        await rig.eventually(lambda: press.answered)
        (question,) = await rig.eventually(lambda: rig.messages(OPERATOR, "Why was it rejected?"))
        for text in ("/halt", "/status", *HALTS):
            await _answered(desk, text, question.text)
    assert [name for name, _ in await desk.queued()] == ["halt"] * (1 + len(HALTS))
    rejected = await desk.store.approvals.get("a1b2c3d4")
    assert rejected is not None and rejected.note is None


@pytest.mark.parametrize("reason", ["half", "halo", "hat", "salt", "do not halt"])
async def test_a_reason_near_halt_is_a_reason(desk: Desk, reason: str) -> None:
    """Every hedge would stop by a word that was asked for."""
    await desk.approvals.ask(a_proposal(desk))
    await desk.approvals.answer("a1b2c3d4", approve=False, by=ANNA.label, note=None)
    assert "Kept with proposal" in await _answered(desk, reason, "Why was it rejected? SELL 4.2 BNB\nID a1b2c3d4")
    assert await desk.queued() == []


@pytest.mark.parametrize("state", [ApprovalState.PENDING, ApprovalState.APPROVED, None])
async def test_only_what_was_rejected_takes_a_reason(desk: Desk, state: ApprovalState | None) -> None:
    """Whatever a forged or old question says."""
    question = "Why was it rejected? SELL 4.2 BNB\nID a1b2c3d4"
    if state is not None:
        await desk.approvals.ask(a_proposal(desk))
    if state is ApprovalState.APPROVED:
        await desk.approvals.answer("a1b2c3d4", approve=True, by=ANNA.label, note=None)
    assert "was not kept" in await _answered(desk, "too much", question)
    found = await desk.store.approvals.get("a1b2c3d4")
    assert found is None or (found.note is None and found.state is state)


async def test_a_reason_from_someone_else_names_them(desk: Desk) -> None:
    """Who rejected and who explains may be two people."""
    await desk.approvals.ask(a_proposal(desk))
    await desk.press("reject:a1b2c3d4", actor=Actor("tg:43", "Ben"))
    await _answered(desk, "too late at night", "Why was it rejected?\nID a1b2c3d4")
    found = await desk.store.approvals.get("a1b2c3d4")
    assert found is not None and found.note == "User42: too late at night"


async def test_a_reason_typed_with_the_command_is_kept(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """`/reject ID reason`, and nobody is asked again."""
    async with running(service=desk.operator):
        await desk.approvals.ask(a_proposal(desk))
        message = await shown(rig, OPERATOR)
        rig.say(OPERATOR, "/reject a1b2c3d4 the pool is being pushed")
        await rig.eventually(lambda: "(the pool is being pushed)" in message.text and not message.labels)
        assert not rig.messages(OPERATOR, "Why was it rejected?")


async def test_pending_tells_time_and_consequence(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """How long is left, when it expires and what then."""
    async with running(service=desk.operator):
        await desk.approvals.ask(a_proposal(desk))
        first = await shown(rig, OPERATOR)
        assert "Expires " in first.text and "No answer: nothing is traded" in first.text
        rig.say(OPERATOR, "/pending")
        listed = (await rig.eventually(lambda: rig.messages(OPERATOR, " left. ")))[-1]
        assert "min left." in listed.text or " s left." in listed.text
        assert "/approve a1b2c3d4 or /reject a1b2c3d4" in listed.text


async def test_a_reason_may_be_typed_afterwards(desk: Desk) -> None:
    """The terminal has no question to answer; `/reject ID reason` adds it, once, and decides nothing again."""
    await desk.approvals.ask(a_proposal(desk))
    assert "Rejected" in plain((await desk.say("/reject a1b2c3d4")).text)
    assert "too much" in plain((await desk.say("/reject a1b2c3d4 too much")).text)
    assert "rejected by Anna" in plain((await desk.say("/reject a1b2c3d4 something else")).text)
    found = await desk.store.approvals.get("a1b2c3d4")
    assert found is not None and (found.state, found.note) == (ApprovalState.REJECTED, "too much")


async def test_what_expired_while_nothing_ran_is_not_asked_again(
    rig: TelegramRig, desk: Desk, running: Running
) -> None:
    """Its message goes straight to its end."""
    async with running(service=desk.operator):
        approval = a_proposal(desk, for_s=0.5)
        await desk.approvals.ask(approval)
        message = await shown(rig, OPERATOR)
    await _waited(desk, approval)
    async with running(service=desk.operator):
        await desk.notifier.present_pending()
        await _expired(desk, approval)
        await rig.eventually(lambda: "nobody answered" in message.text and not message.labels)
    assert len(rig.messages(OPERATOR, "Approve this hedge?")) == 0


async def _waited(desk: Desk, approval: Approval) -> None:
    await desk.clock.sleep(max(0.0, (approval.expires_at - desk.clock.now()).total_seconds()))
