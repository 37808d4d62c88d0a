"""What the decision never does, whatever the facts."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from core.facts import LpPosition, RangeSide
from core.hedging.exposure import amounts_at_price
from core.hedging.kernel import decide
from core.hedging.kernel_types import Decision, Facts, Latch, Memory, Policy, Question, Since, Snooze
from core.hedging.states import Action, LpState, Reason, Request, State, transition
from tests.hedging.givens import NOW_MS, after_fill, facts, memory, policy

STEP = Decimal("0.001")
PROBLEMS = (Reason.NO_PRICE, Reason.STALE_VENUE, Reason.IMPLAUSIBLE_READ, Reason.POSITION_MISMATCH)


def amounts(low: str, high: str, places: int = 3) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places)


def off_or(strategy: st.SearchStrategy[Decimal]) -> st.SearchStrategy[Decimal]:
    return st.one_of(st.just(Decimal(0)), strategy)


policies = st.builds(
    policy,
    lot_steps=st.sampled_from([1, 1, 10]),
    min_steps=st.integers(1, 50),
    max_steps=st.sampled_from([0, 2000, 20_000]),
    min_notional_quote=amounts("0", "100", 0),
    hedge_ratio=amounts("0.01", "1", 2),
    threshold_base=off_or(amounts("0.001", "5")),
    band_quote=amounts("1", "5000", 0),
    band_pct=off_or(amounts("0.1", "10", 1)),
    hysteresis_quote=st.one_of(st.just(Decimal(-1)), amounts("0", "5000", 0)),
    to_edge=st.booleans(),
    enabled=st.sampled_from([True, True, True, False]),
    close_on_disable=st.booleans(),
    close_when_no_lp=st.booleans(),
    force_ms=st.sampled_from([0, 600_000]),
    out_of_range_ms=st.sampled_from([0, 300_000]),
    cooldown_ms=st.sampled_from([0, 30_000]),
    max_per_hour=st.sampled_from([0, 5, 30]),
    urgent_multiple=off_or(amounts("1", "5", 1)),
    min_liquidation_pct=off_or(amounts("1", "50", 0)),
    deleverage_pct=off_or(amounts("1", "20", 0)),
    max_position_quote=off_or(amounts("1000", "200000", 0)),
    max_plan_quote=off_or(amounts("4000", "50000", 0)),
    max_basis_bps=off_or(amounts("10", "500", 0)),
    approvals=st.booleans(),
    approval_over_quote=st.one_of(st.just(Decimal(-1)), amounts("0", "100000", 0)),
)

sides = st.sampled_from([-1, 0, 1])


@st.composite
def moments(draw: st.DrawFn) -> Facts:
    net = draw(amounts("-1", "60"))
    price = draw(amounts("500", "4000", 2))
    perp = draw(st.integers(-80_000, 5_000))
    return facts(
        net_base_pool=net,
        net_base_mark=net + draw(amounts("-5", "5")),
        edge_base=draw(amounts("0", "120")),
        lp_value_quote=draw(amounts("0", "200000", 0)),
        price=price,
        pool_price=price * draw(amounts("0.9", "1.1", 2)),
        mark_price=price,
        perp_steps=perp,
        short_steps=max(-perp, 0),
        long_steps=max(perp, 0),
        lp_state=int(draw(st.sampled_from(list(LpState)))),
        available_quote=draw(amounts("-100", "50000", 0)),
        margin_balance_quote=draw(amounts("0", "100000", 0)),
        liquidation_price=draw(off_or(amounts("500", "6000", 0))),
        rebalances_last_hour=draw(st.integers(0, 70)),
        unapproved_sell_quote=draw(amounts("0", "50000", 0)),
        unapproved_buy_quote=draw(amounts("0", "50000", 0)),
        granted_side=draw(sides),
        granted_left_steps=draw(st.integers(0, 20_000)),
        request=int(draw(st.sampled_from([Request.NONE, Request.NONE, Request.HEDGE, Request.FLATTEN]))),
    )


@st.composite
def memories(draw: st.DrawFn) -> Memory:
    latched = draw(sides)
    return memory(
        last_rebalance_ms=NOW_MS - draw(st.integers(0, 900_000)),
        latch=Latch(latched, draw(st.integers(-80_000, 5_000)), draw(st.sampled_from([33, 34, 35, 36, 41])), NOW_MS),
        since=Since(draw(st.sampled_from([0, NOW_MS - 400_000])), draw(st.booleans()), draw(st.sampled_from([0, 5]))),
        snooze=Snooze(draw(sides), NOW_MS + draw(st.integers(-1000, 1000)), draw(st.integers(0, 30_000))),
        question=Question(draw(sides), draw(st.integers(0, 30_000)), 1, NOW_MS + 1, draw(st.integers(0, 2))),
    )


def is_increase(seen: Facts, decision: Decision) -> bool:
    return abs(seen.perp_steps + decision.quantity_steps) > abs(seen.perp_steps)


@given(seen=moments(), rules=policies, mind=memories())
def test_the_side_is_that_of_the_gap_and_the_target_is_not_passed(seen: Facts, rules: Policy, mind: Memory):
    """A trade goes toward the target and not past it; deleveraging and /flatten only shrink the short."""
    decision = decide(seen, rules, mind)
    if decision.action != Action.ADJUST:
        assert decision.quantity_steps == 0 or decision.action == Action.ASK
        return
    if decision.reason in (Reason.DELEVERAGE, Reason.OPERATOR_FLATTEN):
        assert not is_increase(seen, decision)
        return
    traded = decision.quantity_steps * rules.step_base
    assert traded * decision.gap_base > 0
    assert abs(traded) <= abs(decision.gap_base)


@given(seen=moments(), rules=policies, mind=memories())
def test_an_increase_stays_within_every_limit(seen: Facts, rules: Policy, mind: Memory):
    """Never above the largest position, the liquidity's own limit, the free balance or the caps of one plan."""
    decision = decide(seen, rules, mind)
    if not is_increase(seen, decision) or decision.action != Action.ADJUST:
        return
    size = -(seen.perp_steps + decision.quantity_steps) * rules.step_base
    worth = -decision.quantity_steps * rules.step_base * seen.price
    assert rules.max_position_quote == 0 or size * seen.price <= rules.max_position_quote
    assert size <= rules.hedge_ratio * seen.edge_base * Decimal("1.02")
    assert worth * (seen.initial_rate + seen.fee_rate) <= seen.available_quote
    assert rules.max_steps == 0 or -decision.quantity_steps <= rules.max_steps
    assert worth >= rules.min_notional_quote and not decision.reduce_only


