"""The secrets that the rigs hand out, and a trap that is set over the whole suite: they must turn up nowhere.

Searched are log records with their tracebacks, the program's errors, what is printed, every file that a test leaves
behind, everything that was sent to a chat, and the titles of the program's processes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rigs.telegram.rig import TOKEN
from tests.rigs.telegram.world import World
from tests.rigs.venue.gate import Credentials

# Part of the address of a node, as its provider sells it.
NODE_KEY = "v3/0123456789-key-of-a-node-provider"
SECRETS = {
    "the bot's token": TOKEN,
    "the exchange's key": Credentials().key,
    "the exchange's secret": Credentials().secret,
    "the node's key": NODE_KEY,
}
# What the operator wrote, secrets included.
WRITTEN_BY_OPERATOR = frozenset({"hedge.toml", ".env"})


def secrets_in(text: str) -> list[str]:
    """Names of the secrets that a text holds, plain or with its colon percent-encoded."""
    return [name for name, secret in SECRETS.items() if secret in text or secret.replace(":", "%3A") in text]


class SecretsTrap(logging.Handler):
    """A handler for the root logger, and a place where other watchers bring what they saw."""

    def __init__(self) -> None:
        super().__init__()
        self._found: list[str] = []
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.look(f"the log of {record.name}", self.format(record))

    @contextmanager
    def behind(self, redactor: logging.Filter) -> Iterator[None]:
        """For a level that the program itself never writes without its filter: what is left after it is looked at."""
        self.addFilter(redactor)
        try:
            yield
        finally:
            self.removeFilter(redactor)

    def look(self, where: str, text: str) -> None:
        self._found += [f"{name} in {where}" for name in secrets_in(text)]

    def look_at_files(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file() and path.name not in WRITTEN_BY_OPERATOR:
                self.look(path.name, path.read_bytes().decode("utf-8", errors="replace"))

    def look_at_chats(self, worlds: Iterable[World]) -> None:
        """Whatever the bot sent, answers to presses, file names and contents included."""
        for world in worlds:
            for call in world.calls:
                self.look(f"a {call.method} to Telegram", str(call.values))

    def look_at_process(self, pid: int) -> None:
        for title in _titles(pid):
            self.look("a process title", title)

    def take(self) -> list[str]:
        """What was found since the last call."""
        found, self._found = list(dict.fromkeys(self._found)), []
        return found


def _titles(pid: int) -> Iterator[str]:
    process = Path(f"/proc/{pid}")
    for path in (process / "cmdline", *process.glob("task/*/comm")):
        try:
            yield path.read_bytes().decode("utf-8", errors="replace")
        except OSError:  # it has just ended
            continue


TRAP = SecretsTrap()
