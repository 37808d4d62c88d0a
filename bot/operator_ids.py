"""The numeric ids of who writes to the bot: nobody knows their own by heart. Shown at the machine, nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.console import Terminal
from bot.env_file import set_variable
from bot.environment import Surroundings
from bot.rendering.markup import clip
from core.cancellation import until_one_ends
from core.clock import Clock
from core.errors import Transient

if TYPE_CHECKING:
    from bot.telegram.preflight import Writer

LISTEN_S = 180.0
GLANCE_S = 3.0
AGAIN_S = 2.0
TRIES = 3
NAME_UNITS = 64
VARIABLE = "TELEGRAM_OPERATOR_IDS"
NOBODY = "Nobody wrote to the bot. Open it in Telegram, press Start, and run `lp-hedge init --telegram` again."


@dataclass(frozen=True, slots=True)
class Search:
    """`has_person`: somebody sits at the terminal, can end the search with Enter and choose among what was found."""

    around: Surroundings
    env_file: Path
    terminal: Terminal
    clock: Clock
    has_person: bool
    within_s: float

    async def run(self) -> None:
        """Shows, one line each, who writes; then offers to keep the chosen ids in the .env file.

        Raises Refused for a token that Telegram does not know, ConfigurationError when the file cannot be written.
        """
        people: dict[tuple[int, int], Writer] = {}
        ends = "Enter ends this, or" if self.has_person else "this ends after"
        self.terminal.write(f"Write to your bot in Telegram now; {ends} {self.within_s:.0f} s. Who writes:")
        await until_one_ends(self._listen(people), self._enter(), self.clock.sleep(self.within_s))
        if not people:
            self.terminal.write(NOBODY)
        elif self.has_person:
            await self._offer(sorted({user for user, _ in people}))
        else:
            self.terminal.write(f"Put your own number into {VARIABLE} in {self.env_file}.")

    async def _listen(self, people: dict[tuple[int, int], Writer]) -> None:
        from bot.telegram.preflight import who_writes

        values, told = self.around.values, False
        assert values.telegram_bot_token is not None
        token = values.telegram_bot_token
        while True:
            try:
                async with aclosing(who_writes(token, values.telegram_api_url)) as writers:
                    async for writer in writers:
                        self._show(writer, people)
            except Transient as error:
                if not told:
                    self.terminal.write(f"{str(error).rstrip('.')}; I go on trying.")
                told = True
                await self.clock.sleep(AGAIN_S)

    def _show(self, writer: Writer, people: dict[tuple[int, int], Writer]) -> None:
        if (writer.user_id, writer.chat_id) not in people:
            people[writer.user_id, writer.chat_id] = writer
            self.terminal.write(writer_line(writer))

    async def _enter(self) -> None:
        if self.has_person:
            async for _ in self.terminal.lines():
                return
        await asyncio.Event().wait()

    async def _offer(self, ids: Sequence[int]) -> None:
        known = self.around.values.telegram_operator_ids
        self.terminal.write(f"Who of them may command the bot? Type the numbers; Enter leaves {self.env_file} alone.")
        async with aclosing(self.terminal.lines()) as lines:
            for _ in range(TRIES):
                words = (await anext(lines, "")).replace(",", " ").split()
                if not words:
                    break
                if all(word in map(str, ids) for word in words):
                    chosen = dict.fromkeys((*known, *map(int, words)))
                    set_variable(self.env_file, VARIABLE, ",".join(map(str, chosen)))
                    self.terminal.write(f"{self.env_file}: {VARIABLE}={','.join(map(str, chosen))}")
                    return
                self.terminal.write("Only numbers that are shown above; once more:")
        self.terminal.write(f"{self.env_file} is as it was.")


def search(search: Search) -> None:
    """Ctrl-C ends it as well."""
    with suppress(KeyboardInterrupt):
        asyncio.run(search.run())


def writer_line(writer: Writer) -> str:
    """What others call themselves must not reach the terminal as anything but letters."""
    name = clip("".join(letter if letter.isprintable() else "?" for letter in writer.name), NAME_UNITS)
    where = "in private" if writer.chat_type == "private" else f"in the {writer.chat_type} {writer.chat_id}"
    return f"  {writer.user_id}  {name}, {where}"