@given(seen=moments(), rules=policies, mind=memories())
def test_an_increase_leaves_the_distance_to_liquidation(seen: Facts, rules: Policy, mind: Memory):
    """After an increase the liquidation price is as far as asked, and farther than where deleveraging begins."""
    decision = decide(seen, rules, mind)
    if not is_increase(seen, decision) or decision.action != Action.ADJUST:
        return
    size = -(seen.perp_steps + decision.quantity_steps) * rules.step_base
    own = max(0, -seen.perp_steps) * rules.step_base * seen.mark_price * seen.maintenance_rate
    equity = seen.margin_balance_quote - max(Decimal(0), seen.maintenance_margin_quote - own)
    equity += decision.quantity_steps * rules.step_base * seen.mark_price * seen.fee_rate
    liquidation = (equity + size * seen.mark_price) / (size * (1 + seen.maintenance_rate))
    nearest_pct = max(rules.min_liquidation_pct, 2 * rules.deleverage_pct)
    assert nearest_pct == 0 or liquidation * 100 >= seen.mark_price * (100 + nearest_pct)


@given(seen=moments(), rules=policies, mind=memories(), venue=st.sampled_from((Reason.NONE, *PROBLEMS)))
def test_nothing_opens_on_a_missing_fact(seen: Facts, rules: Policy, mind: Memory, venue: Reason):
    """With a venue problem nothing at all is traded, with a chain problem nothing that opens."""
    chain = Reason.STALE_CHAIN if venue is Reason.NONE else Reason.NONE
    decision = decide(seen._replace(venue_problem=int(venue), chain_problem=int(chain)), rules, mind)
    assert not (decision.action == Action.ADJUST and is_increase(seen, decision))
    assert decision.action != Action.ASK
    assert venue is Reason.NONE or decision.quantity_steps == 0


