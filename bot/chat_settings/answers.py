"""What the desk of the settings says, with what may be pressed in answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Choice:
    """`words` come back to the desk when it is pressed. `declines`: nothing is done then."""

    label: str
    words: tuple[str, ...]
    is_danger: bool = False
    declines: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is HTML. `is_question`: it waits for a yes, which holds for a short time only."""

    text: str
    rows: tuple[tuple[Choice, ...], ...] = ()
    is_question: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who asks, where, and when; the same `update_key` twice counts once."""

    label: str
    source: str
    update_key: str | None
    at: datetime


class SettingsDesk(Protocol):
    async def say(self, command: str, args: Sequence[str], speaker: Speaker) -> Answer:
        """What was typed after /set or /alerts."""
        ...

    async def take_up(self, words: Sequence[str], speaker: Speaker) -> Answer:
        """What was pressed: the words of a choice."""
        ...
