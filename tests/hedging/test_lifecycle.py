"""The life cycle of the LP side: judged on liquidity, with BASE that leaves by a decrease kept for a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import LpFacts
from core.hedging import life_memory
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LifeRules, LpView, observe
from core.hedging.states import LpState
from tests.hedging.positions import LIQUIDITY, position, read

RULES = LifeRules(grace=timedelta(seconds=300), wallet_counts=False, fees_count=True, dust_quote=Decimal(10))
WITH_WALLET = replace(RULES, wallet_counts=True)
HALF = LIQUIDITY // 2
EXACT = Decimal("1e-17")


def follow(*reads: LpFacts, rules: LifeRules = RULES) -> LpView:
    """What is known after these reads, each believed at its block's time."""
    memory = LifeMemory()
    for facts in reads:
        view, memory = observe(facts, memory, rules, facts.as_of)
        memory = life_memory.from_json(life_memory.to_json(memory))
    return view


def states(*reads: LpFacts) -> LpState:
    return follow(*reads).state


def test_the_first_read_has_no_predecessor():
    """A position found at start is in range, not opening."""
    assert states(read(position())) is LpState.IN_RANGE


def test_price_alone_moves_nothing():
    """The same liquidity above its range is out of range, with no BASE, and nothing has departed."""
    view = follow(read(position()), read(position(price="2600"), block=2))
    assert (view.state, view.lp_base, view.departed_base) == (LpState.OUT_OF_RANGE, 0, 0)


@pytest.mark.parametrize(("then", "state"), [(HALF, LpState.CLOSING), (LIQUIDITY * 2, LpState.OPENING)])
def test_a_change_of_liquidity_is_a_move_until_two_equal_reads(then: int, state: LpState):
    """Moving from the read that changed to the next equal one at a later block."""
    before, changed = read(position()), read(position(liquidity=then), block=2)
    assert states(before, changed) is state
    assert states(before, changed, changed) is state
    assert states(before, changed, replace(changed, block=replace(changed.block, number=3))) is LpState.IN_RANGE


def test_the_gravest_state_is_the_hedges():
    """Moving before in range, in range before out of range, out of range before none."""
    still, out, empty = position(1), position(2, price="2600"), position(3, liquidity=0)
    assert states(read(still, out, empty)) is LpState.IN_RANGE
    assert states(read(out, empty)) is LpState.OUT_OF_RANGE
    assert states(read(empty)) is LpState.NONE
    assert states(read(still, out), read(position(1, liquidity=HALF), out, block=2)) is LpState.CLOSING


def test_no_liquidity_with_something_owed_is_not_none():
    """NONE means no liquidity and less than the minimum owed."""
    assert states(read(position(liquidity=0, owed=("0.01", "0")))) is LpState.IN_RANGE
    assert states(read(position(liquidity=0, owed=("0", "9.99")))) is LpState.NONE


def test_principal_parked_by_a_decrease_is_not_fees():
    """What a decrease leaves in tokensOwed stays principal, the fees beside it stay fees."""
    whole, half = position(owed=("0.1", "7")), position(liquidity=HALF)
    freed = whole.base - half.base
    owed = (str(freed + Decimal("0.1")), str(whole.quote - half.quote + 7))
    view = follow(read(whole), read(position(liquidity=HALF, owed=owed), block=2))
    assert abs(view.lp_base - whole.base) <= EXACT and abs(view.fee_base - Decimal("0.1")) <= EXACT
    assert abs(view.fee_quote - 7) <= Decimal("0.000002") and view.departed_base <= EXACT


def test_owed_by_a_position_first_seen_empty_is_principal():
    """Of a position first seen with no liquidity all that is owed counts as principal."""
    view = follow(read(position(liquidity=0, owed=("3", "5000"))))
    assert (view.lp_base, view.lp_quote, view.fee_base, view.fee_quote) == (3, 5000, 0, 0)


def test_base_that_leaves_by_a_decrease_stays_in_the_exposure():
    """Decreased and collected at once: the exposure is what it was."""
    before, after = read(position()), read(position(liquidity=HALF), block=2)
    view = follow(before, after)
    assert abs(view.departed_base - position().base / 2) <= EXACT
    assert abs(view.net_base - follow(before).net_base) <= EXACT


def test_what_departs_counts_at_the_price_it_left_at():
    """Removed at another price than the last read's: its amount at that price, and later prices do not change it."""
    gone = position(liquidity=0, price="1800")
    view = follow(read(position()), read(gone, block=2))
    assert abs(view.departed_base - position(price="1800").base) <= EXACT
    later = follow(read(position()), read(gone, block=2), read(position(liquidity=0, price="2400"), block=3))
    assert later.departed_base == view.departed_base


def test_parked_principal_that_is_collected_departs():
    """First the decrease, later the collect: the exposure never falls in between."""
    parked = position(liquidity=0, owed=("25", "50000"))
    reads = (read(position()), read(parked, block=2), read(position(liquidity=0), block=3))
    nets = [follow(*reads[: n + 1]).net_base for n in range(3)]
    assert max(nets) - min(nets) <= Decimal("0.01")


def test_departed_base_is_forgotten_after_the_grace():
    """Not come back within `no_lp_grace_seconds`: no longer part of the exposure."""
    gone = [read(position()), read(position(liquidity=0), block=2)]
    assert follow(*gone, read(position(liquidity=0), block=301)).departed_base > 24
    assert follow(*gone, read(position(liquidity=0), block=302)).departed_base == 0