@given(seen=moments(), rules=policies, mind=memories(), halted=st.booleans())
def test_halted_and_paused_trade_nothing(seen: Facts, rules: Policy, mind: Memory, halted: bool):
    """Only /flatten, and only to close."""
    decision = decide(seen, rules, mind._replace(halted=halted, paused=not halted))
    if seen.request != Request.FLATTEN or seen.perp_steps == 0:
        assert (decision.action, decision.state, decision.quantity_steps) == (Action.HOLD, State.SUSPENDED, 0)
    else:
        assert decision.quantity_steps == -seen.perp_steps


@given(seen=moments(), rules=policies)
def test_nothing_is_traded_inside_a_band_without_another_cause(seen: Facts, rules: Policy):
    """No latch, no force, no excursion, no approval, no request, no close: inside any one band nothing trades."""
    calm = seen._replace(granted_left_steps=0, request=0, liquidation_price=Decimal(0), lp_state=2)
    decision = decide(calm, rules._replace(force_ms=0, enabled=True), memory())
    gap_quote = decision.gap_quote
    inside = gap_quote < decision.band_quote or abs(decision.gap_base) <= rules.threshold_base
    if inside:
        assert (decision.action, decision.state) == (Action.HOLD, State.READY)


@settings(max_examples=60)
@given(seen=moments(), rules=policies, mind=memories())
def test_it_comes_to_rest(seen: Facts, rules: Policy, mind: Memory):
    """Carrying out what is decided, again and again at unchanged prices, ends; and it never goes back and forth."""
    now, sides_traded = seen._replace(granted_left_steps=0, rebalances_last_hour=0), set()
    for _ in range(150):
        decision = decide(now, rules._replace(max_per_hour=0, force_ms=0), mind)
        if decision.action != Action.ADJUST:
            break
        sides_traded.add(decision.quantity_steps > 0)
        now = after_fill(now, decision, liquidation_price="0", request=0)
        mind = decision.memory
    else:
        raise AssertionError(f"still trading {decision}")
    assert len(sides_traded) <= 1 or seen.liquidation_price > 0 or seen.request == Request.FLATTEN


@given(seen=moments(), rules=policies)
def test_limits_never_hold_back_a_reduction(seen: Facts, rules: Policy):
    """A reduction that is wanted is at least begun, at any margin, cap or liquidity limit."""
    over = seen._replace(
        net_base_pool=Decimal(1), net_base_mark=Decimal(1), perp_steps=-60_000, short_steps=60_000, lp_state=2,
        available_quote=Decimal(-5), margin_balance_quote=Decimal(1), rebalances_last_hour=0, request=0,
    )  # fmt: skip
    without_questions = rules._replace(approvals=False, enabled=True)
    assert decide(over, without_questions, memory()).quantity_steps > 0


@given(seen=moments(), rules=policies, mind=memories())
def test_every_state_may_be_reached_and_the_memory_holds_it(seen: Facts, rules: Policy, mind: Memory):
    """The state follows from the one before by the table, and the memory carries it."""
    for before in State:
        decision = decide(seen, rules, mind._replace(state=int(before)))
        assert transition(before, State(decision.state)) == decision.memory.state


@settings(max_examples=200)
@given(seen=moments(), rules=policies, mind=memories())
def test_machine_numbers_take_the_same_decision(seen: Facts, rules: Policy, mind: Memory):
    """Over floats the kernel says the same, but for what lies within a billionth of an edge."""
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
