"""How the program ends when it is told to: soon, whatever hangs.

Signals are taken by a thread of its own, so that they count before there is an event loop and while one is blocked.
The first lets the program end by itself, for a bounded time; a second ends it at once. Any other end, such as `quit` or
a failure, has the same time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import NoReturn

from core.cancellation import fault_of
from core.errors import LpHedgeError

_LOG = logging.getLogger(__name__)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ENDS_WITHIN_S = 4.5
# Nobody may be reading stderr, which then takes no word more.
SAYS_WITHIN_S = 0.5
NOTHING_LOST, SOMETHING_LEFT = 0, 1
MAY_REST = "An order may still rest: the exchange cancels it within two minutes, the next start looks it up."


class Stopping:
    """`now` says what is being done and whether leaving amid it leaves something behind: the exit code is then 1."""

    def __init__(self, *, within_s: float = ENDS_WITHIN_S) -> None:
        self._within_s = within_s
        self._turn = threading.Lock()
        self._cancel: Callable[[], object] | None = None
        self._is_asked, self._is_heeding = False, False
        self._fault: Exception | None = None
        self._limit: threading.Timer | None = None
        self._doing, self._at_stake = "its start", False
        self._ends: tuple[socket.socket, ...] = ()
        # How much of what happened is not on the disk; asked from the signals' thread too.
        self.unwritten: Callable[[], int] = lambda: 0

    def heed(self) -> None:
        """Signals, and the time that an end may take, from here on. In the main thread of a process of our own."""
        self._is_heeding = True
        self._ends = reader, writer = socket.socketpair()
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, _noted)
        threading.Thread(target=self._listen, args=(reader,), name="signals", daemon=True).start()

    def now(self, doing: str, *, at_stake: bool) -> None:
        self._doing, self._at_stake = doing, at_stake

    @property
    def code(self) -> int:
        """The exit code of an end by itself."""
        return SOMETHING_LEFT if self.unwritten() else NOTHING_LOST

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Until done; a signal cancels it and lets it end. Before this is called a signal ends the process as it is.

        From its end on the process has its time to end.
        """
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
        with self._turn:
            self._cancel = partial(loop.call_soon_threadsafe, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
        finally:
            self.ends(fault_of(task))

    def ends(self, fault: Exception | None = None) -> bool:
        """The program has begun to end, by a fault or not: it has `within_s` for it. False when it had begun before.

        Should it take longer, the fault is told then, and the code is 1.
        """
        with self._turn:
            self._fault = self._fault or fault
            if self._limit is not None or not self._is_heeding:
                return False
            self._limit = threading.Timer(self._within_s, self._leave, (f"after {self._within_s} s",))
        self._limit.daemon = True
        self._limit.start()
        return True

    def _listen(self, reader: socket.socket) -> None:
        while number := reader.recv(1):
            if number[0] in STOP_SIGNALS:
                self._told()

    def _told(self) -> None:
        with self._turn:
            cancel, again, self._is_asked = self._cancel, self._is_asked, True
        if cancel is None or again:
            self._leave("at once")
        if self.ends():  # else it ends already, and is not disturbed
            with suppress(RuntimeError):  # the loop has ended already
                cancel()

    def _leave(self, when: str) -> NoReturn:
        """Past everything that waits: what is committed is on the disk, as after a loss of power."""
        unwritten, lost = self.unwritten(), list[str]()
        if self._at_stake:
            lost.append(MAY_REST)
        if unwritten:
            lost.append(f"{unwritten} of the events and messages were not written down.")
        sentence = f"lp-hedge: ended {when}, amid {self._doing}. {' '.join(lost) or 'Nothing is lost.'}\n"
        code = SOMETHING_LEFT if lost or self._fault else NOTHING_LOST
        silently = threading.Timer(SAYS_WITHIN_S, os._exit, (code,))
        silently.daemon = True
        silently.start()
        if self._fault is not None:
            known = isinstance(self._fault, LpHedgeError)
            _LOG.error("ended by a fault: %s", self._fault, exc_info=None if known else self._fault)
        with suppress(OSError):
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, sentence.encode())
        os._exit(code)


def _noted(_number: int, _frame: FrameType | None) -> None:
    """The thread has it."""
