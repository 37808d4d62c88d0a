"""The trap that is set over the whole suite does catch what it is set for."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import Transient
from tests.rigs.secrets import NODE_KEY, TRAP
from tests.rigs.telegram import TOKEN, TelegramRig
from tests.rigs.telegram.world import WORLDS, Call
from tests.rigs.venue import Credentials


def test_a_log_line_and_its_traceback_are_searched(caplog: pytest.LogCaptureFixture) -> None:
    """Arguments and exceptions included, whatever logger they come from."""
    logging.getLogger("some.library").warning("asking %s", f"https://api.example/bot{TOKEN}/getMe")
    try:
        raise ValueError(Credentials().secret)
    except ValueError:
        logging.getLogger("another").exception("it failed")
    assert TRAP.take() == ["the bot's token in the log of some.library", "the exchange's secret in the log of another"]
    caplog.clear()


def test_errors_and_output_are_searched(capsys: pytest.CaptureFixture[str]) -> None:
    """Also an error that a test expects, and output that it reads."""
    assert str(Transient(f"no answer from {NODE_KEY}"))
    print("token", TOKEN.replace(":", "%3A"))
    capsys.readouterr()
    assert TRAP.take() == ["the node's key in a Transient", "the bot's token in the output"]


def test_files_are_searched_but_not_the_operators_own(tmp_path: Path) -> None:
    """A database, a log, whatever a test leaves behind."""
    (tmp_path / "hedge.toml").write_text(TOKEN)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "lp_hedge.db").write_bytes(b"\0\1" + Credentials().key.encode() + b"\xff")
    TRAP.look_at_files(tmp_path)
    assert TRAP.take() == ["the exchange's key in lp_hedge.db"]
    (tmp_path / "deep" / "lp_hedge.db").unlink()


def test_what_is_sent_to_a_chat_is_searched() -> None:
    """Every call to the Bot API of every server that a test used."""
    with TelegramRig() as rig:
        rig.world.calls.append(Call("sendMessage", {"text": f"see {NODE_KEY}"}, 200, 0.0))
        assert rig.world in WORLDS
        TRAP.look_at_chats(WORLDS)
        rig.world.calls.clear()
    assert TRAP.take() == ["the node's key in a sendMessage to Telegram"]


def test_the_titles_of_processes_are_searched() -> None:
    """Its command line, which every user of the machine can read."""
    with subprocess.Popen([sys.executable, "-c", "input()", TOKEN], stdin=subprocess.PIPE) as process:
        title = Path(f"/proc/{process.pid}/cmdline")
        while TOKEN not in title.read_text():  # while a program is being loaded its title is empty
            assert process.poll() is None
        TRAP.look_at_process(process.pid)
    TRAP.look_at_process(os.getpid())
    assert TRAP.take() == ["the bot's token in a process title"]
