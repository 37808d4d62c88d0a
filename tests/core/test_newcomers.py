"""Which unfollowed positions are told, and which of them bears the question what becomes of BASE that left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from core.hedging.lifecycle import LifeRules, LpView
from core.hedging.states import LpState
from core.newcomers import Newcomer, Newcomers
from tests.hedging.positions import position, read
from tests.hedging.test_departed import RULES

Told = list[tuple[int, Decimal | None]]


def view(
    *unfollowed: int, gone: str = "0", kept: str = "0", missing: Sequence[int] = (), rules: LifeRules = RULES
) -> LpView:
    facts = replace(read(position(), missing=missing), unfollowed_ids=unfollowed)
    return LpView(facts, (), LpState.IN_RANGE, Decimal(gone), rules, (), Decimal(kept))


def told(*views: LpView) -> Told:
    """All that one programme tells of these looks."""
    newcomers = Newcomers()
    found: list[Newcomer] = [each for one in views for each in newcomers.look(one)]
    return [(each.position_id, each.departed_base) for each in found]


def test_with_nothing_gone_each_new_one_is_told_once() -> None:
    """Those of the first look are left alone; one that vanishes and comes back is no news."""
    assert told(view(5), view(5, 7, 8), view(5), view(5, 7, 8)) == [(7, None), (8, None)]


def test_the_newest_bears_the_question() -> None:
    """One question, however many positions were minted."""
    assert told(view(), view(7, 8, gone="2")) == [(7, None), (8, Decimal(2))]


def test_one_that_was_told_before_bears_it_when_more_has_left() -> None:
    """Minted first and burnt later; and asked anew when still more has left, not when some of it was replaced."""
    looks = (view(), view(7), view(7, gone="2"), view(7, gone="2"), view(7, gone="1"), view(7, gone="3"))
    assert told(*looks) == [(7, None), (7, Decimal(2)), (7, Decimal(3))]


def test_one_that_is_left_alone_is_no_replacement() -> None:
    """It was there before anything left."""
    assert told(view(5), view(5, gone="2")) == []
    assert told(view(5), view(5, gone="2"), view(5, 7, gone="2")) == [(7, Decimal(2))]


def test_what_is_gone_at_the_first_look_is_asked_about() -> None:
    """It happened while nothing ran, or before a restart; a burnt position that held no BASE leaves nothing to ask."""
    assert told(view(7, gone="2")) == [(7, Decimal(2))]
    assert told(view(7, missing=[1])) == [(7, None)]


def test_what_is_kept_was_answered() -> None:
    """Only what has left since is a question."""
    assert told(view(7, gone="2", kept="2")) == []
    assert told(view(), view(7, gone="2", kept="2"), view(7, gone="3", kept="2")) == [(7, None), (7, Decimal(1))]


def test_dust_is_no_question() -> None:
    """What rounding leaves, or less than the smallest amount that counts."""
    assert told(view(), view(7, gone="0.004")) == [(7, None)]
    assert told(view(), view(7, gone="1e-18", rules=replace(RULES, dust_quote=Decimal(1)))) == [(7, None)]
