"""Plays two days of the demo and keeps what the phone showed: `python -m tests.pictures [FOLDER]`."""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import structlog

from tests.pictures.phone import Bubble, chat_svg
from tests.pictures.stage import OPERATOR, POLL_S, Stage, open_stage
from tests.rigs.telegram import Message

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
LOOKS = {
    "status": "/status",
    "whatif": "/whatif 1900",
    "margin": "/margin",
    "pnl": "/pnl 2",
    "report": "/report",
    "chart": "/chart 24",
    "positions": "/positions",
    "history": "/history 8",
    "health": "/health",
    "alerts": "/alerts",
    "help": "/help",
}
PHOTOS = ("pnl", "chart")
PROPOSAL_BUTTONS = ["Approve", "Reject"]


class Album:
    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, name: str, *bubbles: Bubble, pinned: str = "") -> None:
        path = self._folder / f"{name}.svg"
        path.write_text(chat_svg(bubbles, pinned=pinned), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")

    async def keep_photo(self, name: str, *args: str) -> None:
        reply = await self._stage.office.views.show(name, args)
        if reply.attachment is not None and reply.attachment.photo:
            (self._folder / f"{name}.png").write_bytes(reply.attachment.content)
            print(f"{name}.png: {len(reply.attachment.content) / 1000:.0f} kB")

    def said(self, text: str) -> Bubble:
        entities = ({"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])},)
        return Bubble(text, entities if text.startswith("/") else (), f"{self._stage.clock.now():%H:%M}", mine=True)

    def shown(self, message: Message, revision: int = -1) -> Bubble:
        """As it looked: `revision` 0 before any edit, -1 now."""
        look = message.revisions[revision]
        answered = next((m for m in self._stage.rig.world.messages if m.message_id == message.reply_to), None)
        quoted = answered.text.partition("\n")[0] if answered else ""
        at = self._stage.seen_at.get(message.message_id, f"{self._stage.clock.now():%H:%M}")
        return Bubble(look.text, look.entities, at, buttons=look.keyboard, quoted=quoted)


async def main(folder: Path) -> None:
    numbers = itertools.count(0x5EED)
    # The same names for the same things each time, so that two makings can be compared.
    names = patch("secrets.token_hex", lambda count: f"{next(numbers) * 2654435761 % 2**32:0{2 * count}x}"[: 2 * count])
    with tempfile.TemporaryDirectory() as database, names:
        async with open_stage(Path(database)) as stage:
            album = Album(stage, folder)
            await _proposal(stage, album)
            await stage.let_pass(timedelta(hours=26))
            await _looks(stage, album)
            await _setting(stage, album)
            await _outage(stage, album)
            _board(stage, album)


async def _proposal(stage: Stage, album: Album) -> None:
    def asked() -> list[Message]:
        return [message for message in stage.rig.messages(OPERATOR) if message.labels == PROPOSAL_BUTTONS]

    await stage.turn()
    proposal = (await stage.until(asked))[-1]
    album.keep("proposal", album.shown(proposal))
    await stage.pressed(proposal, "Approve")
    await stage.clock.sleep(2)
    outcome = await stage.until(lambda: [m for m in stage.rig.messages(OPERATOR) if m.reply_to == proposal.message_id])
    await stage.until(lambda: len(proposal.revisions) > 1)
    for _ in range(4):
        await stage.turn()
        await stage.clock.sleep(2)
    outcome = [m for m in stage.rig.messages(OPERATOR) if m.reply_to == proposal.message_id]
    album.keep("approved", album.shown(proposal), *(album.shown(message) for message in outcome))


async def _looks(stage: Stage, album: Album) -> None:
    for name, command in LOOKS.items():
        answers = await stage.asked(command)
        if name in PHOTOS:
            await album.keep_photo(name, *command.split()[1:])
        shown = [album.shown(answer) for answer in answers if answer.text]
        album.keep(name, album.said(command), *shown)


async def _setting(stage: Stage, album: Album) -> None:
    command = "/set eth delta_band_quote 250"
    asked = album.said(command)
    (question, *_) = await stage.asked(command)
    bubbles = [asked, album.shown(question)]
    if question.labels:
        await stage.pressed(question, question.labels[0])
        await stage.until(lambda: len(question.revisions) > 1)
        bubbles.append(album.shown(question))
    album.keep("set", *bubbles)


async def _outage(stage: Stage, album: Album) -> None:
    stage.node.silent = True
    alert = await stage.until_happens("chain", within=timedelta(minutes=20))
    for _ in range(16):
        await stage.turn()
        await stage.clock.sleep(POLL_S)
    stage.node.silent = False
    recovery = await stage.until_happens("", within=timedelta(minutes=20))
    album.keep("alert", album.shown(alert), album.shown(recovery))


def _board(stage: Stage, album: Album) -> None:
    """The message as it is pinned, and the bar that it makes at the top of the chat."""
    for board in (message for message in stage.rig.messages(OPERATOR) if message.pinned):
        album.keep("board", album.shown(board), pinned=board.text.partition("\n")[0])


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES))
