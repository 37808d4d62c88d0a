"""The rig as tests hold it: a Bot API server on loopback with a scripted person at the other end.

All methods are thread-safe and return at once, except `wait_for` (blocks the thread) and `eventually` (for tests that
share the program's event loop). The program under test, in this process or another, gets `api_url` and `token`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from tests.rigs.ports import bound
from tests.rigs.telegram.chats import menu_of
from tests.rigs.telegram.faults import Drop, Fault
from tests.rigs.telegram.people import People
from tests.rigs.telegram.server import BotApiServer
from tests.rigs.telegram.world import ANSWER_WITHIN_S, Call, Message, Press, World

TOKEN = "123456789:AAF_loopback-rig-token_0123456789abcdef"
_REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    500: "Internal Server Error",
    502: "Bad Gateway",
}
# Only a test that fails waits so long; a busy machine may stand still for seconds.
PATIENCE_S = 30.0
T = TypeVar("T")


class TelegramRig(People):
    """`with TelegramRig() as rig:` serves until the block ends; `port=0` takes a free port, kept over `down`/`up`."""

    def __init__(self, *, token: str = TOKEN, port: int = 0) -> None:
        self.token = token
        super().__init__(World(token))
        self._place = bound(port)
        self.port = int(self._place.getsockname()[1])
        self._server: BotApiServer | None = BotApiServer(self.world, self.port)

    @property
    def api_url(self) -> str:
        """What TELEGRAM_API_URL must be; client libraries append `/bot<token>/<method>`."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> TelegramRig:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.down()
        self._place.close()

    # -- the network ---------------------------------------------------------------------------------------------------

    def down(self) -> None:
        """Refuses connections and cuts the open ones; what the server remembers stays."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def up(self) -> None:
        if self._server is None:
            self._server = BotApiServer(self.world, self.port)

    def fault(
        self,
        method: str,
        *,
        times: int | None = 1,
        code: int | None = None,
        retry_after: int | None = None,
        delay_s: float = 0.0,
        drop: Drop | None = None,
        contains: str = "",
        reason: str = "",
    ) -> None:
        """Scripts the next `times` matching calls (None: until `heal`); one of getUpdates strikes an open poll too.

        `heal` ends a delay as well. `reason`: what Telegram says of it, in place of the usual words of that code.
        """
        usual = f"Too Many Requests: retry after {retry_after}" if code == 429 else _REASONS.get(code or 0, "Error")
        description = reason or usual
        with self.world.changed:
            self.world.faults.add(Fault(method, times, code, description, retry_after, delay_s, drop, contains))
            self.world.changed.notify_all()

    def heal(self) -> None:
        with self.world.changed:
            self.world.faults.clear()

    # -- what can be seen ----------------------------------------------------------------------------------------------

    def messages(self, chat_id: int, contains: str = "") -> list[Message]:
        """What the bot has sent to that chat and not deleted, oldest first."""
        with self.world.changed:
            mine = [m for m in self.world.messages if m.chat_id == chat_id and m.sender_id == self.world.bot_id]
            return [m for m in mine if not m.deleted and contains in m.text]

    def calls(self, method: str = "") -> list[Call]:
        with self.world.changed:
            return [call for call in self.world.calls if method in ("", call.method)]

    def unconfirmed(self) -> int:
        with self.world.changed:
            return len(self.world.updates.pending())

    def menu(self, user_id: int, chat_id: int) -> list[str]:
        """Names of the commands that this person's menu button shows in that chat."""
        with self.world.changed:
            return menu_of(self.world, user_id, chat_id)

    # -- waiting -------------------------------------------------------------------------------------------------------

    def wait_for(self, probe: Callable[[], T | None], *, timeout_s: float = PATIENCE_S) -> T:
        """Blocks until `probe` returns something true and returns it; raises AssertionError at the timeout."""
        deadline = time.monotonic() + timeout_s
        while not (found := probe()):
            if time.monotonic() > deadline:
                raise AssertionError(self._timeout_report(timeout_s))
            with self.world.changed:
                self.world.changed.wait(0.02)
        return found

    async def eventually(self, probe: Callable[[], T | None], *, timeout_s: float = PATIENCE_S) -> T:
        """Like `wait_for`, for tests that run in the program's own event loop."""
        deadline = time.monotonic() + timeout_s
        while not (found := probe()):
            if time.monotonic() > deadline:
                raise AssertionError(self._timeout_report(timeout_s))
            await asyncio.sleep(0.01)
        return found

    def wait_message(self, chat_id: int, contains: str, *, timeout_s: float = PATIENCE_S) -> Message:
        return self.wait_for(lambda: self.messages(chat_id, contains), timeout_s=timeout_s)[-1]

    def wait_answer(self, press: Press, *, timeout_s: float = PATIENCE_S) -> str:
        """The toast that the tap got."""
        self.wait_for(lambda: press.answered, timeout_s=timeout_s)
        return press.toast

    def _timeout_report(self, timeout_s: float) -> str:
        recent = [(call.method, call.status) for call in self.calls()[-8:]]
        shown = [(m.chat_id, m.text) for m in self.world.messages[-5:]]
        return f"nothing after {timeout_s} s; last calls {recent}; last messages {shown}"


__all__ = ["ANSWER_WITHIN_S", "TOKEN", "TelegramRig"]
