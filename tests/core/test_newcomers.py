"""Which unfollowed positions are told, and which of them bears the question what becomes of BASE that left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from core.hedging.lifecycle import LifeRules, LpView
from core.hedging.states import LpState
from core.newcomers import Newcomer, Newcomers
from tests.hedging.positions import position, read
from tests.hedging.test_departed import RULES

Told = list[tuple[int, Decimal | None]]


def view(
    *unfollowed: int,
    gone: str = "0",
    kept: str = "0",
    missing: Sequence[int] = (),
    rules: LifeRules = RULES,
    minutes: int = 0,
    worth: Mapping[int, str] | None = None,
) -> LpView:
    """`worth`: in QUOTE by id, where it is known."""
    seen = read(position(), missing=missing)
    values = {number: Decimal(value) for number, value in (worth or {}).items()}
    later = seen.as_of + timedelta(minutes=minutes)
    facts = replace(seen, unfollowed_ids=unfollowed, unfollowed_quote=values, as_of=later)
    return LpView(facts, (), LpState.IN_RANGE, Decimal(gone), rules, (), Decimal(kept))


def found(*views: LpView) -> list[Newcomer]:
    """All that one programme tells of these looks."""
    newcomers = Newcomers()
    return [each for one in views if (each := newcomers.look(one)) is not None]


def told(*views: LpView) -> Told:
    return [(each.position_id, each.departed_base) for each in found(*views)]


def test_with_nothing_gone_what_is_new_is_told_once() -> None:
    """Those of the first look are left alone; one that vanishes and comes back is no news."""
    assert told(view(5), view(5, 7), view(5), view(5, 7)) == [(7, None)]


def test_many_at_once_are_one_word_with_their_number() -> None:
    """A phone that rings for each of a hundred presents is not picked up for the one that matters."""
    assert found(view(5), view(5, *range(7, 107))) == [Newcomer(106, None, 99)]


def test_a_stranger_who_sends_one_a_minute_is_heard_once_an_hour() -> None:
    """None is forgotten: those that came meanwhile are counted in the next word."""
    stream = [view(*range(7, 8 + minute), minutes=minute) for minute in range(121)]
    assert found(view(), *stream) == [Newcomer(7), Newcomer(67, None, 59), Newcomer(127, None, 59)]


def test_what_left_is_asked_about_at_once_in_any_flood() -> None:
    """The hedge's own business does not wait for a stranger's."""
    assert told(view(), view(7), view(7, 8, minutes=1, gone="2")) == [(7, None), (8, Decimal(2))]


def test_what_is_worth_less_than_the_smallest_trade_is_no_news_until_it_is_worth_more() -> None:
    """Dust costs a stranger nothing; one of unknown worth is told."""
    rules = replace(RULES, dust_quote=Decimal(10))
    looks = [
        view(7, 8, worth={7: value, 8: "9.99"}, rules=rules, minutes=minute) for minute, value in enumerate(("9", "10"))
    ]
    assert told(view(rules=rules), *looks) == [(7, None)]
    assert told(view(rules=rules), view(7, rules=rules)) == [(7, None)]


def test_the_newest_bears_the_question() -> None:
    """One question, however many positions were minted."""
    assert found(view(), view(7, 8, gone="2")) == [Newcomer(8, Decimal(2), 1)]


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
