"""Ends a process whose event loop no longer turns: nothing inside the loop could say so, and a restart recovers."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import threading

STDERR = 2
# Nobody may be reading stderr, which then takes no word more.
SAYS_WITHIN_S = 2.0
BLOCKED_AFTER_S = 60.0
# Waited in steps: a process that was stopped for less than three times as long, and goes on, has lost one of them at
# most. One that was stopped for longer is ended when it goes on, as one that let no thread run.
STEPS = 12
EXIT_CODE = 1


class LoopWatch:
    """A thread that asks the loop for a sign of life. Without one for `blocked_after_s` it writes the stacks of all
    threads to stderr, past the log, which may be what is stuck, and ends the process with code 1.

    A call that lets no thread run, this one included, is ended so after three times as long. Where stderr takes nothing
    either, the kernel ends the process by SIGPROF, should it go on to compute for so long: of the machine's time it
    would end a process that was stopped meanwhile before that could say a word.
    """

    def __init__(self, *, blocked_after_s: float = BLOCKED_AFTER_S) -> None:
        self._blocked_after_s = blocked_after_s
        self._nowhere = -1

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until the loop is closed."""
        self._nowhere = os.open(os.devnull, os.O_WRONLY)  # now: later there may be no room for one more
        threading.Thread(target=self._watch, args=(loop,), name="loop watch", daemon=True).start()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        step_s = self._blocked_after_s / STEPS
        while True:
            faulthandler.dump_traceback_later(3 * self._blocked_after_s, exit=True, file=STDERR)
            signal.setitimer(signal.ITIMER_PROF, 3 * self._blocked_after_s + SAYS_WITHIN_S)
            turned = threading.Event()
            try:
                loop.call_soon_threadsafe(turned.set)
            except RuntimeError:  # closed
                return self._done()
            if not any(turned.wait(step_s) for _ in range(STEPS)):
                self._end()
            threading.Event().wait(step_s)

    def _done(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.close(self._nowhere)

    def _end(self) -> None:
        # A thread of C ends it, with code 1, should a write below not return, which may keep all of Python's waiting.
        faulthandler.dump_traceback_later(SAYS_WITHIN_S, exit=True, file=self._nowhere)
        words = f"lp-hedge: the event loop has not turned for {self._blocked_after_s:.0f} s: ended, to be started again"
        os.write(STDERR, f"{words}\n".encode())
        faulthandler.dump_traceback(file=STDERR, all_threads=True)
        os._exit(EXIT_CODE)
