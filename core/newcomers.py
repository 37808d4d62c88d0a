"""Positions of a hedge's wallet and pools that are not hedged: which to tell of, and with what question."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.hedging.lifecycle import LpView


@dataclass(frozen=True, slots=True)
class Newcomer:
    """`departed_base`: what left the followed positions, when the operator is to say what becomes of it."""

    position_id: int
    departed_base: Decimal | None = None


class Newcomers:
    """For one hedge. Holds only what was told, so that a restart tells what still stands once more."""

    def __init__(self) -> None:
        self._left_alone: frozenset[int] | None = None
        self._told: frozenset[int] = frozenset()
        self._asked_base = Decimal(0)

    def look(self, lp: LpView) -> tuple[Newcomer, ...]:
        """One that was there at the first look is left alone knowingly, unless a followed one is gone.

        The newest of them bears the question about BASE that left, each time that more has left than was asked about.
        """
        now, gone_base = frozenset(lp.facts.unfollowed_ids), _unanswered_base(lp)
        if self._left_alone is None:
            self._left_alone = frozenset() if gone_base or lp.facts.missing_ids else now
        there = now - self._left_alone
        new = there - self._told
        self._told |= new
        asks = bool(there) and gone_base > self._asked_base
        self._asked_base = gone_base if asks else min(self._asked_base, gone_base)
        if not asks:
            return tuple(map(Newcomer, sorted(new)))
        bearer = max(new or there)
        return (*map(Newcomer, sorted(new - {bearer})), Newcomer(bearer, gone_base))


def _unanswered_base(lp: LpView) -> Decimal:
    """Zero also for what is as good as none."""
    base = lp.departed_base - lp.kept_base
    return base if base * lp.facts.price >= lp.rules.dust_quote else Decimal(0)
