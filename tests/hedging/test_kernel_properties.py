"""What the decision never does, whatever the facts, the policy and the memory."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts import LpPosition, RangeSide
from core.hedging.exposure import amounts_at_price
from core.hedging.kernel import decide
from core.hedging.kernel_types import Decision, Facts, Latch, Policy
from core.hedging.memory import moved
from core.hedging.states import Action, LpState, Reason, Request, State, transition
from tests.hedging.givens import facts, memory, policy
from tests.hedging.moments import CHAIN_PROBLEMS, LATCHED, TO_ITS_END, VENUE_PROBLEMS, Moment, amounts, moments

STEP = Decimal("0.001")


def trades(decision: Decision) -> bool:
    return decision.action == Action.ADJUST


def opens(seen: Facts, decision: Decision) -> bool:
    """A trade that makes the position larger. Of two legs only the one that it is for counts."""
    if not trades(decision):
        return False
    if decision.reason == Reason.NET_LEGS:
        return decision.quantity_steps > min(seen.long_steps, seen.short_steps)
    if decision.reason == Reason.DELEVERAGE and seen.hedge_mode:
        return not 0 < decision.quantity_steps <= seen.short_steps
    return abs(seen.perp_steps + decision.quantity_steps) > abs(seen.perp_steps)


@given(moment=moments())
def test_the_side_is_that_of_the_gap_and_the_target_is_not_passed(moment: Moment):
    """What is traded or asked for goes toward the target and not past it; deleveraging and /flatten only reduce."""
    seen, rules, _ = moment
    decision = decide(*moment)
    if decision.action not in (Action.ADJUST, Action.ASK, Action.SHRINK):
        assert decision.quantity_steps == 0
    elif decision.reason in TO_ITS_END:
        assert not opens(seen, decision) and decision.reduce_only
    else:
        traded = decision.quantity_steps * rules.step_base
        assert traded * decision.gap_base > 0
        assert abs(traded) <= abs(decision.gap_base)


@given(moment=moments())
def test_a_trade_is_part_of_what_is_wanted(moment: Moment):
    """Never more than the need, on its side, in whole lots; a long of at least a lot is closed before a short opens."""
    seen, rules, _ = moment
    decision = decide(*moment)
    if not trades(decision) or decision.reason in TO_ITS_END:
        return
    quantity = decision.quantity_steps
    assert quantity * decision.wanted_steps > 0 and abs(quantity) <= abs(decision.wanted_steps)
    assert quantity % rules.lot_steps == 0
    assert decision.reduce_only == (not opens(seen, decision))
    assert seen.perp_steps * (seen.perp_steps + quantity) >= 0 or abs(seen.perp_steps) < rules.lot_steps
    if rules.max_plan_quote:
        assert abs(quantity) <= max(int(rules.max_plan_quote / (seen.price * rules.step_base)), rules.lot_steps)
    assert rules.max_steps == 0 or abs(quantity) <= rules.max_steps


@given(moment=moments())
def test_an_increase_stays_within_every_limit(moment: Moment):
    """Never above the largest position, the liquidity's own limit, the free balance or the caps of one plan."""
    seen, rules, _ = moment
    decision = decide(*moment)
    if not opens(seen, decision):
        return
    size = -(seen.perp_steps + decision.quantity_steps) * rules.step_base
    worth = -decision.quantity_steps * rules.step_base * seen.price
    free = seen.available_quote - seen.reserved_quote - rules.min_available_quote
    assert rules.max_position_quote == 0 or size * seen.price <= rules.max_position_quote
    assert size <= rules.hedge_ratio * seen.edge_base * Decimal("1.02")
    assert worth * (seen.initial_rate + seen.fee_rate) <= free
    assert worth >= rules.min_notional_quote and not decision.reduce_only
    assert -decision.quantity_steps >= rules.min_steps


