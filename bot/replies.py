"""What passes between a front end and the operator's service: who speaks, and what to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
class Attachment:
    """`photo`: shown as a picture (PNG), else sent as a file. `name`: the file's, with its ending."""

    name: str
    content: bytes
    photo: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """`html`: the text is Telegram HTML, else plain. `buttons` are rows. May be longer than one chat message.

    `attachment`: the text is then its caption, or a message after it when too long for one. `asks`: the reader's next
    message is to be an answer to this one (no buttons then); holds the hint shown in the input field.
    """

    text: str
    html: bool
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachment: Attachment | None = None
    asks: str = ""


@dataclass(frozen=True, slots=True)
class PressResult:
    """`toast`: at most 200 characters, for the press's answer. `edited`: replaces the message that held the button,
    its buttons included; None leaves it as it is. `said`: a new message in answer to that one."""

    toast: str
    edited: Reply | None = None
    said: Reply | None = None


def offer_buttons(offer_id: str, *, asks_about_departed: bool) -> tuple[tuple[Button, ...], ...]:
    """Close and Keep only where BASE has left: else there is nothing they could mean."""
    follow = Button("Follow", f"follow:{offer_id}", "success")
    if not asks_about_departed:
        return ((follow,),)
    return ((follow, Button("Close", f"close:{offer_id}", "danger"), Button("Keep", f"keep:{offer_id}")),)


def approval_buttons(approval_id: str) -> tuple[tuple[Button, ...], ...]:
    """On one row; their data is what the operator's service takes when they are pressed."""
    return (
        (
            Button("Approve", f"approve:{approval_id}", "success"),
            Button("Reject", f"reject:{approval_id}", "danger"),
        ),
    )
