"""Follow, Close and Keep from the phone: engine, storage and front end are the real ones."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from core.events import EventKind
from tests.core.pair import Pair, Programme
from tests.rigs.telegram import Message, Press, TelegramRig
from tests.telegram.conftest import GROUP, OPERATOR, SECOND, STRANGER
from tests.telegram.recentred import NEW, Wallet, at_work

ALONE = frozenset({OPERATOR})
BOTH = frozenset({OPERATOR, SECOND})
BUTTONS = ["Follow", "Close", "Keep"]
HEDGED = Decimal("-4.999")
ANSWERS = (EventKind.POSITION_FOLLOWED, EventKind.DEPARTED_KEPT, EventKind.DEPARTED_CLOSED)


@pytest.fixture
def pair(tmp_path: Path, rig: TelegramRig) -> Pair:
    rig.add_chat(SECOND)
    return Pair(tmp_path / "pair.db")


@pytest.fixture
def wallet(pair: Pair) -> Wallet:
    return Wallet(pair)


async def alert(rig: TelegramRig, chat_id: int = OPERATOR, labels: list[str] | None = None) -> Message:
    wanted = labels or BUTTONS
    return (await rig.eventually(lambda: [m for m in rig.messages(chat_id) if m.labels == wanted]))[-1]


async def question(rig: TelegramRig, chat_id: int = OPERATOR) -> Message:
    return await alert(rig, chat_id, ["Yes", "No"])


async def answered(rig: TelegramRig, press: Press) -> None:
    await rig.eventually(lambda: press.answered)


async def answers(programme: Programme) -> list[EventKind]:
    return [event.kind for event in await programme.events(*ANSWERS)]


async def until_flat(rig: TelegramRig, programme: Programme) -> None:
    await rig.eventually(lambda: programme.status("eth").perp.position_base == 0)


@pytest.mark.parametrize(
    ("label", "kind", "outcome"),
    [
        ("Follow", EventKind.POSITION_FOLLOWED, "✅ Followed by User42 "),
        ("Keep", EventKind.DEPARTED_KEPT, "📌 Kept by User42 "),
    ],
)
async def test_one_tap_and_every_copy_shows_it(
    rig: TelegramRig, pair: Pair, wallet: Wallet, label: str, kind: EventKind, outcome: str
) -> None:
    """One loud alert with three buttons; it keeps its text, gains the outcome, loses its buttons. Nothing is traded."""
    async with at_work(pair, rig, BOTH) as programme:
        wallet.recentre()
        mine, theirs = await alert(rig), await alert(rig, SECOND)
        shown = mine.text
        assert not mine.silent and "4.99927 ETH left the followed positions" in shown
        press = rig.press(OPERATOR, mine, label)
        await rig.eventually(lambda: press.answered and not mine.labels and not theirs.labels)
        for copy in (mine, theirs):
            assert copy.text.startswith(f"{shown}\n\n{outcome}")
        assert await answers(programme) == [kind]
        await rig.eventually(lambda: [m for m in rig.messages(SECOND) if m.reply_to == theirs.message_id and m.silent])
        assert await programme.position("eth") == HEDGED
        assert len(rig.messages(OPERATOR, "is in the same wallet and pool")) == 1


async def test_with_nothing_gone_only_follow_is_offered(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """And the new position is hedged by one tap."""
    async with at_work(pair, rig, ALONE) as programme:
        wallet.unfollowed = (NEW,)
        message = await alert(rig, labels=["Follow"])
        rig.press(OPERATOR, message, "Follow")
        await rig.eventually(lambda: "Followed by User42" in message.text)
        await rig.eventually(lambda: (programme.status("eth").perp.position_base or 0) < 2 * HEDGED + 1)


async def test_close_asks_once_more_and_then_takes_the_short_down(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """The question is a message of its own that says how much; the alert waits with its buttons."""
    async with at_work(pair, rig, ALONE) as programme:
        wallet.recentre()
        message = await alert(rig)
        rig.press(OPERATOR, message, "Close")
        asked = await question(rig)
        assert asked.reply_to == message.message_id and message.labels == BUTTONS
        assert "4.9" in asked.text and "are dropped" in asked.text
        assert await programme.position("eth") == HEDGED
        press = rig.press(OPERATOR, asked, "Yes")
        await rig.eventually(lambda: press.answered and not asked.labels and not message.labels)
        assert "no longer count" in press.toast and "Closed by User42" in message.text
        await until_flat(rig, programme)


async def test_a_no_to_close_leaves_the_alert_as_it_is(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """Nothing was done, and Keep can still be pressed."""
    async with at_work(pair, rig, ALONE) as programme:
        wallet.recentre()
        message = await alert(rig)
        rig.press(OPERATOR, message, "Close")
        asked = await question(rig)
        rig.press(OPERATOR, asked, "No")
        await rig.eventually(lambda: not asked.labels)
        assert message.labels == BUTTONS and await answers(programme) == []
        rig.press(OPERATOR, message, "Keep")
        await rig.eventually(lambda: "Kept by User42" in message.text)
        assert await programme.position("eth") == HEDGED


async def test_a_double_tap_acts_once(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """Both taps are answered; a later one on a keyboard that is gone says who did it and when."""
    async with at_work(pair, rig, ALONE) as programme:
        wallet.recentre()
        message = await alert(rig)
        taps = [rig.press(OPERATOR, message, "Keep"), rig.press(OPERATOR, message, "Keep")]
        await rig.eventually(lambda: all(tap.answered for tap in taps) and not message.labels)
        assert sum("is kept until" in tap.toast for tap in taps) == 1
        for label in BUTTONS:
            late = rig.press(OPERATOR, message, label, stale=True)
            await answered(rig, late)
            assert late.toast.startswith("Kept by User42 ")
        assert await answers(programme) == [EventKind.DEPARTED_KEPT]
        assert wallet.followed == ()


async def test_of_two_people_the_first_decides(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """At the same moment, with different buttons: one is carried out, the other hears whose it was."""
    async with at_work(pair, rig, BOTH) as programme:
        wallet.recentre()
        mine, theirs = await alert(rig), await alert(rig, SECOND)
        taps = [rig.press(OPERATOR, mine, "Follow"), rig.press(SECOND, theirs, "Keep")]
        await rig.eventually(lambda: all(tap.answered for tap in taps) and not mine.labels and not theirs.labels)
        (done,) = await answers(programme)
        winner, loser = taps if done is EventKind.POSITION_FOLLOWED else reversed(taps)
        assert winner.toast.startswith("✅")
        name = "User42" if done is EventKind.POSITION_FOLLOWED else "User43"
        assert name in loser.toast and mine.text == theirs.text


async def test_another_operators_answer_closes_the_question(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """One has asked to close, the other keeps: the yes then does nothing and says why."""
    async with at_work(pair, rig, BOTH) as programme:
        wallet.recentre()
        mine, theirs = await alert(rig), await alert(rig, SECOND)
        rig.press(OPERATOR, mine, "Close")
        asked = await question(rig)
        rig.press(SECOND, theirs, "Keep")
        await rig.eventually(lambda: "Kept by User43" in mine.text)
        press = rig.press(OPERATOR, asked, "Yes")
        await rig.eventually(lambda: press.answered and not asked.labels)
        assert press.toast.startswith("Kept by User43 ") and "Kept by User43" in asked.text
        assert await programme.position("eth") == HEDGED


async def test_the_buttons_work_after_a_restart(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """Pressed while the program was down; no second alert comes, then or later."""
    async with at_work(pair, rig, ALONE):
        wallet.recentre()
        message = await alert(rig)
    rig.press(OPERATOR, message, "Keep")
    for _ in range(2):
        async with at_work(pair, rig, ALONE) as programme:
            await rig.eventually(lambda: "Kept by User42" in message.text)
            late = rig.press(OPERATOR, message, "Follow", stale=True)
            await answered(rig, late)
            assert late.toast.startswith("Kept by User42 ")
            assert await answers(programme) == [EventKind.DEPARTED_KEPT]
    assert len(rig.messages(OPERATOR, "is in the same wallet and pool")) == 1


async def test_a_question_to_close_survives_a_restart(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """Asked by one run, answered to the next."""
    async with at_work(pair, rig, ALONE):
        wallet.recentre()
        message = await alert(rig)
        rig.press(OPERATOR, message, "Close")
        asked = await question(rig)
    async with at_work(pair, rig, ALONE) as programme:
        rig.press(OPERATOR, asked, "Yes")
        await rig.eventually(lambda: "Closed by User42" in message.text)
        await until_flat(rig, programme)


async def test_a_stranger_is_not_heard(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """Also in the group where the alert stands; there a listed person's press counts."""
    rig.add_chat(GROUP)
    async with at_work(pair, rig, BOTH, chat_id=GROUP) as programme:
        wallet.recentre()
        message = await alert(rig, GROUP)
        presses = [rig.press(STRANGER, message, label) for label in BUTTONS]
        await rig.eventually(lambda: rig.unconfirmed() == 0)
        rig.press(SECOND, message, "Keep")
        await rig.eventually(lambda: "Kept by User43" in message.text)
        assert not any(press.answered for press in presses)
        assert await answers(programme) == [EventKind.DEPARTED_KEPT] and wallet.followed == ()


async def test_the_typed_twins_settle_the_alert(rig: TelegramRig, pair: Pair, wallet: Wallet) -> None:
    """Close asks as from the button, Follow does not; keep with nothing left says so."""
    async with at_work(pair, rig, ALONE) as programme:
        wallet.recentre()
        message = await alert(rig)
        rig.say(OPERATOR, "/follow close eth")
        asked = await question(rig)
        rig.press(OPERATOR, asked, "Yes")
        await rig.eventually(lambda: "Closed by User42" in message.text)
        await until_flat(rig, programme)
        rig.say(OPERATOR, "/follow keep eth")
        await rig.eventually(lambda: rig.messages(OPERATOR, "there is nothing to keep"))
        rig.say(OPERATOR, "/follow 7")
        await rig.eventually(lambda: rig.messages(OPERATOR, "position 7 is hedged too from now on"))
        assert await answers(programme) == [EventKind.DEPARTED_CLOSED, EventKind.POSITION_FOLLOWED]
