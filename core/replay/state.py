"""What a replay carries from look to look. Compiled source (see `compiled`)."""

from __future__ import annotations

from typing import NamedTuple

from core.hedging.kernel_types import Memory
from core.replay.orders import Plan, no_plan
from core.replay.perp import Perp, liquidation_price
from core.replay.setup import Account


class Word(NamedTuple):
    """What was asked of a person, and what they allowed. Sides -1 sell, +1 buy, 0 none; sizes in steps."""

    pending_side: int
    pending_steps: int
    asked_ms: int
    granted_side: int
    granted_left: int
    granted_until_ms: int


class Glance(NamedTuple):
    """The last look: what it was at and what it found."""

    at_ms: int
    mark: float
    net_base: float
    band_quote: float
    state: int
    reason: int


class Hedge(NamedTuple):
    """`liquidation_price`: of `perp`, 0 for none; kept because it is asked at every bar and seldom changes.

    `due_ms`: of the next look. `mismatch_until_ms`: a liquidation is not adopted before.
    """

    memory: Memory
    plan: Plan
    perp: Perp
    liquidation_price: float
    word: Word
    glance: Glance
    due_ms: int
    mismatch_until_ms: int


class Holding(NamedTuple):
    """The LP side at a moment, in whole tokens; `mark_base`: the principal's BASE if the pool were at the mark."""

    price: float
    mark: float
    base: float
    quote: float
    mark_base: float
    fee_base: float
    fee_quote: float


def no_word() -> Word:
    """Nothing asked, nothing granted."""
    return Word(0, 0, 0, 0, 0, 0)


def fresh_hedge(
    mind: Memory, account: Account, short_steps: int, step_base: float, mark: float, start_ms: int
) -> Hedge:
    """With a short of that size, entered at the mark."""
    glance = Glance(start_ms, mark, 0.0, 0.0, mind.state, 0)
    perp = Perp(-short_steps, -short_steps * step_base * mark, account.balance_quote)
    liquidated_at = liquidation_price(perp, account, step_base)
    return Hedge(mind, no_plan(), perp, liquidated_at, no_word(), glance, start_ms, 0)


def with_perp(hedge: Hedge, perp: Perp, account: Account, step_base: float) -> Hedge:
    """All else as it was, but the liquidation price, which follows from it."""
    liquidated_at = liquidation_price(perp, account, step_base)
    return Hedge(
        hedge.memory,
        hedge.plan,
        perp,
        liquidated_at,
        hedge.word,
        hedge.glance,
        hedge.due_ms,
        hedge.mismatch_until_ms,
    )
