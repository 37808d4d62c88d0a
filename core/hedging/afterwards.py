"""What the kernel's memory becomes by what followed a decision. Kernel source (see `kernel`): replay compiles it."""

from __future__ import annotations

from core.hedging.kernel_types import Memory, Question

_MINUTE_MS = 60_000


def filled(memory: Memory, at_ms: int) -> Memory:
    """Cooldown runs from the last fill of the last rebalance."""
    return _changed(memory, max(memory.last_rebalance_ms, at_ms), memory.question)


def withdrawn(memory: Memory) -> Memory:
    """The proposal no longer fitted: the next one is a first one. An earlier no stands."""
    return _changed(memory, memory.last_rebalance_ms, Question(0, 0, 0, 0, 0))


def unanswered(memory: Memory, side: int, size_steps: int, now_ms: int, partial: bool) -> Memory:
    """A proposal expired: asked again after 5, 15, 30, then every 60 minutes, or when the need has grown by half.

    `partial`: one plan just under the approval limit is made meanwhile, once per need.
    """
    before = memory.question if memory.question.side == side else Question(0, 0, 0, 0, 0)
    due = 1 if partial and before.asked == 0 else before.partial
    again_ms = now_ms + _wait_minutes(before.asked) * _MINUTE_MS
    return _changed(memory, memory.last_rebalance_ms, Question(side, size_steps, before.asked + 1, again_ms, due))


def _wait_minutes(asked: int) -> int:
    if asked >= 3:
        return 60
    return 5 if asked == 0 else 15 * asked


def _changed(memory: Memory, last_rebalance_ms: int, question: Question) -> Memory:
    return Memory(
        memory.state,
        memory.halted,
        memory.paused,
        last_rebalance_ms,
        memory.latch,
        memory.since,
        memory.snooze,
        question,
    )
