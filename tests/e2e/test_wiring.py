"""That the running service really has what its parts promise: `lp-hedge run` as a process, on paper, without a node and
without an exchange; a part of the program fails in it as told, and the limits are short.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bot.pulse import pulse_file
from bot.restarts import row_of
from core.clock import SystemClock
from tests.e2e.stage import OPERATOR
from tests.rigs.environment import ROOT
from tests.rigs.telegram.rig import TelegramRig

pytestmark = pytest.mark.e2e
PATIENCE_S = 120.0
NOBODY = "http://127.0.0.1:9"
CONFIGURATION = """
mode = "paper"
[hedges.bnb]
chain = "bsc"
amm_type = "pancakeswap_v3"
lp_position_ids = [1]
symbol = "BNBUSDT"
"""
# `fails` is called with the engine as soon as there is one; `say` tells the test what it wants to know.
PROGRAM = '''
import asyncio, gc, os, sys, time, warnings
from functools import partial
from bot import cli, compose
from bot.loop_watch import LoopWatch
from bot.notifier import Notifier
from bot.pulse import pulse_file
from bot.stopping import Stopping
from core.errors import InvariantBroken
from core.events import EventKind

def say(*words):
    print("SAYS", *words, flush=True)

async def hang(*_):
    await asyncio.Event().wait()

def hang_at_the_last_word():
    append, cli.Stopping = Notifier.append, partial(Stopping, within_s=1)
    Notifier.append = lambda self, event: hang() if event.kind is EventKind.STOPPED else append(self, event)

watches = []

class LateWatch:
    """The program's own, with a short limit, once something is to block: the start of a busy machine may, too."""

    def watch(self, loop):
        watches.append(partial(LoopWatch(blocked_after_s=2).watch, loop))

{fails}

build_engine, ask_everything_once = compose.build_engine, compose.ask_everything_once

async def asked(settings, *others):
    say("asks", pulse_file(settings.database_path).exists())
    await ask_everything_once(settings, *others)

async def built(*everything, **named):
    engine = await build_engine(*everything, **named)
    fails(engine)
    return engine

