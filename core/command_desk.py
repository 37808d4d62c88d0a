"""Consumes the operator's commands: rows written by the chat, the terminal or another process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal, InvalidOperation

import structlog

from core.approval_desk import ApprovalDesk
from core.cancellation import all_of
from core.clock import Clock
from core.departing import Word
from core.errors import InvariantBroken, LpHedgeError, Refused, Transient
from core.facts import PositionSide
from core.following import Following
from core.halting import HALT, meant_by_halt
from core.hedge import Hedge
from core.ports import Approval, ApprovalState, Command, CommandQueue

# A row that waited longer than this was written to a process that was not there: the world has moved on.
STALE_AFTER = timedelta(seconds=120)

log = structlog.get_logger(__name__)


class CommandDesk:
    def __init__(
        self,
        *,
        runners: Mapping[str, Hedge],
        following: Following,
        queue: CommandQueue,
        desk: ApprovalDesk,
        clock: Clock,
        people: Clock | None = None,
    ) -> None:
        self._runners = runners
        self._following = following
        self._queue = queue
        self._desk = desk
        self._clock = clock
        self._people = people or clock
        # Carried out, or being so, by this process: two readers of the queue do not meet at one row.
        self._taken: set[int] = set()
        # Carried out, but the answer could not be written yet: that is tried again, not the command.
        self._answers: dict[int, tuple[bool, str]] = {}
        # By hedge, the newest halt that was carried out.
        self._halts: dict[str, int] = {}
        # By hedge, who halted it when no row could be written, until that is kept.
        self._unkept: dict[str, str] = {}

    async def consume(self) -> tuple[str, ...]:
        """Carry out what waits; the names of the hedges that should look again at once."""
        await self._keep_halts()
        return await self._work_through(await self._queue.pending())

    async def consume_halts(self) -> tuple[str, ...]:
        """The same for halts alone: they do not wait behind a command that reads the chain or the exchange."""
        await self._keep_halts()
        return await self._work_through([each for each in await self._queue.pending() if each.name == HALT])

    async def halt_without_a_row(self, words: Sequence[str], by: str) -> str:
        """What a halt says that the database does not take: it counts at once, and is kept as soon as it can be.

        The answer for the operator.
        """
        meant = meant_by_halt(words, tuple(self._runners))
        self._unkept |= dict.fromkeys(meant.hedges, by)
        why = await self._keep_halts()
        unkept = f" Not written down yet, so a restart would not know of it: {why}." if why else ""
        return f"{meant.remark}{_DONE[HALT]}: {', '.join(meant.hedges)}.{unkept}"

    async def _keep_halts(self) -> str:
        """Those without a row. Why it cannot be, or nothing; what waits by then must not undo them."""
        halts = tuple(self._unkept.items())
        if not halts:
            return ""
        try:
            await all_of(self._runners[name].halt(by) for name, by in halts)
            newest = max((each.command_id for each in await self._queue.pending()), default=0)
        except Transient as error:
            return str(error)
        for name, _ in halts:
            self._unkept.pop(name, None)
            self._halts[name] = max(newest, self._halts.get(name, 0))
        return ""

    async def _work_through(self, commands: Sequence[Command]) -> tuple[str, ...]:
        touched: set[str] = set()
        for command in commands:
            if command.command_id in self._taken:
                continue
            self._taken.add(command.command_id)
            with ExitStack() as unanswered:
                unanswered.callback(self._taken.remove, command.command_id)
                touched.update(await self._answered(command))
                unanswered.pop_all()
        return tuple(touched)

    async def _answered(self, command: Command) -> tuple[str, ...]:
        hedges: tuple[str, ...] = ()
        if command.command_id not in self._answers:
            ok, answer, hedges = await self._carry_out(command)
            self._answers[command.command_id] = (ok, answer)
            what = " ".join((command.name, *command.args))
            log.info("command", by=command.actor, via=command.source, what=what, done=ok, answer=answer)
        ok, answer = self._answers[command.command_id]
        await self._queue.finish(command.command_id, ok=ok, answer=answer, at=self._clock.now())
        del self._answers[command.command_id]
        return hedges

    async def halt_all(self, why: str) -> None:
        """By the program itself, for what it found. Raises what keeping it raises, when all are halted."""
        await all_of(runner.halt(why=why) for runner in self._runners.values())

    async def _carry_out(self, command: Command) -> tuple[bool, str, tuple[str, ...]]:
        if command.name != HALT and self._people.now() - command.issued_at > STALE_AFTER:
            return False, f"/{command.name} was too old when it was read: send it again.", ()
        try:
            return await self._dispatch(command)
        except InvariantBroken as broken:
            log.critical("invariant broken", command=command.name, error=str(broken))
            await self.halt_all(str(broken))
            return False, f"Halted, as this cannot be: {broken}", tuple(self._runners)
        except LpHedgeError as error:
            return False, str(error), ()
        except Exception:
            # A border: one command that fails must not keep back a halt that waits behind it.
            log.exception("command failed", command=command.name)
            return False, f"/{command.name} failed unexpectedly, a fault of this program; the log has its trace.", ()

    async def _dispatch(self, command: Command) -> tuple[bool, str, tuple[str, ...]]:
        match command.name:
            case "approve" | "reject":
                return await self._decide(command)
            case "halt" | "pause" | "resume":
                return await self._set_mode(command)
            case "hedge" | "flatten" | "adopt":
                return await self._act_on_one(command)
            case "follow":
                return await self._follow(command)
        return False, f"/{command.name} is not known here.", ()

    async def _set_mode(self, command: Command) -> tuple[bool, str, tuple[str, ...]]:
        names, remark = self._those_meant(command)
        if not names:
            return False, self._no_such(command.args[0]), ()
        if command.name == "resume" and self._came_before_a_halt(command, names):
            return False, "A /halt came after this /resume and stands: send /resume again to lift it.", ()
        if command.name == HALT:
            self._halts |= dict.fromkeys(names, command.command_id)
        # All at once: a database that fails for one hedge does not leave the next one running.
        await all_of(_MODES[command.name](self._runners[name], command.actor) for name in names)
        return True, f"{remark}{_DONE[command.name]}: {', '.join(names)}.", names

    def _those_meant(self, command: Command) -> tuple[tuple[str, ...], str]:
        """With a remark on how it was understood, where that is not as it was said."""
        if command.name == HALT:
            meant = meant_by_halt(command.args, tuple(self._runners))
            return meant.hedges, meant.remark
        return self._named(command.args[0]) if command.args else tuple(self._runners), ""

    def _came_before_a_halt(self, command: Command, names: tuple[str, ...]) -> bool:
        """Halts are carried out before what waits; what was written before one must not undo it."""
        return any(name in self._unkept or self._halts.get(name, 0) >= command.command_id for name in names)

    async def _act_on_one(self, command: Command) -> tuple[bool, str, tuple[str, ...]]:
        name = command.args[0] if command.args else ""
        names = self._the_one(name)
        if not names:
            return False, self._no_such(name), ()
        runner = self._runners[names[0]]
        if command.name == "adopt":
            return True, await runner.adopt(_leg(command.args[1:]), command.actor), names
        if command.name == "flatten":
            return True, await runner.flatten(command.actor), names
        return True, await runner.hedge(command.actor, _most_base(command.args[1:])), names

    async def _follow(self, command: Command) -> tuple[bool, str, tuple[str, ...]]:
        number, *more = command.args or ("",)
        if number.lower() in tuple(Word):
            return await self._answer_departed(Word(number.lower()), more, command.actor)
        if more or not (number.isascii() and number.isdigit()):
            return False, "/follow needs the number of a position, or keep or close and a hedge.", ()
        followed = await self._following.follow(int(number), command.actor)
        await self._runners[followed.hedge].position_followed()
        return True, followed.answer, (followed.hedge,)

    async def _answer_departed(self, word: Word, more: Sequence[str], actor: str) -> tuple[bool, str, tuple[str, ...]]:
        """`more`: the hedge, and how much BASE the question showed."""
        name, *most = more or ("",)
        names = self._the_one(name)
        if not names:
            return False, self._no_such(name), ()
        return True, await self._runners[names[0]].answer_departed(word, actor, _most_base(tuple(most))), names

    async def _decide(self, command: Command) -> tuple[bool, str, tuple[str, ...]]:
        if not command.args:
            return False, f"/{command.name} needs the id of an approval: /pending shows them.", ()
        approve, note = command.name == "approve", _note(command)
        answer = await self._desk.answer(command.args[0], approve=approve, by=command.actor, note=note)
        if answer.approval is None:
            return False, "I know no proposal with this ID; /pending lists those that wait.", ()
        if answer.won:
            return True, f"{_DECIDED[command.name]}: {command.args[0]}.", (answer.approval.hedge,)
        if answer.lacks_a_reason and (why := _why_rejected(command)):
            return await self._explain(command, why)
        return False, _why_lost(answer.approval), ()

    async def _explain(self, command: Command, why: str) -> tuple[bool, str, tuple[str, ...]]:
        explained = await self._desk.explain(command.args[0], by=command.actor, why=why)
        return explained.won, f"Rejected before; {'its reason is kept' if explained.won else 'it has a reason'}.", ()

    def _the_one(self, name: str) -> tuple[str, ...]:
        """The hedge of that name, or the only one; else none."""
        names = self._named(name) if name else tuple(self._runners)
        return names if len(names) == 1 else ()

    def _named(self, name: str) -> tuple[str, ...]:
        return (name.lower(),) if name.lower() in self._runners else ()

    def _no_such(self, name: str) -> str:
        names = ", ".join(self._runners)
        return f"There is no hedge {name!r}; there are: {names}." if name else f"Say which hedge: {names}."


_MODES: Mapping[str, Callable[[Hedge, str], Awaitable[None]]] = {
    "halt": lambda hedge, by: hedge.halt(by),
    "pause": lambda hedge, by: hedge.pause(by),
    "resume": lambda hedge, by: hedge.resume(by),
}
_DECIDED = {"approve": "Approved", "reject": "Rejected"}
_DONE = {"halt": "Halted", "pause": "Paused", "resume": "Resumed"}


def _note(command: Command) -> str | None:
    return " ".join(command.args[1:]) or None


def _why_rejected(command: Command) -> str | None:
    return _note(command) if command.name == "reject" else None


def _why_lost(approval: Approval) -> str:
    late = approval.state is ApprovalState.PENDING
    return "Its time was up." if late else f"It is already {approval.state.value}."


def _most_base(args: tuple[str, ...]) -> Decimal | None:
    """The signed BASE that the question showed. Raises Refused for what is no size: it must not become "any"."""
    if not args:
        return None
    try:
        most_base = Decimal(args[0])
    except InvalidOperation:
        raise Refused(f"{args[0]!r} is no size.", code="size") from None
    if not most_base.is_finite() or not most_base:
        raise Refused(f"{args[0]!r} is no size.", code="size")
    return most_base


def _leg(args: tuple[str, ...]) -> PositionSide:
    word = args[0].upper() if args else ""
    return PositionSide(word) if word in ("LONG", "SHORT") else PositionSide.BOTH
