"""The operator's console in the terminal: the same commands as the chat, and the messages as they come.

A program that runs for days must not depend on its terminal: when the input ends or the output is gone, the console
falls silent and nothing else happens. Only `quit` ends `run`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import sys
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TextIO

from bot import owners_file
from bot.commands import BY_NAME, parse
from bot.operator import Actor, Button, OperatorService, Reply
from bot.rendering.markup import plain
from bot.replies import Attachment
from core.cancellation import until_one_ends
from core.clock import Clock
from core.errors import LpHedgeError
from core.ports import Delivery, Outbox, OutboxMessage

SOURCE = "terminal"
ACTOR = Actor("terminal", "terminal")
ENDINGS = frozenset({"quit", "exit", "q"})
CONSOLE_CHAT = 0
OUTBOX_POLL_S = 0.3
BACKGROUND_POLL_S = 1.0
MOST_BYTES = 65536
MOST_COPIES = 1000
BATCH = 50
# Of these the message itself says what to type, or the same command shows it again.
WITH_TYPED_TWIN = ("approve:", "reject:")
NEEDLESS = (*WITH_TYPED_TWIN, "view:")
# A message that comes by itself must not take the number of a question that is being answered.
FIRST_STANDING = 101
MOST_STANDING = 30
QUIT = "quit: end the program"
PROPOSAL_ID = re.compile(r"^ID \w+$", re.MULTILINE)
WELCOME = "Type status, pending, approve ID, reject ID, halt or help; quit ends the program."


class Terminal:
    """Lines in without blocking the loop, text out. `fd` None: there is no input."""

    def __init__(self, fd: int | None, out: TextIO, clock: Clock) -> None:
        self._fd = fd
        self._out = out
        self._clock = clock
        self._gone = False

    @classmethod
    def standard(cls, clock: Clock) -> Terminal:
        """Standard input and output; copes with a closed input."""
        try:
            fd = sys.stdin.fileno()
        except (AttributeError, ValueError, OSError):
            fd = None
        return cls(fd, sys.stdout, clock)

    def write(self, text: str) -> bool:
        """False once the terminal is gone; it is then not written to any more."""
        if self._gone:
            return False
        try:
            self._out.write(f"{text}\n")
            self._out.flush()
        except (OSError, ValueError):
            self._gone = True
        return not self._gone

    async def lines(self) -> AsyncGenerator[str, None]:
        """Ends when the input does."""
        kept = b""
        while self._fd is not None and (chunk := await self._chunk(self._fd)):
            *whole, kept = (kept + chunk).split(b"\n")
            kept = kept[-MOST_BYTES:]
            for line in whole:
                yield line.decode(errors="replace").strip()
        if kept:
            yield kept.decode(errors="replace").strip()

    async def _chunk(self, fd: int) -> bytes:
        try:
            await _readable(fd)
            while _in_background(fd):  # Reading now would stop the whole process.
                await self._clock.sleep(BACKGROUND_POLL_S)
            return os.read(fd, 4096)
        except OSError:
            return b""


class Console:
    """`outbox` None: messages go elsewhere, the console only answers what is typed."""

    def __init__(
        self,
        *,
        operator: OperatorService,
        outbox: Outbox | None,
        clock: Clock,
        terminal: Terminal,
        actor: Actor = ACTOR,
    ) -> None:
        self._operator = operator
        self._outbox = outbox
        self._clock = clock
        self._terminal = terminal
        self._actor = actor
        self._choices: tuple[Button, ...] = ()
        self._standing: dict[str, Button] = {}
        self._numbers = itertools.count(FIRST_STANDING)
        self._shown = 0
        self._last_text = ""
        # By the message that is edited, the lines that its edits have brought.
        self._edited: dict[str, set[str]] = {}

    async def run(self) -> None:
        """Returns when someone types `quit`; else goes on until cancelled, also without an input."""
        self._terminal.write(WELCOME)
        await until_one_ends(self._show_messages(), self._listen())

    async def _listen(self) -> None:
        async for line in self._terminal.lines():
            if line.removeprefix("/").lower() in ENDINGS:
                return
            if line:
                await self.obey(line)
        self._terminal.write("(no more input here; Ctrl-C ends the program)")
        await asyncio.Event().wait()

    async def obey(self, line: str) -> None:
        """One typed line that is not empty."""
        try:
            button = self._chosen(line)
            if button is not None:
                await self._press(button)
            else:
                self._show(await self._submit(line))
                if parse(line).word == "help":
                    self._terminal.write(QUIT)
        except LpHedgeError as error:
            self._terminal.write(f"That did not work: {error}")

    async def _submit(self, line: str) -> Reply:
        return await self._operator.submit(
            line, actor=self._actor, source=SOURCE, update_key=None, issued_at=self._clock.now()
        )

    async def _press(self, button: Button) -> None:
        self._choices = ()
        result = await self._operator.press(button.data, actor=self._actor, update_key=None, at=self._clock.now())
        shown = result.said or result.edited
        if shown is not None:
            self._show(shown)
        elif result.toast:
            self._terminal.write(result.toast)

    def _chosen(self, line: str) -> Button | None:
        """The button meant by its number or its label, of the last question asked; a command's own name is the command,
        what only resembles `halt` may be a label.

        Buttons of messages keep their numbers; whoever comes too late with one is told so.
        """
        word = line.lower()
        if parse(word).word in BY_NAME:
            return None
        for number, button in enumerate(self._choices, start=1):
            label = button.label.lower()
            if word in (str(number), label) or (label in ("yes", "no") and word == label[0]):
                return button
        return self._standing.get(word)

    def _show(self, reply: Reply) -> None:
        buttons = itertools.chain.from_iterable(reply.buttons)
        self._choices = tuple(button for button in buttons if not button.data.startswith(NEEDLESS))
        self._terminal.write(_plain_text(reply))
        if reply.attachment is not None:
            self._terminal.write(written(reply.attachment))
        for number, button in enumerate(self._choices, start=1):
            self._terminal.write(f"  {number}) {button.label}")

    async def _show_messages(self) -> None:
        while True:
            await self.show_due()
            await self._clock.sleep(OUTBOX_POLL_S)

    async def show_due(self) -> None:
        """Each message is done with once it was shown; with the terminal gone they stay for the next run."""
        if self._outbox is None:
            return
        for message in await self._outbox.due(self._clock.now(), BATCH):
            text = self._news(message)
            # What was shown already comes back as the last text.
            if text != self._last_text and not self._terminal.write(text):
                return
            if text != self._last_text:
                self._list_buttons(message)
            self._last_text = text
            self._shown += 1
            await self._outbox.record_delivery(message.key, Delivery(CONSOLE_CHAT, self._shown))
            await self._outbox.finish(message.key, self._clock.now())

    def _news(self, message: OutboxMessage) -> str:
        """An edit repeats what the one before it brought, and a reply that it is followed by too: here each of its
        lines comes once, with the proposal's ID."""
        text = message_text(message)
        if message.edits is None:
            is_known = self._edited.get(message.replies_to or "", set()).issuperset(text.splitlines())
            return self._last_text if is_known else text
        fresh = self._fresh_lines(message.edits, text)
        return "\n".join([*_ids(message), *fresh]) if fresh else self._last_text

    def _fresh_lines(self, edited_key: str, text: str) -> list[str]:
        """Those that no edit of that message has brought yet; from now on this one has."""
        known = self._edited.setdefault(edited_key, set())
        fresh = [line for line in text.splitlines() if line not in known]
        known.update(fresh)
        for key in list(self._edited)[:-MOST_STANDING]:
            del self._edited[key]
        return fresh

    def _list_buttons(self, message: OutboxMessage) -> None:
        for label, data, _style in itertools.chain.from_iterable(message.buttons):
            if not data.startswith(NEEDLESS):
                number = str(next(self._numbers))
                self._standing[number] = Button(label, data)
                self._terminal.write(f"  {number}) {label}")
        for number in list(self._standing)[:-MOST_STANDING]:
            del self._standing[number]


