"""The chat's commands for a terminal or a script: a row that the running service consumes, and its answer."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bot.commands import BY_NAME
from core.clock import Clock
from core.errors import ConfigurationError, Transient
from core.halting import HALT, meant_by_halt
from storage.database import has_database
from storage.lock import Holding, InstanceLock, held_for, is_running
from storage.schema import newest_version
from storage.store import Store

SOURCE = "cli"
ANSWER_WITHIN_S = 20.0
ANSWER_POLL_S = 0.1
ENDED = "The service has just ended, so nothing was done. `lp-hedge status` shows what stands open."
UNDER_WAY = {
    Holding.RESTORE: "{} is being put back by `lp-hedge db restore`",
    Holding.UPDATE: "an lp-hedge is starting on {} and brings it up",
    Holding.COMMAND: "another command is writing to {}",
}


class Unanswered(Transient):
    """It is written, and may still be carried out."""


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
    runs, remark = asyncio.run(_service_runs(database, clock)), ""
    if not runs:
        args, remark = _haltable(database, name, args, hedges())
    if BY_NAME[name].asks_before(args) and not sure:
        _ask(" ".join((name, *args)))
    try:
        ok, answer = _put(database, name, args, clock, runs=runs)
    except Unanswered:
        raise
    except (ConfigurationError, Transient) as error:  # a full disk, say
        raise type(error)(_undone(name, str(error).removesuffix("."), runs=runs)) from None
    return ok, remark + answer


def _undone(name: str, why: str, *, runs: bool) -> str:
    if name != HALT:
        return f"nothing was done: {why}."
    instead = " /halt in the chat or in the service's own terminal halts all the same." if runs else ""
    return f"nothing was halted: {why}.{instead}"


def _put(database: Path, name: str, args: Sequence[str], clock: Clock, *, runs: bool) -> tuple[bool, str]:
    if not runs:
        try:
            with InstanceLock(database, Holding.COMMAND):  # held, as this may bring the schema up; a start waits for it
                return asyncio.run(_put_and_wait(database, name, args, clock))
        except ConfigurationError:
            if not asyncio.run(_service_runs(database, clock)):
                raise  # else one began meanwhile, and is to hear it
    asyncio.run(_require_its_schema(database, clock))
    return asyncio.run(_put_and_wait(database, name, args, clock))


async def _require_its_schema(database: Path, clock: Clock) -> None:
    """A newer program must not change the database under an older service."""
    store = await Store.open_existing(database, scope=SOURCE, clock=clock, of_any_age=True)
    if store is None:
        return
    async with store:
        version = await store.database.row("PRAGMA user_version")
    if version is not None and version[0] < newest_version():
        raise ConfigurationError(
            f"{database} is of an older version, and so is the lp-hedge that runs on it. Use the chat, or "
            "that version's own command."
        )


async def _service_runs(database: Path, clock: Clock) -> bool:
    """One that takes commands. A command given while the database is put back or brought up would be lost or in the
    way, so it waits for the end of that. Raises Transient when that lasts.
    """
    deadline_s = clock.monotonic_s() + ANSWER_WITHIN_S
    while (holding := held_for(database)) in UNDER_WAY:
        if clock.monotonic_s() > deadline_s:
            raise Transient(f"{UNDER_WAY[holding].format(database)}, so nothing was done: give it again after that.")
        await clock.sleep(ANSWER_POLL_S)
    return holding is not None


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
        with suppress(Transient):  # the row is there, and will be carried out
            await store.audit.append(_who(), SOURCE, name, " ".join(args), clock.now())
        if not is_running(database):
            if name == HALT:
                words = "the next start there halts first, whatever its mode, and halts no other mode"
                return True, f"Nothing runs on {database} now; {words}."
            await _withdraw(store, database, row, clock)
        return await _answer_to(row, store, clock)


async def _withdraw(store: Store, database: Path, row: int, clock: Clock) -> None:
    """Or whatever starts next would do it unasked; a service that began meanwhile is left to answer."""
    with suppress(ConfigurationError), InstanceLock(database, Holding.COMMAND):
        if await store.commands.answer(row) is None:
            await store.commands.finish(row, ok=False, answer=ENDED, at=clock.now())


async def _answer_to(row: int, store: Store, clock: Clock) -> tuple[bool, str]:
    """Raises Unanswered when none comes in time."""
    deadline_s = clock.monotonic_s() + ANSWER_WITHIN_S
    while (answer := await store.commands.answer(row)) is None:
        if clock.monotonic_s() > deadline_s:
            raise Unanswered(f"written, but not answered within {ANSWER_WITHIN_S:.0f} s: see `lp-hedge status`.")
        await clock.sleep(ANSWER_POLL_S)
    return answer


def _who() -> str:
    try:
        return f"{getpass.getuser()} ({SOURCE})"
    except (KeyError, OSError):  # a container's user may have no name
        return SOURCE
