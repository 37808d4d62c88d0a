"""Rules for the whole suite: nothing leaves this machine, no secret turns up anywhere, and Hypothesis finds the same
examples every time."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from core.errors import LpHedgeError
from tests.rigs.secrets import TRAP
from tests.rigs.telegram.world import WORLDS

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", ""})


def _refuse_the_internet(event: str, args: tuple[object, ...]) -> None:
    """An audit hook, because it sees every library's connections, compiled ones too."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name not in LOOPBACK_HOSTS and not name.startswith("127."):
        raise PermissionError(f"tests may speak to this machine only, not to {name}")


sys.addaudithook(_refuse_the_internet)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def no_secret_turns_up(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test shows on purpose, its own invented secrets, are not the rigs'."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    WORLDS.clear()
    TRAP.take()
    yield
    if folder is not None:
        TRAP.look_at_files(folder)
    TRAP.look_at_chats(WORLDS)
    assert TRAP.take() == []


@pytest.fixture(autouse=True, scope="session")
def the_trap_is_set() -> Iterator[None]:
    """In the root logger, in the making of every error of the program, and in what tests read of its output."""
    made, read = LpHedgeError.__init__, pytest.CaptureFixture.readouterr

    def make(error: LpHedgeError, *args: object, **details: object) -> None:
        made(error, *args, **details)
        TRAP.look(f"a {type(error).__name__}", str(error))

    def read_too(capture: pytest.CaptureFixture[str]) -> object:
        output = read(capture)
        TRAP.look("the output", f"{output.out}{output.err}")
        return output

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LpHedgeError, "__init__", make)
        patch.setattr(pytest.CaptureFixture, "readouterr", read_too)
        logging.getLogger().addHandler(TRAP)
        yield
        logging.getLogger().removeHandler(TRAP)
