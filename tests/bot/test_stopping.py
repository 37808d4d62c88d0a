"""The end when it is asked for, whatever hangs, and the end of a process whose event loop is stuck: real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
Start = Callable[[str], "subprocess.Popen[str]"]
# What each child does once it heeds signals; it says so by a line.
STUCK_AT_THE_END = """
async def work():
    stopping.now("hedging", at_stake={at_stake})
    say("up")
    try:
        await asyncio.Event().wait()
    finally:
        say("ending")
        await asyncio.shield(asyncio.sleep(3600))
        raise AssertionError
"""
BLOCKED = """
async def work():
    stopping.now("hedging", at_stake=True)
    say("up")
    time.sleep(3600)
"""
POLITE = """
async def work():
    stopping.now("hedging", at_stake=True)
    say("up")
    try:
        await asyncio.Event().wait()
    finally:
        stopping.now("its last messages", at_stake=False)
        say("ended")
"""
IN_A_THREAD = """
async def besides(alone=work):
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)
    await alone()

work = besides
"""
CHILD = """
import asyncio, sys, time
from bot.stopping import Stopping

def say(text):
    print(text, flush=True)

(stopping := Stopping(within_s={within_s})).heed()
{work}
{before}
asyncio.run(stopping.run(work()))
"""


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs a text as a program; whatever still runs in the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def run(text: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipe = subprocess.PIPE
        children.append(
            subprocess.Popen([sys.executable, "-c", text], stdout=pipe, stderr=pipe, text=True, env=environment)
        )
        return children[-1]

    yield run
    for child in children:
        child.kill()
        child.communicate()


def child_of(work: str, *, within_s: float = 0.5, before: str = "") -> str:
    return CHILD.format(work=work, within_s=within_s, before=before)


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def end_of(child: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it left on stderr."""
    said = child.communicate(timeout=PATIENCE_S)[1]
    return child.returncode, said


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_ends_by_itself(start: Start, name: signal.Signals) -> None:
    """Its last word is said, nothing is forced."""
    child = start(child_of(POLITE, within_s=PATIENCE_S))
    assert line_of(child) == "up"
    child.send_signal(name)
    assert line_of(child) == "ended"
    assert end_of(child) == (0, "")


@pytest.mark.parametrize(("at_stake", "code", "words"), [(True, 1, "may still rest"), (False, 0, "Nothing is lost")])
def test_what_hangs_is_not_waited_for(start: Start, at_stake: bool, code: int, words: str) -> None:
    """It says what it was amid, and its code says whether something was left."""
    child = start(child_of(STUCK_AT_THE_END.format(at_stake=at_stake)))
    assert line_of(child) == "up"
    child.terminate()
    ended, said = end_of(child)
    assert (ended, "ended after 0.5 s, amid hedging" in said, words in said) == (code, True, True)


def test_a_blocked_loop_is_not_waited_for_either(start: Start) -> None:
    """The signal is taken by a thread."""
    child = start(child_of(BLOCKED))
    assert line_of(child) == "up"
    child.terminate()
    assert end_of(child)[0] == 1


def test_a_thread_that_cannot_be_ended_keeps_no_end_back(start: Start) -> None:
    """Such as one that waits for a name: all else is done, so nothing is lost."""
    child = start(child_of(POLITE, before=IN_A_THREAD))
    assert line_of(child) == "up"
    child.terminate()
    assert line_of(child) == "ended"
    ended, said = end_of(child)
    assert (ended, "amid its last messages. Nothing is lost." in said) == (0, True)


def test_a_second_signal_ends_at_once(start: Start) -> None:
    """However long the first would be given."""
    child = start(child_of(STUCK_AT_THE_END.format(at_stake=True), within_s=3600))
    assert line_of(child) == "up"
    child.terminate()
    assert line_of(child) == "ending"
    child.send_signal(signal.SIGINT)
    ended, said = end_of(child)
    assert (ended, "ended at once" in said) == (1, True)


def test_before_anything_began_it_ends_as_it_is(start: Start) -> None:
    """Between the start of the process and its event loop, also in the middle of a long import: code 0."""
    child = start(child_of(POLITE, before='say("starting"); time.sleep(3600)'))
    assert line_of(child) == "starting"
    child.terminate()
    ended, said = end_of(child)
    assert (ended, "amid its start. Nothing is lost." in said) == (0, True)


UNWRITTEN = "stopping.unwritten = lambda: 3"


def test_what_was_not_written_down_is_something_lost(start: Start) -> None:
    """Though nothing was at stake: it says how much, and its code is 1."""
    child = start(child_of(STUCK_AT_THE_END.format(at_stake=False), before=UNWRITTEN))
    assert line_of(child) == "up"
    child.terminate()
    ended, said = end_of(child)
    assert (ended, "3 of the events and messages were not written down." in said) == (1, True)


STUCK = """
import asyncio, re, time
from bot.loop_watch import LoopWatch

def the_culprit():
    {blocks}

async def main():
    LoopWatch(blocked_after_s={after_s}).watch(asyncio.get_running_loop())
    await asyncio.sleep({turns_s})
    the_culprit()

asyncio.run(main())
print("fine")
"""


@pytest.mark.parametrize(
    "blocks", ["time.sleep(3600)", "re.match(r'(a+)+$', 'a' * 60 + 'b')"], ids=["waits", "computes"]
)
def test_a_loop_that_does_not_turn_is_ended_with_its_stacks(start: Start, blocks: str) -> None:
    """A call that waits, and one that lets no other thread run; both show where. Code 1, for the service manager."""
    child = start(STUCK.format(blocks=blocks, after_s=1, turns_s=0))
    ended, said = end_of(child)
    assert ended == 1 and "in the_culprit" in said


def test_a_loop_that_turns_is_left_alone(start: Start) -> None:
    """Also after the process was stopped for longer than that, and went on."""
    child = start(STUCK.format(blocks="pass", after_s=1.5, turns_s=4))
    time.sleep(1)
    child.send_signal(signal.SIGSTOP)
    time.sleep(2)
    child.send_signal(signal.SIGCONT)
    assert end_of(child) == (0, "")