@given(moment=moments())
def test_an_increase_leaves_the_distance_to_liquidation(moment: Moment):
    """After an increase the liquidation price is as far as asked, and farther than where deleveraging begins."""
    seen, rules, _ = moment
    decision = decide(*moment)
    if not opens(seen, decision):
        return
    size = -(seen.perp_steps + decision.quantity_steps) * rules.step_base
    own = max(0, -seen.perp_steps) * rules.step_base * seen.mark_price * seen.maintenance_rate
    equity = seen.margin_balance_quote - max(Decimal(0), seen.maintenance_margin_quote - own)
    equity += decision.quantity_steps * rules.step_base * seen.mark_price * seen.fee_rate
    liquidation = (equity + size * seen.mark_price) / (size * (1 + seen.maintenance_rate))
    nearest_pct = max(rules.min_liquidation_pct, 2 * rules.deleverage_pct)
    assert nearest_pct == 0 or liquidation * 100 >= seen.mark_price * (100 + nearest_pct)


@given(moment=moments(), venue=st.sampled_from((Reason.NONE, *VENUE_PROBLEMS)), chain=st.sampled_from(CHAIN_PROBLEMS))
def test_nothing_opens_on_a_missing_fact(moment: Moment, venue: Reason, chain: Reason):
    """With a venue problem nothing is traded but a /flatten past doubts about prices; with a chain problem only what
    reduces for the margin's or the operator's sake. Nothing is asked, nothing at work goes on for the gap."""
    doubtful = moment.seen._replace(venue_problem=int(venue), chain_problem=int(chain if venue is Reason.NONE else 0))
    decision = decide(doubtful, moment.rules, moment.mind)
    assert decision.action not in (Action.ASK, Action.KEEP_ASKING, Action.SUPERSEDE, Action.SHRINK)
    assert not opens(doubtful, decision)
    if decision.action in (Action.ADJUST, Action.CONTINUE):
        assert decision.reason in TO_ITS_END
        assert venue in (Reason.NONE, Reason.VENUE_DISLOCATED, Reason.WRONG_SYMBOL)
        assert venue is Reason.NONE or decision.reason != Reason.DELEVERAGE


@given(moment=moments(), other=moments())
def test_a_blind_chain_says_nothing(moment: Moment, other: Moment):
    """With a chain problem the decision is the same whatever its figures are."""
    blind = moment.seen._replace(chain_problem=int(Reason.STALE_CHAIN))
    garbled = blind._replace(
        net_base_pool=other.seen.net_base_pool,
        net_base_mark=other.seen.net_base_mark,
        edge_base=other.seen.edge_base,
        lp_value_quote=other.seen.lp_value_quote,
        pool_price=other.seen.pool_price,
    )
    one, two = (decide(seen, moment.rules, moment.mind) for seen in (blind, garbled))
    assert (one.action, one.state, one.reason, one.quantity_steps) == (
        two.action,
        two.state,
        two.reason,
        two.quantity_steps,
    )
    assert one.memory == two.memory


@given(moment=moments())
def test_an_unknown_order_stops_everything(moment: Moment):
    """Nothing is sent, asked or withdrawn, and its executor is not cut off, for that is what asks after it."""
    decision = decide(
        moment.seen._replace(order_unknown=True), moment.rules, moment.mind._replace(paused=False, halted=False)
    )
    assert (decision.action, decision.reason) == (Action.HOLD, Reason.OUTCOME_UNKNOWN)


@given(moment=moments(), halted=st.booleans())
def test_halted_and_paused_trade_nothing(moment: Moment, halted: bool):
    """Only /flatten, and only to close; what is at work for another reason is cancelled."""
    seen = moment.seen
    decision = decide(seen, moment.rules, moment.mind._replace(halted=halted, paused=not halted))
    if decision.action in (Action.HOLD, Action.CANCEL):
        assert (decision.state, decision.quantity_steps) == (
            State.SUSPENDED,
            0,
        ) or decision.reason == Reason.OPERATOR_FLATTEN
        return
    assert seen.request == Request.FLATTEN or seen.running_reason == Reason.OPERATOR_FLATTEN
    if decision.reason == Reason.NET_LEGS:
        assert decision.quantity_steps == min(seen.long_steps, seen.short_steps)
    elif trades(decision):
        assert decision.quantity_steps == -seen.perp_steps
    else:
        assert (decision.action, decision.reason) == (Action.CONTINUE, Reason.OPERATOR_FLATTEN)


@given(moment=moments())
def test_every_trade_has_its_cause(moment: Moment):
    """Inside a band nothing is traded or asked but for the reason that it names, and that reason is there: a plan
    begun, the clock, a person's yes or command, a close, the margin, two legs."""
    decision = decide(*moment)
    if decision.action not in (Action.ADJUST, Action.ASK):
        return
    assert has_its_cause(moment, decision) or goes_on(moment, decision)


