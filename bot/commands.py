"""The one table of what an operator can say; help, the chat's command menu and dispatch all come from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

FRESH_S = 120.0


class Does(StrEnum):
    """How a command is carried out: shown at once, written as a row for the engine, or decided at the approval desk."""

    VIEW = "view"
    QUEUE = "queue"
    DECIDE = "decide"


class Needs(StrEnum):
    """What the first argument of a queued command names. `POSITION`: a position's number, or a word and a hedge."""

    NOTHING = "nothing"
    HEDGE = "hedge"
    ANY_HEDGE = "any_hedge"
    POSITION = "position"


@dataclass(frozen=True, slots=True)
class Command:
    """`args` as help prints them. `dangerous`: asks once more before it acts; `dangerous_words`: only with one of
    these as the first argument.

    `max_age_s`: an older message is answered "too old, send again"; None: counts at any age.
    `in_menu`: listed in the chat's command menu.
    """

    name: str
    args: str
    summary: str
    does: Does
    needs: Needs = Needs.NOTHING
    dangerous: bool = False
    max_age_s: float | None = None
    in_menu: bool = True
    dangerous_words: tuple[str, ...] = ()

    def asks_before(self, args: Sequence[str]) -> bool:
        return self.dangerous or bool(args and args[0].lower() in self.dangerous_words)

    @property
    def read_only(self) -> bool:
        return self.does is Does.VIEW

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.args}".rstrip()


COMMANDS: tuple[Command, ...] = (
    Command("status", "", "everything on one screen", Does.VIEW),
    Command("pending", "", "hedges that wait for your answer", Does.VIEW),
    Command("approve", "ID", "let a proposed hedge happen", Does.DECIDE, max_age_s=FRESH_S),
    Command("reject", "ID [reason]", "refuse a proposed hedge", Does.DECIDE, max_age_s=FRESH_S),
    Command("hedge", "[NAME]", "trade to the target now", Does.QUEUE, Needs.HEDGE, dangerous=True, max_age_s=FRESH_S),
    Command("pause", "[NAME]", "no new trades, the short stays", Does.QUEUE, Needs.ANY_HEDGE, max_age_s=FRESH_S),
    Command("resume", "[NAME]", "hedge again", Does.QUEUE, Needs.ANY_HEDGE, max_age_s=FRESH_S),
    Command("halt", "[NAME]", "stop everything at once, no order of any kind", Does.QUEUE, Needs.ANY_HEDGE),
    Command(
        "flatten",
        "[NAME]",
        "close the whole short and halt",
        Does.QUEUE,
        Needs.HEDGE,
        dangerous=True,
        max_age_s=FRESH_S,
    ),
    Command(
        "adopt",
        "[NAME] [LONG|SHORT]",
        "take the venue's position as ours",
        Does.QUEUE,
        Needs.HEDGE,
        dangerous=True,
        max_age_s=FRESH_S,
    ),
    Command(
        "follow",
        "ID | keep [NAME] | close [NAME]",
        "hedge this LP position too; keep or close the short for what left",
        Does.QUEUE,
        Needs.POSITION,
        max_age_s=FRESH_S,
        dangerous_words=("close",),
    ),
    Command("positions", "", "each LP position and the perp", Does.VIEW),
    Command("history", "[N]", "what happened lately", Does.VIEW),
    Command("config", "[NAME]", "settings in force and where they come from", Does.VIEW),
    Command("health", "", "is every part alive and fresh", Does.VIEW),
    Command("version", "", "which program this is", Does.VIEW),
    Command("help", "", "this list", Does.VIEW),
    Command("start", "", "say hello", Does.VIEW, in_menu=False),
)

BY_NAME = {command.name: command for command in COMMANDS}


def menu() -> tuple[tuple[str, str], ...]:
    """(name, description) for the chat's command menu."""
    return tuple((command.name, command.summary) for command in COMMANDS if command.in_menu)


@dataclass(frozen=True, slots=True)
class Call:
    """One line an operator typed, taken apart; `command` is None when no such command exists."""

    word: str
    command: Command | None
    args: tuple[str, ...]


def parse(text: str) -> Call:
    """`/status`, `status`, `/status@some_bot` and any case mean the same; arguments are split at white space."""
    words = text.split()
    word = words[0].removeprefix("/").partition("@")[0].lower() if words else ""
    return Call(word, BY_NAME.get(word), tuple(words[1:]))
