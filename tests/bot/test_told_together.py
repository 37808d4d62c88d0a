"""An event and what tells of it are written together, whatever ends the program or keeps it from writing."""

from __future__ import annotations

import asyncio
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import InvariantBroken
from core.events import EventKind
from core.offers import OfferOutcome
from storage import database
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import an_approval, an_event

NO_MESSAGES = "CREATE TRIGGER no_messages BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'cut between the two'); END"


@pytest.fixture
async def hasty(tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Waits for no other process's lock."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 1)
    async with await Store.open(tmp_path / "hasty.db", scope="paper:test", clock=clock) as store:
        yield make_desk(store, clock, "bnb")


def rows_of(path: Path) -> tuple[list[str], list[str]]:
    """Who halted, by the log and by the messages."""
    with closing(sqlite3.connect(path)) as connection:
        logged = [row[0] for row in connection.execute("SELECT data FROM events WHERE kind = 'halted' ORDER BY seq")]
        said = [row[0] for row in connection.execute("SELECT text FROM outbox WHERE key LIKE 'halted:%' ORDER BY seq")]
    return [re.findall(r"N\d+", text)[0] for text in logged], [re.findall(r"N\d+", text)[0] for text in said]


@pytest.mark.parametrize("last", [1, 2, 7])
def test_killed_between_an_event_and_its_message(tmp_path: Path, last: int) -> None:
    """There is neither; what was returned from before has both."""
    path = tmp_path / "lp_hedge.db"
    command = [sys.executable, "-m", "tests.bot.teller", str(path), str(last)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    logged, said = rows_of(path)
    assert logged == said == [f"N{number}" for number in range(last - 1)]
    assert len(done.stdout.split()) == last - 1


@pytest.mark.parametrize("kind", [EventKind.HALTED, EventKind.APPROVAL_ASKED, EventKind.POSITION_FOUND])
async def test_cut_between_the_two_there_is_neither(desk: Desk, kind: EventKind) -> None:
    """Plain events, proposals and found positions: the log, the message and the offer are there, or none of them."""
    await desk.store.approvals.propose(an_approval())
    await desk.store.database.write(NO_MESSAGES)
    event = an_event(kind, at=desk.clock.now(), approval_id="a1b2c3d4", position_id="7", by="Anna (tg:1)")
    with pytest.raises(InvariantBroken):
        await desk.notifier.append(event)
    assert await desk.store.events.recent(hedge=None, limit=9) == ()
    assert await desk.store.offers.of("bnb") == () and await desk.messages() == ()
    await desk.store.database.write("DROP TRIGGER no_messages")
    await desk.notifier.append(event)
    assert await desk.store.events.recent(hedge=None, limit=9) == (event,)
    assert len(await desk.messages()) == 1
    assert len(await desk.store.offers.of("bnb")) == (kind is EventKind.POSITION_FOUND)


async def test_an_answered_offer_is_settled_with_its_event(desk: Desk) -> None:
    """Its message is edited and its outcome kept, or it stays open."""
    await desk.notifier.append(an_event(EventKind.POSITION_FOUND, at=desk.clock.now(), position_id="7"))
    await desk.store.database.write(NO_MESSAGES)
    event = an_event(EventKind.POSITION_FOLLOWED, at=desk.clock.now(), position_id="7", by="Anna (tg:1)")
    with pytest.raises(InvariantBroken):
        await desk.notifier.append(event)
    assert [offer.outcome for offer in await desk.store.offers.of("bnb")] == [None]
    await desk.store.database.write("DROP TRIGGER no_messages")
    await desk.notifier.append(event)
    assert [offer.outcome for offer in await desk.store.offers.of("bnb")] == [OfferOutcome.FOLLOWED]


async def test_what_cannot_be_written_now_is_written_later(hasty: Desk) -> None:
    """In order, each once, also what lasts and what is repeated; nobody who tells of something fails by it."""
    stop = {"reason": "low_margin", "detail": "too little"}
    with closing(sqlite3.connect(hasty.store.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            await hasty.notifier.append(an_event(EventKind.HALTED, at=hasty.clock.now(), by=f"N{number} (tg:1)"))
        await hasty.notifier.append(an_event(EventKind.SUSPENDED, at=hasty.clock.now(), **stop))
        await hasty.notifier.tick()
        assert await hasty.store.events.recent(hedge=None, limit=9) == () and await hasty.messages() == ()
        other.execute("ROLLBACK")
    await hasty.notifier.tick()
    kinds = [event.kind for event in await hasty.store.events.recent(hedge=None, limit=9)]
    assert kinds == [EventKind.SUSPENDED, EventKind.HALTED, EventKind.HALTED, EventKind.HALTED]
    assert rows_of(hasty.store.database.path) == (["N0", "N1", "N2"], ["N0", "N1", "N2"])
    assert len([key for key in [message.key for message in await hasty.messages()] if "suspended" in key]) == 1


async def test_a_teller_that_is_cancelled_leaves_a_whole(desk: Desk) -> None:
    """Whenever that happens: at the end each event is there once, with its message."""
    for number in range(20):
        event = an_event(EventKind.HALTED, at=desk.clock.now(), by=f"N{number} (tg:1)")
        telling = asyncio.create_task(desk.notifier.append(event))
        for _ in range(number):
            await asyncio.sleep(0)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    await desk.notifier.tick()
    logged, said = rows_of(desk.store.database.path)
    assert logged == said and len(logged) == len(set(logged)) >= 19
