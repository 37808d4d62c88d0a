"""A command at the machine while something else than a service has the database in hand, or has just let go of it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from bot.twins import order
from core.clock import SystemClock
from core.errors import ConfigurationError, Transient
from storage.database import open_database
from storage.lock import Holding, InstanceLock, held_for
from storage.schema import newest_version
from storage.store import Store
from tests.bot.full_disk import no_room
from tests.storage.lived import BEGAN, Life

CLOCK = SystemClock()
NEWEST = newest_version()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Of an earlier version."""
    path = tmp_path / "lp_hedge.db"

    async def live() -> None:
        life = Life(path, hedges=1, per_minute=False)
        await life.begin(NEWEST - 1)
        life.go_on(1)

    asyncio.run(live())
    return path


def halt(database: Path) -> tuple[bool, str]:
    return order(database, "halt", (), clock=CLOCK, sure=False)


def waiting(database: Path) -> tuple[int, list[str]]:
    """The schema, and the commands that wait there."""

    async def read() -> tuple[int, list[str]]:
        async with open_database(database, now=BEGAN, read_only=True, of_any_age=True) as opened:
            (version,) = await opened.rows("PRAGMA user_version")
            rows = await opened.rows("SELECT name FROM commands WHERE finished_at IS NULL")
            return version[0], [row["name"] for row in rows]

    return asyncio.run(read())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits no longer than a moment."""
    monkeypatch.setattr("bot.twins.ANSWER_WITHIN_S", 0.2)


@pytest.mark.parametrize(
    ("holding", "words"),
    [
        (Holding.RESTORE, "is being put back by `lp-hedge db restore`, so nothing was done"),
        (Holding.UPDATE, "is starting on .* and brings it up, so nothing was done"),
        (Holding.COMMAND, "another command is writing to .*, so nothing was done"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_halt_is_not_lost_in_what_is_under_way(database: Path, holding: Holding, words: str) -> None:
    """It says no, and the database is as it was; a row written to it then would go with it."""
    with InstanceLock(database, holding), pytest.raises(Transient, match=words):
        halt(database)
    assert waiting(database) == (NEWEST - 1, [])


def test_a_halt_waits_for_the_end_of_it(database: Path) -> None:
    """And is then written to what lies there, which it may bring up as nobody else has it."""
    lock, said = InstanceLock(database, Holding.RESTORE), []
    lock.acquire()
    giving = threading.Thread(target=lambda: said.append(halt(database)))
    giving.start()
    giving.join(0.5)
    assert said == [] and waiting(database) == (NEWEST - 1, [])
    lock.release()
    giving.join(60)
    words = "the next start there halts first, whatever its mode, and halts no other mode"
    assert said == [(True, f"Nothing runs on {database} now; {words}.")]
    assert waiting(database) == (NEWEST, ["halt"])
    assert held_for(database) is None


def test_a_service_that_began_meanwhile_hears_it(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the lock and the taking of it."""
    lock = InstanceLock(database)

    class Late(InstanceLock):
        def acquire(self) -> None:
            if held_for(database) is None:
                asyncio.run(begin())
            super().acquire()

    async def begin() -> None:
        lock.acquire()
        await (await Store.open(database, scope="paper:paper", clock=CLOCK)).aclose()

    monkeypatch.setattr("bot.twins.InstanceLock", Late)
    monkeypatch.setattr("bot.twins.ANSWER_WITHIN_S", 0.2)
    with pytest.raises(Transient, match="not answered"):
        halt(database)
    lock.release()
    assert waiting(database) == (NEWEST, ["halt"])


def test_an_older_service_that_runs_is_named(database: Path) -> None:
    """What it runs on is left as it is."""
    with InstanceLock(database), pytest.raises(ConfigurationError, match="that version's own command"):
        halt(database)
    assert waiting(database) == (NEWEST - 1, [])


@pytest.mark.parametrize("name", ["flatten", "hedge", "resume", "pause"])
def test_only_a_halt_waits_for_the_next_start(database: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The service ends between the look at its lock and the writing: it is said, and nothing is left to be done."""
    lock = InstanceLock(database)
    lock.acquire()

    async def newest() -> None:
        await (await Store.open(database, scope="paper:paper", clock=CLOCK)).aclose()

    async def ending(place: Path, clock: SystemClock) -> None:
        lock.release()

    asyncio.run(newest())
    monkeypatch.setattr("bot.twins._require_its_schema", ending)
    ok, answer = order(database, name, ("eth",), clock=CLOCK, sure=True)
    assert not ok and "has just ended, so nothing was done" in answer
    assert waiting(database) == (NEWEST, [])


def test_a_halt_that_the_disk_does_not_take_names_the_way_that_needs_none(database: Path) -> None:
    """The service could not read it, so it must not sound as if it had."""

    async def newest() -> None:
        await (await Store.open(database, scope="paper:paper", clock=CLOCK)).aclose()

    asyncio.run(newest())
    with (
        InstanceLock(database),
        no_room(),
        pytest.raises(ConfigurationError, match="^nothing was halted: .*/halt in the"),
    ):
        halt(database)
    with (
        no_room(),
        pytest.raises(ConfigurationError, match=r"^nothing was halted: .* cannot be opened: disk I/O error\.$"),
    ):
        halt(database)
    assert waiting(database) == (NEWEST, [])
