"""Is a read of the chain believable? Judged on liquidity, ownership and wallet balance, never on amounts.

The venue's position is judged elsewhere, against the journal's own sum.

Amounts that follow from unchanged liquidity are believed at once, also when they fall to zero at the upper edge. A fall
to zero, a new owner, or a change of more than `max_jump_pct` that nothing explains is believed at the second read that
repeats it: at a later block, or 2 s later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.facts import LpFacts, LpPosition
from core.hedging.life_memory import LifeMemory, SeenPosition

ZERO = Decimal(0)
REPEAT_AFTER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A read that nothing explains: what it showed, when it was first seen, and a sentence for people.

    `wallet_base` None: it is no part of the exposure, and so of the doubt.
    """

    signature: tuple[object, ...]
    wallet_base: Decimal | None
    block: int
    at: datetime
    why: str


def doubt_lp(
    facts: LpFacts,
    memory: LifeMemory,
    doubted: Doubt | None,
    *,
    max_jump_pct: Decimal,
    wallet_counts: bool,
    now: datetime,
) -> Doubt | None:
    """None: believe it. Otherwise the doubt to keep and hand in again with the next read."""
    why = _lp_jump(facts, memory, max_jump_pct, wallet_counts=wallet_counts)
    if why is None:
        return None
    entries = sorted((p.position_id, p.liquidity, p.owner) for p in facts.positions)
    signature = (tuple(entries), tuple(sorted(facts.missing_ids)))
    wallet_base = facts.wallet_base if wallet_counts else None
    return _unless_repeated(Doubt(signature, wallet_base, facts.block.number, now, why), doubted, max_jump_pct)


def _unless_repeated(fresh: Doubt, doubted: Doubt | None, max_jump_pct: Decimal) -> Doubt | None:
    if doubted is None or not _show_the_same(doubted, fresh, max_jump_pct):
        return fresh
    repeated = fresh.block > doubted.block or fresh.at >= doubted.at + REPEAT_AFTER
    return None if repeated else doubted


def _show_the_same(doubted: Doubt, fresh: Doubt, max_jump_pct: Decimal) -> bool:
    """A wallet that pays for gas meanwhile repeats itself all the same."""
    wallet_jumps = _jumps(doubted.wallet_base or ZERO, fresh.wallet_base or ZERO, max_jump_pct)
    return doubted.signature == fresh.signature and not wallet_jumps


def _lp_jump(facts: LpFacts, memory: LifeMemory, max_jump_pct: Decimal, *, wallet_counts: bool) -> str | None:
    now_there = {position.position_id: position for position in facts.positions}
    for position_id, before in memory.positions.items():
        why = _position_jump(position_id, before, now_there.get(position_id), max_jump_pct)
        if why is not None:
            return why
    return _wallet_jump(memory.wallet_base, facts.wallet_base, max_jump_pct) if wallet_counts else None


def _position_jump(position_id: int, before: SeenPosition, now: LpPosition | None, max_jump_pct: Decimal) -> str | None:
    if now is None:
        return f"position {position_id} is gone"
    if now.owner.lower() != before.owner.lower():
        return f"position {position_id} has a new owner"
    if _jumps(Decimal(before.liquidity), Decimal(now.liquidity), max_jump_pct):
        return f"liquidity of position {position_id} went from {before.liquidity} to {now.liquidity}"
    return None


def _wallet_jump(before_base: Decimal | None, now_base: Decimal | None, max_jump_pct: Decimal) -> str | None:
    """A balance that is not known is no jump."""
    if before_base is not None and now_base is not None and _jumps(before_base, now_base, max_jump_pct):
        return f"the wallet's BASE went from {before_base} to {now_base}"
    return None


def _jumps(before: Decimal, after: Decimal, max_jump_pct: Decimal) -> bool:
    """A fall to zero, or a change over the limit (0: no limit). From zero nothing jumps: it has no measure."""
    if before in (after, 0):
        return False
    if after == 0:
        return True
    return max_jump_pct > 0 and abs(after - before) * 100 > max_jump_pct * abs(before)
