"""`lp-hedge health`: what a container's health check is told, by whoever runs and whatever they last showed."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot import cli
from bot.database_place import database_path
from bot.pulse import STALE_AFTER_S, Pulse, forget_pulse, look, pulse_file
from bot.rendering.health import HealthItem, health_text
from bot.rendering.markup import plain
from bot.settings import Locations, find_places
from core.clock import Clock, ManualClock, SystemClock
from core.errors import ConfigurationError
from storage.lock import InstanceLock
from tests.bot.samples import T0

TURNS = HealthItem("eth", True, "last turn 4 s ago, allowed 75 s", vital=True)
STANDS = HealthItem("eth", False, "last turn 80 s ago, allowed 75 s", vital=True)
DEAF = HealthItem("Telegram", False, "blind as @bot, as it was cut.")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """On which something runs."""
    path = tmp_path / "lp_hedge.db"
    with InstanceLock(path):
        yield path


async def shown(database: Path, clock: Clock, *items: HealthItem) -> None:
    """As a running service shows them, until the first was written."""
    task = asyncio.create_task(Pulse(database, lambda: items, redact=lambda text: text, clock=clock).run())
    while not pulse_file(database).exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def test_where_nothing_runs_nothing_is_well(tmp_path: Path) -> None:
    """Also with the file of a service that was killed."""
    path = tmp_path / "lp_hedge.db"
    pulse_file(path).write_text(json.dumps({"at_s": SystemClock().monotonic_s(), "items": []}))
    seen = look(path, SystemClock())
    assert not seen.turns and "no lp-hedge runs" in seen.says


async def test_hedges_that_turn_are_well(database: Path) -> None:
    """One line, and the chat's headline."""
    await shown(database, SystemClock(), TURNS)
    seen = look(database, SystemClock())
    assert seen.turns and seen.says == "Health: all well."
    assert plain(health_text([TURNS], "v")).startswith("Health: all well")


async def test_a_hedge_that_stands_is_not(database: Path) -> None:
    """Said with what is wrong."""
    await shown(database, SystemClock(), STANDS, DEAF)
    seen = look(database, SystemClock())
    assert not seen.turns
    assert seen.says.startswith("Health: 2 things need you: eth, Telegram. eth: last turn 80 s ago, allowed 75 s.")
    assert plain(health_text([STANDS, DEAF], "v")).startswith("Health: 2 things need you: eth, Telegram")


async def test_what_a_new_start_does_not_help_is_told_but_ends_no_container(database: Path) -> None:
    """Telegram away, an exchange away: the hedges turn, and a restart would only lose time."""
    await shown(database, SystemClock(), TURNS, DEAF)
    seen = look(database, SystemClock())
    assert seen.turns
    assert seen.says == "Health: 1 thing needs you: Telegram. Telegram: blind as @bot, as it was cut. The hedges turn."


async def test_before_the_first_hedge_nothing_turns(database: Path) -> None:
    """Neither a missing file nor one without a hedge is a proof of anything, nor is what the last run left."""
    assert not look(database, SystemClock()).turns
    for begins in ((), (replace(TURNS, ok=None),)):
        await shown(database, SystemClock(), *begins, DEAF)
        seen = look(database, SystemClock())
        assert not seen.turns
        assert seen.says == "Health: no hedge turns yet. Telegram: blind as @bot, as it was cut."
        pulse_file(database).unlink()
    await shown(database, SystemClock(), TURNS)
    forget_pulse(database)
    seen = look(database, SystemClock())
    assert not seen.turns and "has not begun to hedge yet" in seen.says


async def test_a_service_that_hangs_shows_nothing_new(database: Path) -> None:
    """By monotonic seconds alone; those of another start of the machine are none of ours."""
    clock = ManualClock(T0)
    await clock.advance(1000)
    await shown(database, clock, TURNS)
    await clock.advance(STALE_AFTER_S)
    assert look(database, clock).turns
    await clock.advance(1)
    seen = look(database, clock)
    assert not seen.turns and seen.says.endswith("shows no sign of life for 46 s: it hangs, or its disk takes nothing.")
    assert not look(database, ManualClock(T0)).turns


async def test_it_beats_and_is_the_owners_alone(database: Path) -> None:
    """Each beat replaces the last, without a secret."""
    clock, count = ManualClock(T0), 0

    def items() -> list[HealthItem]:
        nonlocal count
        count += 1
        return [HealthItem("eth", True, f"turn {count} by key-123456", vital=True)]

    hide = Pulse(database, items, redact=lambda text: text.replace("key-123456", "[secret]"), clock=clock)
    task = asyncio.create_task(hide.run())
    while count < 3:
        await clock.advance(10)
        await asyncio.sleep(0.01)
    while "turn 3" not in pulse_file(database).read_text():
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert look(database, clock).items == (HealthItem("eth", True, "turn 3 by [secret]", vital=True),)
    assert stat.S_IMODE(pulse_file(database).stat().st_mode) == 0o600


