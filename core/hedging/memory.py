"""What an operator's word makes of the kernel's memory, and its form in the database.

JSON keys are the field names. A key that an older or newer version did not write keeps its default, an unknown one is
dropped: the memory of yesterday's program must never stop today's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from core.errors import InvariantBroken
from core.hedging.kernel_types import Decision, Latch, Memory, Question, Since, Snooze
from core.hedging.states import Reason, State

_GROUPS = ("latch", "since", "snooze", "question")


def to_json(memory: Memory) -> str:
    """Keys are sorted: the same memory is the same text."""
    groups = {name: getattr(memory, name)._asdict() for name in _GROUPS}
    return json.dumps({**memory._asdict(), **groups}, sort_keys=True)


def from_json(text: str) -> Memory:
    """Raises InvariantBroken when the text is not a memory at all, or a value has the wrong type."""
    data = _object(text)
    plain = Memory()
    return Memory(
        state=_state(data),
        halted=_switch(data, "halted", plain.halted),
        paused=_switch(data, "paused", plain.paused),
        last_rebalance_ms=_integer(data, "last_rebalance_ms", plain.last_rebalance_ms),
        latch=Latch(**_integers(data, "latch", Latch._fields)),
        since=Since(**_integers(data, "since", ("out_ms", "none_ms")), out_traded=_out_traded(data)),
        snooze=Snooze(**_integers(data, "snooze", Snooze._fields)),
        question=Question(**_integers(data, "question", Question._fields)),
    )


def stopped(memory: Memory) -> str:
    """ "halted", "paused" or empty."""
    return "halted" if memory.halted else "paused" if memory.paused else ""


def halted(memory: Memory) -> Memory:
    """A plan begun before the halt is over: nothing goes on by itself once the halt ends."""
    return memory._replace(halted=True, latch=Latch(), question=Question())


def paused(memory: Memory) -> Memory:
    """As `halted`: the plan under way and an open question are over."""
    return memory._replace(paused=True, latch=Latch(), question=Question())


def resumed(memory: Memory) -> Memory:
    """Ends both stops; the plan that they ended does not come back."""
    return memory._replace(halted=False, paused=False)


def rejected(memory: Memory, *, side: int, size_steps: int, now_ms: int, snooze_ms: int) -> Memory:
    """The operator said no: the side rests, and a plan begun on it is over."""
    latch = Latch() if memory.latch.side == side else memory.latch
    return memory._replace(snooze=Snooze(side, now_ms + snooze_ms, size_steps), question=Question(), latch=latch)


def overruled(memory: Memory, carried_out: Decision) -> Memory:
    """A later /hedge on that side ends its rejection. The time stays, so that the row of it counts no more."""
    if carried_out.reason != Reason.OPERATOR_HEDGE or memory.snooze.side * carried_out.quantity_steps <= 0:
        return memory
    return memory._replace(snooze=memory.snooze._replace(side=0))


def moved(memory: Memory, by_ms: int) -> Memory:
    """Each moment that much later: the same waits by a wall clock that was set. What never was stays never."""
    return memory._replace(
        last_rebalance_ms=_moved(memory.last_rebalance_ms, by_ms),
        latch=memory.latch._replace(at_ms=_moved(memory.latch.at_ms, by_ms)),
        since=memory.since._replace(
            out_ms=_moved(memory.since.out_ms, by_ms), none_ms=_moved(memory.since.none_ms, by_ms)
        ),
        snooze=memory.snooze._replace(until_ms=_moved(memory.snooze.until_ms, by_ms)),
        question=memory.question._replace(again_ms=_moved(memory.question.again_ms, by_ms)),
    )


def _moved(at_ms: int, by_ms: int) -> int:
    return max(1, at_ms + by_ms) if at_ms else 0


def _object(text: str) -> Mapping[str, object]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvariantBroken(f"the stored memory of a hedge is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise InvariantBroken(f"the stored memory of a hedge is no JSON object, but {text[:40]!r}")
    return cast("Mapping[str, object]", data)


def _state(data: Mapping[str, object]) -> int:
    """A state that this version does not know is SUSPENDED, where every hedge begins."""
    state = _integer(data, "state", Memory().state)
    return state if state in tuple(State) else Memory().state


def _group(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    group = data.get(name, {})
    if not isinstance(group, dict):
        raise InvariantBroken(f"the stored memory of a hedge has no group {name}, but {group!r}")
    return cast("Mapping[str, object]", group)


def _integers(data: Mapping[str, object], group: str, fields: tuple[str, ...]) -> dict[str, int]:
    values = _group(data, group)
    return {name: _integer(values, name, 0) for name in fields}


def _integer(data: Mapping[str, object], name: str, default: int) -> int:
    value = data.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvariantBroken(f"the stored memory of a hedge has {name} = {value!r}, which is no integer")
    return value


def _switch(data: Mapping[str, object], name: str, default: bool) -> bool:
    value = data.get(name, default)
    if not isinstance(value, bool):
        raise InvariantBroken(f"the stored memory of a hedge has {name} = {value!r}, which is neither true nor false")
    return value


def _out_traded(data: Mapping[str, object]) -> bool:
    return _switch(_group(data, "since"), "out_traded", False)
