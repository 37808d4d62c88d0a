"""The operator's word on BASE that departed: what it changes, and that no word makes a short grow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.departing import Word, answer_departed
from core.errors import Refused
from core.events import EventKind
from core.facts import LpFacts
from core.hedging import life_memory
from core.hedging.departed import given_up, kept, released, without_grace
from core.hedging.kernel import decide
from core.hedging.kernel_types import Since
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LifeRules, LpView, observe
from core.hedging.states import LpState
from tests.hedging.givens import NOW_MS, facts, memory, policy, said
from tests.hedging.positions import LIQUIDITY, NOW, position, read

RULES = LifeRules(grace=timedelta(seconds=300), wallet_counts=False, fees_count=True, dust_quote=Decimal(10))
EXACT = Decimal("1e-17")
LONG_AFTER = 5_000
SHARES = st.integers(min_value=0, max_value=200)
PRICES = st.sampled_from(["1500", "1650", "1900", "2000", "2300", "2600"])
WORDS = (kept, given_up, lambda life: released(life, NOW + timedelta(seconds=LONG_AFTER)))


def seen(life: LifeMemory, facts: LpFacts, rules: LifeRules = RULES) -> tuple[LpView, LifeMemory]:
    """A believed read, and what is remembered of it across a restart."""
    view, after = observe(facts, life, rules, facts.as_of)
    return view, life_memory.from_json(life_memory.to_json(after))


def after_departure(share: int = 0, price: str = "2000") -> LifeMemory:
    """One position of which `share` per cent is left."""
    _, life = seen(LifeMemory(), read(position()))
    return seen(life, read(position(liquidity=LIQUIDITY * share // 100, price=price), block=2))[1]


def empty(block: int, wallet: str | None = None) -> LpFacts:
    return read(position(liquidity=0), block=block, wallet=wallet)


def test_what_is_kept_outlasts_its_grace_and_a_restart():
    """Without the word it is forgotten after 300 s."""
    assert seen(after_departure(), empty(LONG_AFTER))[0].departed_base == 0
    view, _ = seen(kept(after_departure()), empty(LONG_AFTER))
    assert view.departed_base == view.kept_base == position().base
    assert view.state is LpState.NONE


def test_what_is_given_up_counts_no_more():
    """At the next read, long before its grace ends."""
    view, life = seen(given_up(after_departure()), empty(3))
    assert (view.net_base, life.departed, life.given_up) == (0, (), True)


def test_new_liquidity_takes_the_place_of_what_is_kept():
    """The whole of it, or a part: then the rest stays kept."""
    whole, _ = seen(kept(after_departure()), read(position(liquidity=0), position(2), block=LONG_AFTER))
    assert whole.departed_base <= EXACT and abs(whole.net_base - position().base) <= EXACT
    part, _ = seen(
        kept(after_departure()), read(position(liquidity=0), position(2, liquidity=LIQUIDITY // 4), block=LONG_AFTER)
    )
    assert abs(part.net_base - position().base) <= EXACT
    assert abs(part.kept_base - position().base * 3 / 4) <= Decimal("1e-12")


def test_a_counted_wallet_takes_the_place_of_what_is_kept():
    """It is there twice for no moment."""
    rules = replace(RULES, wallet_counts=True)
    _, life = seen(LifeMemory(), read(position(), wallet="1"), rules)
    _, life = seen(life, empty(2, "1"), rules)
    view, _ = seen(kept(life), empty(LONG_AFTER, str(position().base + 1)), rules)
    assert view.departed_base <= EXACT and abs(view.net_base - position().base - 1) <= EXACT


def test_what_is_released_has_an_end_again():
    """What has one keeps it."""
    timed = after_departure()
    assert released(timed, NOW + timedelta(days=1)) == timed
    life = released(kept(timed), NOW + timedelta(seconds=1000))
    assert seen(life, empty(999))[0].departed_base > 24
    assert seen(life, empty(1001))[0].departed_base == 0


@pytest.mark.parametrize("then", [position(liquidity=LIQUIDITY), position(liquidity=LIQUIDITY // 4)])
def test_what_moves_after_a_closing_word_is_judged_anew(then):
    """New liquidity, or more that leaves: that has its own grace."""
    _, life = seen(given_up(after_departure(50)), read(then, block=3))
    assert not life.given_up


def test_a_hedge_that_was_given_up_does_not_wait_for_its_grace():
    """Without liquidity it is closed at once; the same hedge without that word waits."""
    gone = facts(lp_state=LpState.NONE, net_base_pool=Decimal(0), net_base_mark=Decimal(0))
    mind = memory(since=Since(none_ms=NOW_MS - 1))
    assert said(decide(gone, policy(), mind)) == "SUSPENDED(no_lp)"
    given = without_grace(policy(), LifeMemory(given_up=True))
    assert decide(gone, given, mind).reduce_only
    assert without_grace(policy(), LifeMemory()) == policy()


def test_a_memory_of_an_older_version_is_read():
    """It has an end for every parcel, and no mark."""
    life = after_departure(50)
    old = life_memory.to_json(life).replace(', "given_up": false', "")
    assert "given_up" not in old and life_memory.from_json(old) == life


@given(left=SHARES, price=PRICES, share=SHARES, later=st.integers(3, LONG_AFTER))
def test_no_word_adds_to_what_counts(left: int, price: str, share: int, later: int):
    """At any later read, whatever happened to liquidity and price meanwhile, against saying nothing at that moment."""
    life = after_departure(min(left, 100), price)
    same = read(position(liquidity=LIQUIDITY * min(left, 100) // 100, price=price), block=3)
    before = seen(life, same)[0].net_base
    for word in WORDS:
        assert seen(word(life), same)[0].net_base <= before
    then = read(position(liquidity=LIQUIDITY * share // 100, price=price), block=later)
    plain, closed, held = (seen(each, then)[0].net_base for each in (life, given_up(life), kept(life)))
    assert closed <= plain <= held
    arrived = max(Decimal(0), then.positions[0].base - same.positions[0].base)
    assert held <= before + arrived + EXACT


@given(share=SHARES, price=PRICES, then=PRICES, word=st.sampled_from([kept, lambda life: life]))
def test_following_within_the_grace_moves_the_exposure_by_the_price_only(share: int, price: str, then: str, word):
    """What is new takes the place of what left; only what it has more is added."""
    life = word(after_departure(0, price))
    left_base = life.departed_base
    new = position(2, liquidity=LIQUIDITY * share // 100, price=then)
    view, after = seen(life, read(position(liquidity=0, price=then), new, block=100))
    assert abs(view.net_base - max(left_base, new.base)) <= EXACT
    later = seen(released(after, NOW + timedelta(seconds=400)), read(position(liquidity=0, price=then), new, block=401))
    assert abs(later[0].net_base - new.base) <= EXACT


def answered(word: Word, life: LifeMemory, most: str | None = None):
    return answer_departed(word, "eth", "ETH", life, None if most is None else Decimal(most))


def test_an_answer_says_what_it_is_about():
    """And makes the event that is kept of it."""
    life = after_departure(50)
    for word, kind in ((Word.KEEP, EventKind.DEPARTED_KEPT), (Word.CLOSE, EventKind.DEPARTED_CLOSED)):
        event = answered(word, life).event("Anna (tg:1)", NOW)
        assert (event.kind, event.hedge) == (kind, "eth")
        assert event.data == {"departed_base": str(life.departed_base), "by": "Anna (tg:1)"}
    assert "12.498" in answered(Word.CLOSE, life).text


@pytest.mark.parametrize("word", Word)
def test_with_nothing_departed_there_is_nothing_to_answer(word: Word):
    """One sentence, no change."""
    with pytest.raises(Refused, match=f"eth: no ETH that left the LP .* nothing to {word}"):
        answered(word, LifeMemory())


def test_what_is_kept_is_not_kept_again_but_may_be_given_up():
    """The later word counts."""
    life = kept(after_departure(50))
    with pytest.raises(Refused, match="kept already"):
        answered(Word.KEEP, life)
    assert answered(Word.CLOSE, life).life.departed == ()


def test_no_more_is_given_up_than_was_shown():
    """What left since the question needs a question of its own; less is fine."""
    life = after_departure(50)
    with pytest.raises(Refused, match="12.498.* ETH have left by now, more than the 12 "):
        answered(Word.CLOSE, life, "12")
    assert answered(Word.CLOSE, life, str(life.departed_base)).life.given_up
    assert answered(Word.CLOSE, life, "13").life.given_up
