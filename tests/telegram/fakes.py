"""A scripted operator's service: what the chat layer passes on, and answers worth showing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.replies import Actor, Button, PressResult, Reply

PROPOSAL = Reply(
    "<b>Hedge?</b> sell 1.5 &amp; wait",
    html=True,
    buttons=((Button("✅ Approve", "approve:a1", "success"), Button("Reject", "reject:a1", "danger")),),
)


@dataclass(frozen=True)
class Heard:
    text: str
    actor: Actor
    update_key: str | None
    at: datetime
    in_answer_to: str | None


@dataclass
class ScriptedOperator:
    """Answers `replies[text]`, else an echo; decides the proposal once, by whoever is first.

    `shows`: what a press on that data shows in place of the pressed message. `toast`: in place of its own words.
    """

    replies: Mapping[str, Reply] = field(default_factory=lambda: {"/status": PROPOSAL})
    slow: Mapping[str, float] = field(default_factory=dict)
    shows: Mapping[str, Reply] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    pressed: list[str] = field(default_factory=list)
    decided: str = ""
    toast: str = ""

    def texts(self) -> list[str]:
        return [heard.text for heard in self.heard]

    async def submit(
        self,
        text: str,
        *,
        actor: Actor,
        source: str,
        update_key: str | None,
        issued_at: datetime,
        in_answer_to: str | None = None,
    ) -> Reply:
        await asyncio.sleep(self.slow.get(text, 0.0))
        if text == "/version":
            raise RuntimeError(f"a bug that knows {actor.name}")
        self.heard.append(Heard(text, actor, update_key, issued_at, in_answer_to))
        return self.replies.get(text, Reply(f"heard {text}", html=False))

    async def press(self, data: str, *, actor: Actor, update_key: str | None, at: datetime) -> PressResult:
        self.pressed.append(data)
        if data in self.shows:
            return PressResult("Updated", self.shows[data])
        first = not self.decided
        if first:
            self.decided = data.partition(":")[0]
        shown = Reply(f"Hedge? sell 1.5\n{self.decided} by {actor.name}", html=False)
        return PressResult(self.toast or ("done" if first else "already decided"), shown)
