"""Draws pictures in a process of their own: the service's memory stays small and its loop free."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.charts.picture import Picture, to_json
from core.errors import Transient

LONGEST_S = 20.0
MOST_WAITING = 3
CHILD = ("-P", "-m", "bot.charts")
PASSED_ON = ("PATH", "HOME", "LANG", "SYSTEMROOT")
BUSY = "Several pictures are being drawn already: ask again in a moment."
FAILED = "The picture could not be drawn; the log says why."

Compose = Callable[[], Awaitable[Picture | None]]
_LOG = logging.getLogger(__name__)


class ChartMaker:
    """One picture at a time; a few may wait. `child`: the arguments of the process that draws."""

    def __init__(self, *, longest_s: float = LONGEST_S, child: Sequence[str] = CHILD) -> None:
        self._longest_s = longest_s
        self._child = tuple(child)
        self._turn = asyncio.Lock()
        self._asked = 0

    async def png(self, compose: Compose) -> bytes | None:
        """None when there was nothing to compose. The process gets ready meanwhile.

        Raises Transient when too many wait, when it takes too long, and when it cannot be drawn.
        """
        async with self._place():
            process = await self._started()
            try:
                async with asyncio.timeout(self._longest_s):
                    picture = await compose()
                    return None if picture is None else await _drawn(process, picture)
            except TimeoutError as error:
                raise Transient(f"The picture was not drawn within {self._longest_s:g} s: ask again later.") from error
            finally:
                await _gone(process)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        if self._asked > MOST_WAITING:
            raise Transient(BUSY)
        self._asked += 1
        try:
            async with self._turn:
                yield
        finally:
            self._asked -= 1

    async def _started(self) -> Process:
        try:
            folder = cache_folder()
            return await asyncio.create_subprocess_exec(
                sys.executable, *self._child, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment(folder), cwd=folder
            )
        except OSError as error:
            _LOG.warning("the process that draws could not be started: %s", error)
            raise Transient(FAILED) from error


async def _drawn(process: Process, picture: Picture) -> bytes:
    content, complaint = await process.communicate(await asyncio.to_thread(to_json, picture))
    if process.returncode or not content:
        _LOG.warning("a picture was not drawn (exit code %s): %s", process.returncode, _end_of(complaint))
        raise Transient(FAILED)
    return content


async def _gone(process: Process) -> None:
    """Nothing of it is left behind, also when whoever waited was cancelled."""
    if process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            return
        await process.wait()


def cache_folder() -> Path:
    """Where the drawing library keeps its list of fonts between pictures: nobody else's, whoever made it."""
    folder = Path(tempfile.gettempdir()) / f"lp-hedge-charts-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o022:
        return Path(tempfile.mkdtemp(prefix="lp-hedge-charts-"))
    return folder


def keep_fonts_apart() -> None:
    """Before the drawing library is imported into this very process: else it leaves its list in the user's home."""
    os.environ.setdefault("MPLCONFIGDIR", str(cache_folder()))


def _environment(folder: Path) -> Mapping[str, str]:
    """No secret is passed on: what draws needs none."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    source = str(Path(__file__).parents[2])
    return kept | {"MPLCONFIGDIR": str(folder), "PYTHONPATH": source, "OPENBLAS_NUM_THREADS": "1"}


def _end_of(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").strip().splitlines()
    return lines[-1][:400] if lines else "it said nothing"
