"""Ends a process whose event loop no longer turns: nothing inside the loop could say so, and a restart recovers."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading

STDERR = 2
BLOCKED_AFTER_S = 60.0
# Waited in steps: a process that was stopped and goes on has lost one of them at most.
STEPS = 12
EXIT_CODE = 1


class LoopWatch:
    """A thread that asks the loop for a sign of life. Without one for `blocked_after_s` it writes the stacks of all
    threads to stderr, past the log, which may be what is stuck, and ends the process with code 1.

    A call that lets no thread run, this one included, is ended so after three times as long.
    """

    def __init__(self, *, blocked_after_s: float = BLOCKED_AFTER_S) -> None:
        self._blocked_after_s = blocked_after_s

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until the loop is closed."""
        threading.Thread(target=self._watch, args=(loop,), name="loop watch", daemon=True).start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        step_s = self._blocked_after_s / STEPS
        while True:
            faulthandler.dump_traceback_later(3 * self._blocked_after_s, exit=True, file=STDERR)
            turned = threading.Event()
            try:
                loop.call_soon_threadsafe(turned.set)
            except RuntimeError:  # closed
                return faulthandler.cancel_dump_traceback_later()
            if not any(turned.wait(step_s) for _ in range(STEPS)):
                self._end()
            threading.Event().wait(step_s)

    def _end(self) -> None:
        words = f"lp-hedge: the event loop has not turned for {self._blocked_after_s:.0f} s: ended, to be started again"
        os.write(STDERR, f"{words}\n".encode())
        faulthandler.dump_traceback(file=STDERR, all_threads=True)
        os._exit(EXIT_CODE)
