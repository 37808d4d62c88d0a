"""What an operator can ask and answer, the same for chat and terminal.

A front end passes on what was typed or pressed and shows what comes back; it decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

BUTTON_DATA_BYTES = 64
TOAST_CHARS = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """Who speaks. `id` is unique and stable (the chat's numeric user id), `name` is for people."""

    id: str
    name: str

    @property
    def label(self) -> str:
        """What rows and events keep: "Anna (4711)"."""
        return f"{self.name} ({self.id})" if self.name != self.id else self.id


@dataclass(frozen=True, slots=True)
class Button:
    """`data` is at most 64 bytes: a verb and an opaque id, never an index."""

    label: str
    data: str
    style: Literal["success", "danger", ""] = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """`html`: the text is Telegram HTML, else plain. `buttons` are rows. May be longer than one chat message."""

    text: str
    html: bool
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class PressResult:
    """`toast`: at most 200 characters, for the press's answer. `edited`: replaces the message that held the button,
    its buttons included; None leaves it as it is."""

    toast: str
    edited: Reply | None = None


class OperatorService:
    async def submit(self, text: str, *, actor: Actor, source: str, update_key: str | None, issued_at: datetime) -> Reply:
        """Answer one typed line. The same `update_key` twice acts once. Returns within about two seconds."""
        raise NotImplementedError

    async def press(self, data: str, *, actor: Actor, update_key: str | None, at: datetime) -> PressResult:
        """Answer one pressed button. `at` is when the press arrived (a press carries no time of its own)."""
        raise NotImplementedError
