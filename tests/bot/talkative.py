"""A process with its logs set up as the service has them, in which a secret tries every way out that Python knows.

Run with the secrets as lines on standard input; each way is tried with each of them.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import logging
import sys
import threading
import warnings

import structlog

from bot.logs import LogSettings, configure_logs, take_python_s_words
from bot.redaction import Redactor

LIBRARIES = ("aiohttp.client", "httpx", "binance.ws", "web3.providers", "websockets.client", "telegram.ext", "asyncio")


class _FailsInTheEnd:
    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __del__(self) -> None:
        raise ValueError(f"lost {self._secret}")


async def _forgotten(secret: str) -> None:
    """A task that fails and is never asked, and a callback that fails."""

    async def fail() -> None:
        raise ValueError(f"forgotten {secret}")

    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(lambda: int(f"called back {secret}"))
    await asyncio.sleep(0)
    del task
    gc.collect()


def _fail(secret: str) -> None:
    raise ValueError(f"in a thread {secret}")


def leak(secret: str) -> None:
    for name in LIBRARIES:
        logging.getLogger(name).debug("quietly %s", secret)
        logging.getLogger(name).error("from a library %s", secret)
    structlog.get_logger("core.ours").error("ours", url=f"http://node.example/{secret}?x=1", raw=secret.encode())
    warnings.warn(f"a warning of {secret}", stacklevel=1)
    thread = threading.Thread(target=_fail, args=(secret,))
    thread.start()
    thread.join()
    _FailsInTheEnd(secret)
    asyncio.run(_forgotten(secret))
    faulthandler.dump_traceback(file=sys.stderr, all_threads=True)


if __name__ == "__main__":
    secrets = sys.stdin.read().splitlines()
    configure_logs(LogSettings("DEBUG"), Redactor(secrets))
    take_python_s_words()
    for each in secrets:
        leak(each)