compose.ask_everything_once, compose.build_engine = asked, built
compose.LoopWatch = LateWatch
sys.exit(cli.main(["run", *sys.argv[1:]]))
'''
BLOCKS = """
def the_culprit():
    say("gc", gc.isenabled())
    warnings.warn("an old way")
    for watch in watches:
        watch()
    time.sleep(3600)

def fails(engine):
    asyncio.get_running_loop().call_later(1, the_culprit)
"""
FAILS = """
def fails(engine):
    async def run():
        await asyncio.sleep(1)
        raise InvariantBroken("the engine is broken")
    engine.run = run
"""
FAILS_AND_HANGS = f"{FAILS}\nhang_at_the_last_word()\n"
HANGS = """
hang_at_the_last_word()

def fails(engine):
    pass
"""
DIES_BEFORE_IT_HEDGES = """
def fails(engine):
    raise InvariantBroken("what is stored is no memory")
"""
WORKS = """
def fails(engine):
    pass
"""
# Its cycles complete while there is a file of that name.
TURNS = """
import bot.heartbeat
from core.late_hedge import LateHedge

bot.heartbeat.BEAT_S = 0.2
LateHedge.evaluated_at_s = property(lambda self: self._clock.monotonic_s() if os.path.exists("turns") else None)

def fails(engine):
    pass
"""
# Three full megabytes of lines and a begun one.
WRITES = """
import structlog

def fails(engine):
    for number in range(35):
        structlog.get_logger("of_the_test").debug("a long line", number=number, text="x" * 100_000)
    say("wrote")
"""
# As a resolver that nobody answers: each lookup of the node's name takes a thread, which nobody can end.
NAMES_HANG = """
import socket
import bot.pulse

bot.pulse.BEAT_S = 0.2
resolve = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    while host == "node.example":
        time.sleep(3600)
    return resolve(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo

def fails(engine):
    loop = asyncio.get_running_loop()
    engine.lookups = [asyncio.ensure_future(loop.getaddrinfo("node.example", 443)) for _ in range(24)]
"""


@contextmanager
def a_watcher() -> Iterator[tuple[str, list[str]]]:
    """Its address, and the paths asked for so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing to tell."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/ping/s3cret", asked
        finally:
            server.shutdown()


class Program:
    """In a folder of its own; what it writes is kept there."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "lp_hedge.db"
        self.environment: dict[str, str] = {}
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "hedge.toml").write_text(CONFIGURATION)

    def start(self, fails: str, *arguments: str) -> subprocess.Popen[bytes]:
        """In place of the one before, which is killed if it still runs."""
        self.close()
        around = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "PYTHONPATH": str(ROOT),
            "BSC_RPC_URL": NOBODY,
            "BINANCE_FUTURES_URL": NOBODY,
            "LP_HEDGE_DB": str(self.database),
        }
        with (self._folder / "out").open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM.format(fails=fails), *arguments],
                cwd=self._folder,
                env=around | self.environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
            )
        return self._process

    def output(self) -> str:
        return (self._folder / "out").read_text()

    def until(self, probe: Callable[[], object]) -> None:
        ends_s = time.monotonic() + PATIENCE_S
        while not probe():
            assert time.monotonic() < ends_s, self.output()
            time.sleep(0.05)

    def events(self, kind: str) -> list[dict[str, str]]:
        """What was written down of that kind, oldest first; none before the database is ready."""
        if "SAYS asks" not in self.output():
            return []
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as reader:
            rows = reader.execute("SELECT data FROM events WHERE kind = ? ORDER BY seq", (kind,)).fetchall()
        reader.close()
        return [json.loads(data) for (data,) in rows]

    def sign_of_life(self) -> str:
        pulse = pulse_file(self.database)
        return pulse.read_text() if pulse.exists() else ""

    def row_of_starts(self) -> int:
        with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True) as reader:
            (note,) = reader.execute("SELECT value FROM meta WHERE key LIKE 'runs:%'").fetchone()
        reader.close()
        return len(row_of(note).starts)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    made = Program(tmp_path)
    yield made
    made.close()


def test_a_loop_that_is_blocked_ends_the_service(program: Program) -> None:
    """With the stacks and code 1. Before that the last run's sign of life was forgotten, memory is searched for garbage
    again, and Python's own warnings are lines of the log."""
    pulse_file(program.database).write_text(json.dumps({"at_s": SystemClock().monotonic_s(), "items": []}))
    process = program.start(BLOCKS)
    assert process.wait(PATIENCE_S) == 1
    said = program.output()
    assert "the event loop has not turned for 2 s" in said and "in the_culprit" in said
    assert ("SAYS asks False" in said, "SAYS gc True" in said) == (True, True)
    assert re.search(r"^\S+Z WARNING py\.warnings: .*an old way", said, re.MULTILINE)


def test_an_engine_that_ends_by_a_fault_is_said_to_have(program: Program) -> None:
    """In the message of the end, by the code, and on stderr."""
    process = program.start(FAILS)
    assert process.wait(PATIENCE_S) == 1
    assert "lp-hedge: the engine is broken" in program.output()
    assert program.events("stopped") == [{"fault": "yes"}]


@pytest.mark.parametrize(
    ("fails", "words"), [(FAILS_AND_HANGS, "the engine is broken"), (HANGS, "amid hedging")], ids=["fault", "quit"]
)
def test_an_end_that_hangs_is_ended(program: Program, fails: str, words: str) -> None:
    """After a fault as after `quit`, without any signal: code 1, and what was not waited for."""
    process = program.start(fails)
    assert process.stdin is not None
    if fails == HANGS:
        program.until(lambda: program.events("started"))
        process.stdin.write(b"quit\n")
        process.stdin.flush()
    assert process.wait(PATIENCE_S) == 1
    assert words in program.output() and "ended after 1 s" in program.output()


def test_before_any_cycle_was_completed_no_hedge_turns(program: Program) -> None:
    """Its exchange and its node were asked again and again, and nobody answered. Its end by a person ends the row of
    starts."""
    process = program.start(WORKS)
    program.until(lambda: program.output().count("exchange not ready") >= 3)
    program.until(pulse_file(program.database).exists)
    command = [sys.executable, "-m", "bot", "health", "--db", str(program.database)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "The hedges turn" in done.stdout) == (1, False), done
    program.until(lambda: "row of starts" in pulse_file(program.database).read_text())  # its end would be told
    process.terminate()
    assert (process.wait(PATIENCE_S), program.row_of_starts()) == (0, 0), program.output()


def test_the_watcher_outside_hears_of_completed_cycles_alone(program: Program, tmp_path: Path) -> None:
    """Nothing while no cycle completes, then a ping a beat, and nothing again; its address is in no line."""
    with a_watcher() as (url, asked):
        program.environment = {"LP_HEDGE_HEARTBEAT_URL": url}
        program.start(TURNS)
        program.until(lambda: program.output().count("no heartbeat stalled='bnb'") >= 3)
        assert asked == []
        (tmp_path / "turns").touch()
        program.until(lambda: len(asked) >= 3)
        (tmp_path / "turns").unlink()
        missed = program.output().count("no heartbeat")
        program.until(lambda: program.output().count("no heartbeat") >= missed + 3)
        heard = len(asked)
        program.until(lambda: program.output().count("no heartbeat") >= missed + 6)
    assert len(asked) == heard and set(asked) == {"/ping/s3cret"}
    assert "s3cret" not in program.output()


def test_names_that_are_waited_for_keep_nothing_else_waiting(program: Program, telegram: TelegramRig) -> None:
    """While two dozen lookups of a node's name hang, Telegram's is found and the sign of life keeps its pace."""
    program.environment = {
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_OPERATOR_IDS": str(OPERATOR),
        "TELEGRAM_API_URL": telegram.api_url.replace("127.0.0.1", "localhost"),
    }
    program.start(NAMES_HANG)
    assert telegram.wait_message(OPERATOR, "tarted", timeout_s=PATIENCE_S)
    for _ in range(5):
        shown = program.sign_of_life()
        program.until(lambda: program.sign_of_life() != shown)  # noqa: B023 - looked at in this turn alone


def test_the_log_is_as_the_flag_and_the_variables_say(program: Program, tmp_path: Path) -> None:
    """The flag before the variable; the level, the file, how large one becomes and how many older ones stay."""
    program.environment = {
        "LP_HEDGE_LOG_LEVEL": "debug",
        "LP_HEDGE_LOG_FORMAT": "text",
        "LP_HEDGE_LOG_FILE": "kept.log",
        "LP_HEDGE_LOG_FILE_MB": "1",
        "LP_HEDGE_LOG_FILES": "2",
    }
    program.start(WRITES, "--log-format", "json")
    program.until(lambda: "SAYS wrote" in program.output())
    files = sorted(path.name for path in tmp_path.glob("kept.log*"))
    assert files == ["kept.log", "kept.log.1", "kept.log.2"]
    assert all((tmp_path / name).stat().st_size <= 1_000_000 for name in files)
    for text in (program.output(), (tmp_path / "kept.log").read_text()):
        last = json.loads([line for line in text.splitlines() if "of_the_test" in line][-1])
        assert (last["level"], last["event"], last["number"]) == ("DEBUG", "a long line", 34)


def test_one_that_dies_at_each_start_tells_it_all_the_same(program: Program, telegram: TelegramRig) -> None:
    """No start comes so far as to listen; the third and the fourth ring once together."""
    program.environment = {
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_OPERATOR_IDS": str(OPERATOR),
        "TELEGRAM_API_URL": telegram.api_url,
    }
    for _ in range(4):
        assert program.start(DIES_BEFORE_IT_HEDGES).wait(PATIENCE_S) == 1
    assert "what is stored is no memory" in program.output()
    told = [each for each in telegram.messages(OPERATOR) if "again and again" in each.text]
    assert [each.silent for each in told] == [False]


def test_a_service_that_dies_again_and_again_rings_once(program: Program, telegram: TelegramRig) -> None:
    """Dead before it could begin to hedge, and killed; the third start tells it."""
    program.environment = {
        "TELEGRAM_BOT_TOKEN": telegram.token,
        "TELEGRAM_OPERATOR_IDS": str(OPERATOR),
        "TELEGRAM_API_URL": telegram.api_url,
    }
    assert program.start(DIES_BEFORE_IT_HEDGES).wait(PATIENCE_S) == 1
    for starts in (1, 2):
        program.start(WORKS)
        program.until(lambda: len(program.events("started")) == starts)  # noqa: B023 - looked at in this turn alone
    alarm = telegram.wait_message(OPERATOR, "again and again", timeout_s=PATIENCE_S)
    assert not alarm.silent
    assert len(program.events("crash_loop")) == 1
