"""`lp-hedge init` shows the numeric ids of who writes to the bot, on a real terminal; and nothing else ever does."""

from __future__ import annotations

import asyncio
import os
import pty
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.cli import main
from bot.commands import COMMANDS
from bot.console import Terminal
from bot.env_file import set_variable
from bot.environment import read_environment
from bot.operator_ids import Search, writer_line
from bot.telegram.preflight import Writer
from core.clock import SystemClock
from core.errors import Refused
from storage.lock import InstanceLock
from storage.store import Store
from tests.bot.conftest import make_desk
from tests.bot.test_console import Screen
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import GROUP, OPERATOR, Running

NEW, OTHER = 555, 777


@pytest.fixture
async def screen() -> AsyncIterator[tuple[Screen, Terminal]]:
    """A person at a terminal."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    with os.fdopen(theirs, "w", closefd=False) as out:
        yield Screen(ours), Terminal(theirs, out, SystemClock())
    os.close(ours)
    os.close(theirs)


@pytest.fixture
def env(tmp_path: Path, rig: TelegramRig, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("TELEGRAM_BOT_TOKEN", "TELEGRAM_OPERATOR_IDS", "TELEGRAM_API_URL"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / ".env"
    path.write_text(f"TELEGRAM_BOT_TOKEN={rig.token}\nTELEGRAM_OPERATOR_IDS=\nTELEGRAM_API_URL={rig.api_url}\n# end\n")
    path.chmod(0o600)
    return path


def a_search(env: Path, terminal: Terminal, *, within_s: float = 60, has_person: bool = True) -> Search:
    return Search(read_environment(env), env, terminal, SystemClock(), has_person=has_person, within_s=within_s)


def _text(path: Path) -> str:
    return path.read_text()


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_who_writes_is_shown_at_once_and_the_chosen_are_kept(
    rig: TelegramRig, env: Path, screen: tuple[Screen, Terminal]
) -> None:
    """Line by line as they write; only a number that was shown can be chosen; the rest of the file stays."""
    person, terminal = screen
    searching = asyncio.create_task(a_search(env, terminal).run())
    await person.until("Who writes:")
    rig.say(NEW, "hello")
    await person.until(f"{NEW}  User{NEW}, in private")
    rig.say(OTHER, "/id", chat_id=GROUP)
    await person.until(f"{OTHER}  User{OTHER}, in the group {GROUP}")
    person.type("")
    await person.until("may command the bot?")
    person.type("12345")
    await person.until("Only numbers that are shown")
    person.type(f"{NEW}")
    await person.until(f"TELEGRAM_OPERATOR_IDS={NEW}")
    await searching
    assert _text(env).splitlines()[1:] == [
        f"TELEGRAM_OPERATOR_IDS={NEW}", f"TELEGRAM_API_URL={rig.api_url}", "# end",
    ]  # fmt: skip
    assert _mode(env) == 0o600
    assert not rig.messages(NEW) and not rig.messages(GROUP)


async def test_enter_leaves_everything_as_it_was(rig: TelegramRig, env: Path, screen: tuple[Screen, Terminal]) -> None:
    """Also when a stranger was the only one who wrote."""
    person, terminal = screen
    before = _text(env)
    searching = asyncio.create_task(a_search(env, terminal).run())
    await person.until("Who writes:")
    rig.say(OTHER, "let me in")
    await person.until(f"{OTHER}  ")
    person.type("")
    await person.until("may command")
    person.type("")
    await person.until("is as it was")
    await searching
    assert _text(env) == before


async def test_telegram_down_is_said_once_and_tried_again(
    rig: TelegramRig, env: Path, screen: tuple[Screen, Terminal]
) -> None:
    """What comes back within the time is heard."""
    person, terminal = screen
    rig.down()
    searching = asyncio.create_task(a_search(env, terminal).run())
    await person.until("I go on trying.")
    rig.up()
    rig.say(NEW, "hello")
    await person.until(f"{NEW}  User{NEW}, in private")
    searching.cancel()
    with suppress(asyncio.CancelledError):
        await searching


async def test_the_time_is_bounded_and_nobody_is_asked_without_a_person(
    rig: TelegramRig, env: Path, screen: tuple[Screen, Terminal]
) -> None:
    """In a script it shows what it finds, changes nothing and ends."""
    person, terminal = screen
    before = _text(env)
    await a_search(env, terminal, within_s=0.3, has_person=False).run()
    await person.until("Nobody wrote to the bot.")
    rig.say(NEW, "hello")
    await a_search(env, terminal, within_s=4, has_person=False).run()
    await person.until(f"{NEW}  User{NEW}, in private")
    await person.until("Put your own number into TELEGRAM_OPERATOR_IDS")
    assert _text(env) == before


async def test_a_bad_token_is_one_sentence(rig: TelegramRig, env: Path, screen: tuple[Screen, Terminal]) -> None:
    """Without the token in it."""
    set_variable(env, "TELEGRAM_BOT_TOKEN", "1:wrong")
    with pytest.raises(Refused, match="TELEGRAM_BOT_TOKEN") as refused:
        await a_search(env, screen[1]).run()
    assert "1:wrong" not in str(refused.value)


def test_a_name_is_only_letters_to_the_terminal() -> None:
    """Whatever people call themselves."""
    assert writer_line(Writer(7, "Eve\x1b[2J\n42  Anna" + "x" * 99, 7, "private")).startswith("  7  Eve?[2J?42  Annaxx")
    assert "\n" not in writer_line(Writer(7, "\n", 7, "private"))


def test_the_command_says_what_it_lacks_in_a_sentence(
    tmp_path: Path, env: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No token, a wrong one, or a service that listens already."""
    line = ["init", "--telegram", "--env-file", str(env), "--db", str(tmp_path / "x.db")]
    with InstanceLock(tmp_path / "x.db"):
        assert main(line) == 2
    assert "stop it first" in capsys.readouterr().err
    set_variable(env, "TELEGRAM_BOT_TOKEN", "1:wrong")
    assert main(line) == 3
    assert capsys.readouterr().err.startswith("lp-hedge: Telegram does not know this bot token")
    set_variable(env, "TELEGRAM_BOT_TOKEN", "")
    assert main(line) == 2
    assert "@BotFather" in capsys.readouterr().err


async def test_no_other_path_tells_anyone_anything(rig: TelegramRig, store: Store, running: Running) -> None:
    """Every command, in private and in a group, and a press: a stranger gets silence, the operator one notice."""
    rig.add_chat(GROUP)
    desk = make_desk(store, SystemClock(), "bnb")
    async with running(service=desk.operator):
        rig.say(OPERATOR, "/flatten")
        (question,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.labels])
        for text in ("hello", "/id", "/whoami", *(f"/{command.name}" for command in COMMANDS)):
            rig.say(OTHER, text)
            rig.say(OTHER, text, chat_id=GROUP)
        press = rig.press(OTHER, question, "Yes")
        await rig.eventually(lambda: rig.unconfirmed() == 0)
        await rig.eventually(lambda: rig.messages(OPERATOR, "not on the list of operators"))
    assert not rig.messages(OTHER) and not rig.messages(GROUP) and not press.answered
    assert len(rig.messages(OPERATOR, "not on the list")) == 1
    assert await desk.queued() == []