def test_a_disk_without_room_leaves_what_was_there_and_nothing_else(database: Path) -> None:
    """Neither half of a new file nor its beginning; in a process of its own, whose files may not grow."""
    pulse_file(database).write_text("what was there")
    before = sorted(database.parent.iterdir())
    code = (
        "import resource, signal, sys; from pathlib import Path; from bot.owners_file import replace_file;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20));"
        "replace_file(Path(sys.argv[1]), 'x' * 100)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(pulse_file(database))], capture_output=True, check=False)
    assert b"OSError: [Errno 27]" in done.stderr
    assert (sorted(database.parent.iterdir()), pulse_file(database).read_text()) == (before, "what was there")


def test_a_file_of_something_else_is_said_in_a_sentence(database: Path) -> None:
    """No traceback in a health check."""
    for content in ("", "[]", '{"at_s": null, "items": []}', '{"at_s": 1, "items": [{"wrong": 1}]}'):
        pulse_file(database).write_text(content)
        with pytest.raises(ConfigurationError, match="not written by this version"):
            look(database, SystemClock())


@pytest.mark.parametrize("spoilt", ["pulse", "lock", "env"])
def test_files_that_cannot_be_read_are_unwell_and_no_other_code(
    database: Path, spoilt: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Docker keeps 2 for itself; JSON stays valid."""
    named = database.with_name("other.db") if spoilt == "lock" else database
    if spoilt == "pulse":
        pulse_file(named).write_text("[]")
    if spoilt == "lock":
        named.with_name(f"{named.name}.lock").mkdir()
    places = ["--db", str(named)] if spoilt != "env" else ["--env-file", str(named.with_name("missing.env"))]
    assert cli.main(["health", *places]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("Health: ") and told.out.count("\n") == 1 and not told.err
    assert cli.main(["health", *places, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said == {"turns": False, "says": told.out.strip(), "age_s": None, "items": []}


async def test_the_command_has_a_code_a_line_and_json(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a container's health check, a person and a program read."""
    assert cli.main(["health", "--db", str(database)]) == 1
    await shown(database, SystemClock(), TURNS)
    capsys.readouterr()
    assert cli.main(["health", "--db", str(database)]) == 0
    assert capsys.readouterr().out == "Health: all well.\n"
    assert cli.main(["health", "--db", str(database), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["turns"] is True and 0 <= said["age_s"] <= STALE_AFTER_S
    assert said["items"] == [{"name": "eth", "ok": True, "detail": TURNS.detail, "vital": True}]


def test_asked_every_minute_it_costs_next_to_nothing(tmp_path: Path) -> None:
    """It loads neither the models of the configuration nor any library of the service's."""
    code = (
        "import sys; from bot.cli import main; main(['health', '--db', sys.argv[1]]);"
        "heavy = {'pydantic', 'pydantic_settings', 'aiohttp', 'web3', 'telegram', 'numpy', 'aiosqlite', 'binance'};"
        "sys.exit(','.join(heavy & set(sys.modules)) or 0)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.db")], capture_output=True, text=True, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (done.stderr, "no lp-hedge runs" in done.stdout) == ("", True)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2


@pytest.mark.parametrize("named", [None, "flag.db"])
@pytest.mark.parametrize("around", [None, "", "around.db"])
@pytest.mark.parametrize("name", ["LP_HEDGE_DB", "lp_hedge_db"])
@pytest.mark.parametrize("in_file", [None, "", "file.db"])
def test_the_database_is_the_services(
    named: str | None,
    around: str | None,
    name: str,
    in_file: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By flag, environment, `.env` or default, in this order; what is set to nothing counts as the default."""
    for each in [each for each in os.environ if each.lower() == "lp_hedge_db"]:
        monkeypatch.delenv(each)
    monkeypatch.chdir(tmp_path)
    flag = Path(named) if named else None
    if around is not None:
        monkeypatch.setenv(name, around)
    if in_file is not None:
        (tmp_path / ".env").write_text(f"LP_HEDGE_DB={in_file}\n")
    said = around if around is not None else in_file
    assert database_path(flag, None) == Path(named or said or "data/lp_hedge.db")
    assert find_places(Locations(db=flag)).database_path == database_path(flag, None)