def has_its_cause(moment: Moment, decision: Decision) -> bool:
    seen, rules, mind = moment
    out_ms = mind.since.out_ms or seen.now_ms
    out = seen.lp_state == LpState.OUT_OF_RANGE and 0 < rules.out_of_range_ms <= seen.now_ms - out_ms
    none = seen.lp_state == LpState.NONE and mind.since.none_ms > 0
    causes = {
        Reason.BAND_EXCEEDED: decision.gap_quote >= decision.band_quote
        and abs(decision.gap_base) > rules.threshold_base,
        Reason.OUT_OF_RANGE: out and not mind.since.out_traded,
        Reason.FORCE_INTERVAL: 0 < rules.force_ms <= seen.now_ms - mind.last_rebalance_ms,
        Reason.APPROVED: granted(seen, decision) > 0,
        Reason.OPERATOR_HEDGE: seen.request == Request.HEDGE,
        Reason.OPERATOR_FLATTEN: seen.request == Request.FLATTEN,
        Reason.NET_LEGS: seen.long_steps > 0 and seen.short_steps > 0,
        Reason.DELEVERAGE: 0 < seen.liquidation_price * 100 < seen.mark_price * (100 + rules.deleverage_pct),
        Reason.CLOSE_ON_DISABLE: not rules.enabled and rules.close_on_disable,
        Reason.NO_LP_CLOSE: none and rules.close_when_no_lp,
    }
    return causes.get(Reason(decision.reason), False)


def goes_on(moment: Moment, decision: Decision) -> bool:
    """The latch of an earlier plan on this side, of this reason, that has not reached its end."""
    latch = moment.mind.latch
    ahead = (latch.to_steps - moment.seen.perp_steps) * latch.side
    same = latch.side == (1 if decision.wanted_steps > 0 else -1) and latch.reason == decision.reason
    return same and ahead >= abs(decision.wanted_steps) and decision.reason not in TO_ITS_END


def granted(seen: Facts, decision: Decision) -> int:
    """What a person's yes leaves for a trade on this side."""
    return seen.granted_left_steps if seen.granted_side * decision.wanted_steps > 0 else 0


@given(moment=moments())
def test_the_same_moment_gives_the_same_answer(moment: Moment):
    """And once nothing is done about it, the memory of the answer gives it again."""
    decision = decide(*moment)
    assert decide(*moment) == decision
    if decision.action == Action.HOLD and moment.mind.state == decision.state:
        assert decide(moment.seen, moment.rules, decision.memory) == decision


@given(moment=moments())
def test_limits_never_hold_back_a_reduction(moment: Moment):
    """A reduction that is wanted is at least begun, at any margin, cap or liquidity limit."""
    base = moment.rules.step_base * 1000
    over = facts(
        price=moment.seen.price, pool_price=moment.seen.price, mark_price=moment.seen.price, net_base_pool=base,
        net_base_mark=base, perp_steps=-60_000, short_steps=60_000, edge_base=moment.seen.edge_base,
        lp_value_quote=moment.seen.lp_value_quote, available_quote=Decimal(-5), margin_balance_quote=Decimal(1),
        liquidation_price=moment.seen.liquidation_price,
    )  # fmt: skip
    calm = moment.rules._replace(approvals=False, enabled=True, threshold_base=Decimal(0), band_pct=Decimal(0))
    assert decide(over, calm._replace(band_quote=Decimal(1)), memory()).quantity_steps > 0


@given(moment=moments())
def test_every_state_may_be_reached_and_the_memory_holds_it(moment: Moment):
    """The state follows from the one before by the table, and the memory carries it."""
    for before in State:
        decision = decide(moment.seen, moment.rules, moment.mind._replace(state=int(before)))
        assert transition(before, State(decision.state)) == decision.memory.state