def written(attachment: Attachment) -> str:
    """Keeps it as a file of the owner's alone, a picture out of the way, and says where. Overwrites nothing."""
    temporary = Path(tempfile.gettempdir())
    for folder in (temporary,) if attachment.photo else (Path.cwd(), temporary):
        if (path := _written_in(folder, attachment)) is not None:
            return f"Written to {path}"
    return f"{attachment.name} could not be written to {temporary}."


def _written_in(folder: Path, attachment: Attachment) -> Path | None:
    """Under the first name that is free there; None when the folder does not take it."""
    name, dot, ending = attachment.name.rpartition(".")
    for number in range(1, MOST_COPIES):
        path = folder / (f"{name}-{number}{dot}{ending}" if number > 1 else attachment.name)
        try:
            with owners_file.create(path) as file:
                file.write(attachment.content)
            return path
        except FileExistsError:
            continue
        except OSError:
            return None
    return None


def message_text(message: OutboxMessage) -> str:
    """An outbox message for the terminal; of an edit only the news, its last paragraph."""
    text = _plain_text(message)
    if message.edits is not None:
        return text.rpartition("\n\n")[2]
    buttons = itertools.chain.from_iterable(message.buttons)
    twins = [data.replace(":", " ") for _, data, _ in buttons if data.startswith(WITH_TYPED_TWIN)]
    return f"{text}\nType: {' / '.join(twins)}" if twins else text


def _ids(message: OutboxMessage) -> list[str]:
    return PROPOSAL_ID.findall(_plain_text(message))


def _plain_text(said: Reply | OutboxMessage) -> str:
    return plain(said.text) if said.html else said.text


def _in_background(fd: int) -> bool:
    """True when this process runs in the background of the terminal behind `fd`."""
    try:
        return os.tcgetpgrp(fd) != os.getpgrp()
    except OSError:
        return False


async def _readable(fd: int) -> None:
    """Wait until a read will not block; a plain file never does."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    try:
        loop.add_reader(fd, _wake, ready)
    except PermissionError:
        return
    try:
        await ready
    finally:
        loop.remove_reader(fd)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
