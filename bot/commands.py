"""The one table of what an operator can say; help, the chat's command menu and dispatch all come from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.halting import HALT, SHOWN_CHARS, is_meant_as_halt

FRESH_S = 120.0


class Does(StrEnum):
    """How a command is carried out: shown at once, written as a row for the engine, decided at the approval desk, or
    a change of the settings."""

    VIEW = "view"
    QUEUE = "queue"
    DECIDE = "decide"
    SET = "set"


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

    `max_age_s`: an older message is answered "too old, send again"; None: counts at any age. `in_menu`: listed in the
    chat's command menu. `key_row`: the row of the reply keyboard that it stands in; only what shows may.
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
    key_row: int | None = None

    def __post_init__(self) -> None:
        if self.key_row is not None and not self.read_only:
            raise ValueError(f"/{self.name} acts, so it has no place on the keyboard")

    def asks_before(self, args: Sequence[str]) -> bool:
        """Whether it is confirmed first, with these arguments."""
        return self.dangerous or bool(args and args[0].lower() in self.dangerous_words)

    @property
    def read_only(self) -> bool:
        """It only shows: no row, no audit, good at any age."""
        return self.does is Does.VIEW

    @property
    def usage(self) -> str:
        """As one types it, with the slash."""
        return f"/{self.name} {self.args}".rstrip()


COMMANDS: tuple[Command, ...] = (
    Command("status", "[NAME]", "everything on one screen", Does.VIEW, key_row=0),
    Command("pending", "", "hedges that wait for your answer", Does.VIEW, key_row=0),
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
    Command("set", "[NAME] KEY [VALUE|default]", "show or change a setting", Does.SET, max_age_s=FRESH_S),
    Command("alerts", "[KIND loud|silent|off]", "which alerts make a sound", Does.SET, max_age_s=FRESH_S),
    Command("config", "[NAME]", "settings in force and where they come from", Does.VIEW),
    Command("positions", "", "each LP position and the perp", Does.VIEW, key_row=0),
    Command("pnl", "[DAYS]", "what was earned and what it cost", Does.VIEW, key_row=1),
    Command("chart", "[HOURS] [NAME]", "price, range, exposure and short as a picture", Does.VIEW, key_row=1),
    Command("margin", "[NAME]", "what a move to the range's edges needs", Does.VIEW, key_row=1),
    Command("whatif", "PRICE [NAME]", "LP, hedge, margin and liquidation at a price", Does.VIEW),
    Command("report", "", "the daily report, now", Does.VIEW),
    Command("history", "[N] [NAME]", "what happened lately", Does.VIEW, key_row=2),
    Command("health", "", "is every part alive and fresh", Does.VIEW, key_row=2),
    Command("logs", "[N] [LEVEL]", "the program's last log lines", Does.VIEW),
    Command("export", "[DAYS]", "every fill as a CSV file", Does.VIEW),
    Command("version", "", "which program this is", Does.VIEW),
    Command("help", "", "this list", Does.VIEW, key_row=2),
    Command("start", "", "say hello", Does.VIEW, in_menu=False),
)

BY_NAME = {command.name: command for command in COMMANDS}


def keyboard() -> tuple[tuple[str, ...], ...]:
    """The reply keyboard: rows of commands that only show."""
    rows = sorted({command.key_row for command in COMMANDS if command.key_row is not None})
    return tuple(tuple(f"/{command.name}" for command in COMMANDS if command.key_row == row) for row in rows)


def menu() -> tuple[tuple[str, str], ...]:
    """(name, description) for the chat's command menu."""
    return tuple((command.name, command.summary) for command in COMMANDS if command.in_menu)


def is_meant_as_command(answer: str) -> bool:
    """Whether what was typed in answer to a question is a command all the same: by its slash, and whatever begins with
    `halt`. Nothing is guessed: `half` may well be the answer."""
    return answer.lstrip().lower().startswith(("/", HALT))


@dataclass(frozen=True, slots=True)
class Call:
    """One line an operator typed, taken apart; `command` is None when no such command exists.

    A word that is no command but nearly `halt` is one: a needless halt is undone by a word, a missed one is not.
    """

    word: str
    command: Command | None
    args: tuple[str, ...]

    @property
    def remark(self) -> str:
        """How its first word was understood, where that is not as it was typed."""
        guessed = self.command is not None and self.word != self.command.name
        return f"I took {self.word[:SHOWN_CHARS]!r} for /{HALT}. " if guessed else ""


def parse(text: str) -> Call:
    """`/status`, `status`, `/status@some_bot` and any case mean the same; arguments are split at white space."""
    words = text.strip().lstrip("/").split()
    word = words[0].partition("@")[0].lower() if words else ""
    command = BY_NAME.get(HALT if word not in BY_NAME and is_meant_as_halt(word) else word)
    return Call(word, command, tuple(words[1:]))
