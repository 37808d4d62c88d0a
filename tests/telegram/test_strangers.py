"""Eight kinds of stranger times every command and every button: nothing happens."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from core.clock import SystemClock
from core.events import EventKind
from core.offers import Offer, OfferOutcome
from core.ports import ApprovalState
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import an_approval, an_event
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import GROUP, OPERATOR, SECOND, Running
from tests.telegram.strangers import (
    APPROVAL,
    OFFER,
    STRANGERS,
    TOKEN,
    Stranger,
    lines,
    panel,
    press_all,
)

BOTH = frozenset({OPERATOR, SECOND})
_MESSAGES = {"outbox", "deliveries"}


@pytest.fixture
async def desk(store: Store, rig: TelegramRig) -> Desk:
    """With a proposal, a found position and a confirmation that wait, so that each button would do something."""
    for chat in (SECOND, GROUP):
        rig.add_chat(chat)
    desk = make_desk(store, SystemClock(), "bnb")
    now = desk.clock.now()
    approval = replace(an_approval(), created_at=now, expires_at=now + timedelta(hours=1))
    assert approval.approval_id == APPROVAL
    assert await store.approvals.propose(approval)
    found = Offer(OFFER, "bnb", 7, Decimal("2.5"), "found")
    await store.events.append(an_event(EventKind.POSITION_FOUND), offers=[found])
    await store.confirmations.put(TOKEN, "flatten bnb", actor=f"tg:{OPERATOR}", expires_at=now + timedelta(hours=1))
    return desk


def _everything(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables but the messages."""
    with closing(sqlite3.connect(folder / "t.db")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in names if name not in _MESSAGES}


async def _all_heard(rig: TelegramRig, chat_id: int) -> None:
    """A view asked for last is answered, and no update waits to be confirmed."""
    rig.say(OPERATOR, "/version", chat_id=chat_id)
    await rig.eventually(lambda: rig.messages(chat_id, "lp-hedge 1.2.3") and rig.unconfirmed() == 0)


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.name)
async def test_nothing_happens(
    rig: TelegramRig, desk: Desk, running: Running, tmp_path: Path, stranger: Stranger
) -> None:
    """No row of any table changes, nobody is answered, and the operators get one notice at most.

    Only a listed person hears, in a toast, that a press did nothing.
    """
    home = stranger.chat_id or OPERATOR
    before = _everything(tmp_path)
    toasted = stranger.says(rig) if stranger.before_start else []
    async with running(operators=BOTH, chat_id=stranger.chat_id, service=desk.operator):
        if not stranger.before_start:
            toasted = stranger.says(rig)
        await _all_heard(rig, home)
        await rig.eventually(lambda: all(press.answered for press in toasted))
    assert _everything(tmp_path) == before
    answered = {press.query_id for press in rig.world.presses.values() if press.answered}
    assert answered == {press.query_id for press in toasted}
    sent = [message for message in rig.world.messages if message.sender_id == rig.world.bot_id]
    words = [message for message in sent if message.text != "panel" and "lp-hedge 1.2.3" not in message.text]
    assert {message.chat_id for message in words} <= {home, SECOND}
    assert len({message.text for message in words}) <= 1
    assert not [message for message in sent if len(message.revisions) > 1]


@pytest.mark.parametrize("end", [ApprovalState.REJECTED, ApprovalState.EXPIRED, ApprovalState.SUPERSEDED])
async def test_a_press_on_what_is_settled_says_so_and_changes_nothing(
    rig: TelegramRig, desk: Desk, running: Running, tmp_path: Path, end: ApprovalState
) -> None:
    """Decided, expired, void or used up, on a screen that still shows the button."""
    now, store = desk.clock.now(), desk.store
    assert await store.approvals.move(APPROVAL, frm=ApprovalState.PENDING, to=end, now=now)
    (offer,) = await store.offers.of("bnb")
    kept = replace(offer, outcome=OfferOutcome.KEPT, decided_by="Anna (1)", decided_at=now)
    await store.events.append(an_event(EventKind.DEPARTED_KEPT), offers=[kept])
    assert await store.confirmations.take(TOKEN, actor=f"tg:{OPERATOR}", now=now)
    before = _everything(tmp_path)
    async with running(service=desk.operator):
        presses = press_all(rig, OPERATOR, panel(rig, OPERATOR))
        await rig.eventually(lambda: all(press.answered for press in presses))
        await _all_heard(rig, OPERATOR)
    assert all(press.toast for press in presses)
    assert _everything(tmp_path) == before


async def test_the_same_from_a_listed_person_acts(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """Else the silence above would prove nothing: each line is answered and each button has its effect."""
    plain_lines = [line for line in lines() if line.startswith("/") and "@" not in line]
    assert len(plain_lines) == len(COMMANDS)
    async with running(service=desk.operator):
        presses = press_all(rig, OPERATOR, panel(rig, OPERATOR))
        await rig.eventually(lambda: all(press.answered for press in presses))
        for line in plain_lines:
            rig.say(OPERATOR, line)
        await rig.eventually(lambda: len(rig.messages(OPERATOR)) > len(COMMANDS))
    approval = await desk.store.approvals.get(APPROVAL)
    assert approval
    assert approval.decided_by == "User42 (tg:42)"
    assert await desk.store.confirmations.take(TOKEN, actor=f"tg:{OPERATOR}", now=desk.clock.now()) is None
    assert {"halt", "pause", "follow"} <= {name for name, _ in await desk.queued()}
    assert {"approve", "reject", "halt", "follow"} & {entry.action for entry in await desk.store.audit.recent(100)}