@pytest.mark.parametrize("between", [(), (read(block=3),)], ids=["at once", "with nothing there in between"])
def test_recentring_does_not_strip_or_double_the_hedge(between: tuple[LpFacts, ...]):
    """Burnt and minted anew under another id: the new liquidity takes the place of what departed."""
    burnt = read(position(2), block=4) if not between else read(position(2), block=5)
    view = follow(read(position(1)), *between, burnt)
    assert abs(view.net_base - position().base) <= EXACT and view.departed_base <= EXACT


def test_a_position_burnt_between_two_reads_departs():
    """An id that is gone takes its last liquidity at today's price, and the hedge is closing."""
    view = follow(read(position()), read(block=2, missing=[1], price="1800"))
    assert view.state is LpState.CLOSING
    assert abs(view.departed_base - position(price="1800").base) <= EXACT
    assert states(read(position()), read(block=2, missing=[1]), read(block=3, missing=[1])) is LpState.NONE


def test_a_new_position_is_opening():
    """One that was not there at the last read has just been opened."""
    assert states(read(position(1)), read(position(1), position(2), block=2)) is LpState.OPENING
    assert states(read(), read(position(1), block=2)) is LpState.OPENING


def test_the_wallet_takes_the_place_of_what_departed():
    """With the wallet in the exposure, BASE that arrives there is not counted twice."""
    before, gone = read(position(), wallet="1"), position(liquidity=0)
    held = str(position().base + 1)
    view = follow(before, read(gone, block=2, wallet=held), rules=WITH_WALLET)
    assert view.departed_base <= EXACT and abs(view.net_base - position().base - 1) <= EXACT
    later = follow(before, read(gone, block=2, wallet="1"), read(gone, block=3, wallet=held), rules=WITH_WALLET)
    assert abs(later.net_base - position().base - 1) <= EXACT


def test_fees_count_only_when_configured():
    """`include_fees = false` leaves them out of the exposure, not out of sight."""
    facts = read(position(owed=("2", "0")))
    assert follow(facts).net_base - follow(facts, rules=replace(RULES, fees_count=False)).net_base == 2
    assert follow(facts, rules=replace(RULES, fees_count=False)).fee_base == 2


def test_changes_of_liquidity_are_told():
    """Each change once, with both figures."""
    view = follow(read(position()), read(position(liquidity=HALF), block=2))
    assert [(c.position_id, c.before, c.after) for c in view.changes] == [(1, LIQUIDITY, HALF)]
    assert follow(read(position()), read(position(), block=2)).changes == ()


@given(base_is_token0=st.booleans(), price=st.sampled_from(["1500", "1601", "2000", "2400", "3000"]))
def test_the_exposure_at_another_price_is_that_of_a_read_there(base_is_token0: bool, price: str):
    """`net_base_at` moves the price and nothing else, in both token orders; the edge is its ceiling."""
    here = follow(read(position(base_is_token0=base_is_token0, owed=("1", "0"))))
    there = follow(read(position(base_is_token0=base_is_token0, owed=("1", "0"), price=price)))
    assert abs(here.net_base_at(Decimal(price)) - there.net_base) <= Decimal("1e-12")
    assert there.net_base <= here.edge_base + EXACT


def test_a_memory_from_before_the_started_mark_is_read():
    """A memory of an older version that holds positions has believed a read."""
    memory = observe(read(position()), LifeMemory(), RULES, read().as_of)[1]
    old = life_memory.to_json(memory).replace(', "started": true', "")
    assert life_memory.from_json(old) == memory


def test_what_is_minted_from_a_counted_wallet_takes_nothings_place():
    """One position departs into nowhere, another is opened from the wallet: neither strips the hedge."""
    before = follow(read(position(), position(2), wallet="50"), rules=WITH_WALLET)
    gone = read(position(2), wallet="50", missing=[1], block=2)
    minted = read(position(2), position(3), wallet="25", missing=[1], block=3)
    after = follow(read(position(), position(2), wallet="50"), gone, minted, rules=WITH_WALLET)
    assert abs(after.net_base - before.net_base) < Decimal("0.01")


def test_the_rounding_of_a_call_has_not_departed():
    """Two decreases round twice; a few units are no BASE that left."""
    whole = position(owed=("0", "0"))
    parked = str(whole.base - Decimal("3e-18"))
    view = follow(read(whole), read(position(liquidity=0, owed=(parked, "50000")), block=2))
    assert view.departed_base == 0


def test_one_of_two_burnt_is_a_move_of_the_hedge():
    """Its liquidity fell to nothing: reductions only, until the next read."""
    both, one = read(position(), position(2)), read(position(2), missing=[1], block=2)
    assert follow(both, one).state is LpState.CLOSING
    assert follow(both, one, replace(one, block=replace(one.block, number=3))).state is LpState.IN_RANGE


def test_dust_moves_nothing():
    """Anybody can add to any position, or send a small one: that must not keep the hedge from growing."""
    dust = LIQUIDITY // 100_000
    assert follow(read(position()), read(position(liquidity=LIQUIDITY + dust), block=2)).state is LpState.IN_RANGE
    assert follow(read(position()), read(position(), position(9, liquidity=dust), block=2)).state is LpState.IN_RANGE
    assert follow(read(position()), read(position(liquidity=2 * LIQUIDITY), block=2)).state is LpState.OPENING


def test_any_pool_of_the_hedge_may_be_the_pushed_one():
    """The price that is farthest from the mark, of those that hold liquidity."""
    view = follow(read(position(price="2001"), position(2, price="1900"), position(3, liquidity=0, price="1500")))
    assert view.farthest_price(Decimal(2000)) == Decimal(1900)
    assert follow(read(position(liquidity=0), price="1990")).farthest_price(Decimal(2000)) == Decimal(2000)
