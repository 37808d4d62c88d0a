"""The chat's commands for a terminal or a script: a row that the running service consumes, and its answer."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bot.commands import BY_NAME
from core.clock import Clock
from core.errors import ConfigurationError, Transient
from core.halting import HALT, meant_by_halt
from storage.database import has_database
from storage.lock import is_running
from storage.store import Store

SOURCE = "cli"
ANSWER_WITHIN_S = 20.0
ANSWER_POLL_S = 0.1


def order(
    database: Path,
    name: str,
    args: Sequence[str],
    *,
    clock: Clock,
    sure: bool,
    hedges: Callable[[], Sequence[str]] = tuple,
) -> tuple[bool, str]:
    """Hand a command to the service that runs on `database`: whether it was carried out, and its answer.

    A halt is written also while nothing runs; `hedges`: the names that whatever starts next may have, none if unknown.
    Raises ConfigurationError when nothing runs there or a dangerous command was not confirmed, Transient when the
    service did not answer in time.
    """
    remark = ""
    if is_running(database):
        asyncio.run(_require_its_schema(database, clock))
    else:
        args, remark = _haltable(database, name, args, hedges())
    if BY_NAME[name].asks_before(args) and not sure:
        _ask(" ".join((name, *args)))
    ok, answer = asyncio.run(_put_and_wait(database, name, args, clock))
    return ok, remark + answer


async def _require_its_schema(database: Path, clock: Clock) -> None:
    """A newer program must not change the database under an older service: only reading it tells that, and refuses."""
    store = await Store.open_existing(database, scope=SOURCE, clock=clock)
    if store is not None:
        await store.aclose()


def _haltable(database: Path, name: str, args: Sequence[str], hedges: Sequence[str]) -> tuple[Sequence[str], str]:
    """The words to write, and a remark: nobody answers there, so what is not understood is said now."""
    if name != HALT or not (hedges or has_database(database)):
        stands = " What is halted or paused there stays so." if name == "resume" else ""
        raise ConfigurationError(f"no lp-hedge runs on {database}, so nothing was done.{stands}")
    meant = meant_by_halt(args, hedges)
    return (() if meant.remark else args), meant.remark


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError(f"`{what}` asks no further question here: add --yes if you mean it.")
    if input(f"{what}: this is done at once and asks no further. Type yes: ").strip().lower() != "yes":
        raise ConfigurationError("not confirmed, so nothing was done.")


async def _put_and_wait(database: Path, name: str, args: Sequence[str], clock: Clock) -> tuple[bool, str]:
    async with await Store.open(database, scope=SOURCE, clock=clock) as store:
        row = await store.commands.put(name, args, actor=_who(), source=SOURCE, update_key=None, at=clock.now())
        if row is None:
            raise Transient("the command was not taken, send it again.")
        await store.audit.append(_who(), SOURCE, name, " ".join(args), clock.now())
        if not is_running(database):
            return True, f"Nothing runs on {database} now; whatever starts there next halts first."
        deadline_s = clock.monotonic_s() + ANSWER_WITHIN_S
        while (answer := await store.commands.answer(row)) is None:
            if clock.monotonic_s() > deadline_s:
                raise Transient(f"written, but not answered within {ANSWER_WITHIN_S:.0f} s: see `lp-hedge status`.")
            await clock.sleep(ANSWER_POLL_S)
        return answer


def _who() -> str:
    try:
        return f"{getpass.getuser()} ({SOURCE})"
    except (KeyError, OSError):  # a container's user may have no name
        return SOURCE