@given(moment=moments())
def test_the_memory_keeps_to_its_own(moment: Moment):
    """Switches, the last rebalance and the snooze are others' to change; a latch ends, or is that of the plan begun."""
    seen, _, mind = moment
    decision = decide(*moment)
    kept = decision.memory
    assert (kept.halted, kept.paused, kept.last_rebalance_ms) == (mind.halted, mind.paused, mind.last_rebalance_ms)
    assert kept.snooze == mind.snooze
    if not trades(decision) or decision.reason in TO_ITS_END:
        assert kept.latch in (mind.latch, Latch()) if not trades(decision) else kept.latch == Latch()
        return
    assert kept.latch.reason == decision.reason and kept.latch.reason in (*LATCHED, mind.latch.reason)
    assert kept.latch.side * decision.quantity_steps > 0
    assert (kept.latch.to_steps - seen.perp_steps) * kept.latch.side >= abs(decision.quantity_steps)


@settings(max_examples=200)
@given(moment=moments())
def test_machine_numbers_take_the_same_decision(moment: Moment):
    """Over floats the kernel says the same, but for what lies within a billionth of an edge."""
    seen, rules, mind = moment
    exact = decide(seen, rules, mind)
    fast = decide(floats(seen), floats(rules)._replace(rounding_slack=1e-9), mind)
    if not on_an_edge(exact, rules):
        assert (fast.action, fast.reason, fast.memory) == (exact.action, exact.reason, exact.memory)
        assert (fast.quantity_steps, fast.clipped_by) == (exact.quantity_steps, exact.clipped_by)


def floats(values: NamedTuple):
    return values._replace(**{k: float(v) for k, v in values._asdict().items() if isinstance(v, Decimal)})


def on_an_edge(decision: Decision, rules: Policy) -> bool:
    """The gap meets a limit exactly: binary fractions may fall on either side of it."""
    limits = (decision.band_quote, decision.hysteresis_quote, decision.approval_quote, rules.min_notional_quote)
    urgent = rules.urgent_multiple * decision.band_quote
    near = any(abs(decision.gap_quote - limit) < Decimal("1e-6") for limit in (*limits, urgent))
    return near or abs(abs(decision.gap_base) - rules.threshold_base) < Decimal("1e-9")


@given(
    base_is_token0=st.booleans(),
    price=amounts("1200", "3000", 2),
    perp=st.integers(-60_000, 0),
)
def test_the_sign_is_right_for_both_token_orders(base_is_token0: bool, price: Decimal, perp: int):
    """A position that holds more BASE than is short is sold against, whichever token of the pool BASE is."""
    position = lp_position(base_is_token0)
    base, _ = amounts_at_price(position, position.liquidity, price)
    seen = facts(
        net=base, perp_steps=perp, short_steps=-perp, price=price, pool_price=price, mark_price=price,
        edge_base=position.base_at_lower_edge, available_quote="1000000", margin_balance_quote="1000000",
    )  # fmt: skip
    decision = decide(seen, policy(), memory())
    missing = base + perp * STEP
    assert decision.gap_base == -missing
    assert decision.quantity_steps == 0 or (decision.quantity_steps < 0) == (missing > 0)


def lp_position(base_is_token0: bool) -> LpPosition:
    """About 2000 QUOTE per BASE, 1600 to 2500, 18 and 6 decimals, in either order of the tokens."""
    ticks = (-202_560, -198_100) if base_is_token0 else (198_100, 202_560)
    zero = Decimal(0)
    return LpPosition(
        position_id=1, owner="0xa", pool="0xb", base_is_token0=base_is_token0, base_decimals=18, quote_decimals=6,
        liquidity=10_590_169_943_749_470, tick_lower=ticks[0], tick_upper=ticks[1], sqrt_price_x96=1,
        price=Decimal(2000), base=zero, quote=zero, owed_base=zero, owed_quote=zero, price_lower=Decimal(1600),
        price_upper=Decimal(2500), side=RangeSide.IN, base_at_lower_edge=Decimal(53),
    )  # fmt: skip


@given(moment=moments(), by_ms=st.integers(1, 86_400_000))
def test_what_was_moved_with_the_clock_waits_as_before(moment: Moment, by_ms: int):
    """The same decision at a wall clock that was set, and a memory that differs by as much, to and fro."""
    seen, rules, mind = moment
    before, after = decide(*moment), decide(seen._replace(now_ms=seen.now_ms + by_ms), rules, moved(mind, by_ms))
    assert after == before._replace(memory=moved(before.memory, by_ms))
    assert moved(moved(mind, by_ms), -by_ms) == mind
