"""Positions of a hedge's wallet and pools that are not hedged: which to tell of, and with what question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.hedging.lifecycle import LpView

# Anybody can send positions to a wallet: an operator's phone rings for them so often at most.
TELL_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """`departed_base`: what left the followed positions, when the operator is to say what becomes of it. `others`: how
    many more are told of with it."""

    position_id: int
    departed_base: Decimal | None = None
    others: int = 0


class Newcomers:
    """For one hedge. Holds only what was told, so that a restart tells what still stands once more."""

    def __init__(self) -> None:
        self._left_alone: frozenset[int] | None = None
        self._told: frozenset[int] = frozenset()
        self._told_at: datetime | None = None
        self._asked_base = Decimal(0)

    def look(self, lp: LpView) -> Newcomer | None:
        """One that was there at the first look is left alone knowingly, unless a followed one is gone.

        The newest stands for all, and bears the question about BASE that left, each time that more has left than was
        asked about. That is asked at once; else what is found within TELL_EVERY of the last word waits.
        """
        gone_base = _unanswered_base(lp)
        there = self._not_left_alone(_of_value(lp), something_gone=bool(gone_base or lp.facts.missing_ids))
        new = there - self._told
        in_question_base = self._to_ask_about(gone_base, there)
        if in_question_base is None and not (new and self._may_tell(lp.facts.as_of)):
            return None
        self._told, self._told_at = self._told | new, lp.facts.as_of
        bearer = max(new or there)
        return Newcomer(bearer, in_question_base, len(new - {bearer}))

    def _to_ask_about(self, gone_base: Decimal, there: frozenset[int]) -> Decimal | None:
        """None: nobody is there to bear the question, or no more has left than was asked about."""
        if there and gone_base > self._asked_base:
            self._asked_base = gone_base
            return gone_base
        self._asked_base = min(self._asked_base, gone_base)
        return None

    def _not_left_alone(self, now: frozenset[int], *, something_gone: bool) -> frozenset[int]:
        if self._left_alone is None:
            self._left_alone = frozenset() if something_gone else now
        return now - self._left_alone

    def _may_tell(self, now: datetime) -> bool:
        return self._told_at is None or now - self._told_at >= TELL_EVERY


def _of_value(lp: LpView) -> frozenset[int]:
    """Those that are worth hedging, as far as it is known."""
    worth, least_quote = lp.facts.unfollowed_quote, lp.rules.dust_quote
    return frozenset(each for each in lp.facts.unfollowed_ids if worth.get(each, least_quote) >= least_quote)


def _unanswered_base(lp: LpView) -> Decimal:
    """Zero also for what is as good as none."""
    base = lp.departed_base - lp.kept_base
    return base if base * lp.facts.price >= lp.rules.dust_quote else Decimal(0)
