"""Moments for properties of the kernel: a hedge in any situation, likely and odd alike, in markets of three scales.

A moment is the facts, the policy they meet and the memory they find. What belongs together in life is mostly drawn
together (an executor's side and the gap, a latch and the position, a grant and what is needed), and now and then it is
not: the kernel must not depend on a caller that never errs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from core.hedging.kernel_types import Facts, Latch, Memory, Policy, Question, Since, Snooze
from core.hedging.states import LpState, Reason, Request, State
from tests.hedging.givens import NOW_MS, facts, memory, policy

VENUE_PROBLEMS = (
    Reason.NO_PRICE,
    Reason.STALE_VENUE,
    Reason.IMPLAUSIBLE_READ,
    Reason.POSITION_MISMATCH,
    Reason.VENUE_DISLOCATED,
    Reason.WRONG_SYMBOL,
)
CHAIN_PROBLEMS = (Reason.STALE_CHAIN, Reason.IMPLAUSIBLE_READ, Reason.STARTING)
CLOSES = (Reason.CLOSE_ON_DISABLE, Reason.NO_LP_CLOSE)
CLOCKED = (Reason.OUT_OF_RANGE, Reason.FORCE_INTERVAL)
# What a plan may be made for: for the gap's sake, which leaves a latch, and for another, which does not.
LATCHED = (Reason.BAND_EXCEEDED, Reason.APPROVED, *CLOCKED, *CLOSES, Reason.OPERATOR_HEDGE)
TO_ITS_END = (Reason.DELEVERAGE, Reason.NET_LEGS, Reason.OPERATOR_FLATTEN)
PLANNED = (*LATCHED, *TO_ITS_END)


class Scale(NamedTuple):
    """Of a market: BASE amounts are `base` times as large and prices as small, so that amounts in QUOTE are alike."""

    base: Decimal
    step: Decimal

    @property
    def per_milli(self) -> Decimal:
        """Steps in a thousandth of the amounts that are drawn."""
        return self.base / self.step / 1000


# As ETH at 2000, as a token at 0.2, and as one at 100,000 whose step alone is worth 100.
SCALES = (
    Scale(Decimal(1), Decimal("0.001")),
    Scale(Decimal(10_000), Decimal(1)),
    Scale(Decimal("0.02"), Decimal("0.001")),
)


class Moment(NamedTuple):
    seen: Facts
    rules: Policy
    mind: Memory


def amounts(low: str, high: str, places: int = 3) -> st.SearchStrategy[Decimal]:
    """Through integers, which are drawn several times as fast as decimals."""
    unit = Decimal(1).scaleb(-places)
    return st.integers(int(Decimal(low) / unit), int(Decimal(high) / unit)).map(lambda units: units * unit)


def off_or(strategy: st.SearchStrategy[Decimal]) -> st.SearchStrategy[Decimal]:
    return st.one_of(st.just(Decimal(0)), strategy)


# Everything that needs no other draw is built once: what is built while drawing is most of the time.
FLAGS = st.booleans()
_policies = st.builds(
    policy,
    lot_steps=st.sampled_from([1, 1, 10]),
    min_steps=st.integers(1, 50),
    max_steps=st.sampled_from([0, 0, 500, 2000, 20_000]),
    min_notional_quote=amounts("0", "100", 0),
    hedge_ratio=st.one_of(st.just(Decimal(1)), amounts("0.01", "1", 2)),
    threshold_base=off_or(amounts("0.001", "5")),
    band_quote=st.one_of(amounts("1", "500", 0), amounts("1", "5000", 0)),
    band_pct=off_or(amounts("0.1", "10", 1)),
    hysteresis_quote=st.one_of(st.just(Decimal(-1)), amounts("0", "1000", 0)),
    to_edge=FLAGS,
    enabled=st.sampled_from([True] * 7 + [False]),
    close_on_disable=FLAGS,
    close_when_no_lp=FLAGS,
    force_ms=st.sampled_from([0, 600_000]),
    out_of_range_ms=st.sampled_from([0, 300_000]),
    cooldown_ms=st.sampled_from([0, 30_000]),
    max_per_hour=st.sampled_from([0, 5, 30]),
    urgent_multiple=off_or(amounts("1", "5", 1)),
    min_available_quote=st.sampled_from([Decimal(0), Decimal(500)]),
    min_liquidation_pct=off_or(amounts("1", "50", 0)),
    deleverage_pct=off_or(amounts("1", "20", 0)),
    max_position_quote=off_or(amounts("1000", "200000", 0)),
    max_plan_quote=off_or(amounts("4000", "50000", 0)),
    max_basis_bps=off_or(amounts("10", "500", 0)),
    approvals=FLAGS,
    approval_over_quote=st.one_of(st.just(Decimal(-1)), st.just(Decimal(0)), amounts("0", "50000", 0)),
)
_plain_facts = st.builds(
    facts,
    price=amounts("500", "4000", 2),
    lp_value_quote=amounts("0", "200000", 0),
    lp_state=st.sampled_from([LpState.IN_RANGE] * 5 + list(LpState)).map(int),
    available_quote=st.one_of(st.just(Decimal(200_000)), amounts("-100", "50000", 0)),
    margin_balance_quote=st.one_of(st.just(Decimal(200_000)), amounts("0", "100000", 0)),
    reserved_quote=off_or(amounts("0", "5000", 0)),
    rebalances_last_hour=st.one_of(st.just(0), st.integers(0, 70)),
    unapproved_sell_quote=off_or(amounts("0", "50000", 0)),
    unapproved_buy_quote=off_or(amounts("0", "50000", 0)),
    request=st.sampled_from([Request.NONE] * 7 + [Request.HEDGE] * 2 + [Request.FLATTEN]).map(int),
)
# In thousandths: (long, short). Mostly a short alone, sometimes flat, a long, or both legs of hedge mode.
_open = st.sampled_from([(0, 1)] * 7 + [(0, 0), (1, 0), (1, 1)])
_longs, _shorts = st.integers(0, 5_000), st.integers(0, 80_000)
_exposures = amounts("-1", "60")
_offsets = amounts("-6", "6")
_apart = off_or(amounts("-5", "5"))
_edges = st.one_of(st.none(), amounts("0", "120"))
_pushes = st.one_of(st.just(Decimal(1)), amounts("0.9", "1.1", 2))
_marks = st.sampled_from([Decimal(1), Decimal(1), Decimal("1.01")])
_liquidations = st.one_of(st.just(Decimal(0)), st.just(Decimal(2)), amounts("0.9", "1.5", 2))
_sizes = st.integers(0, 20_000)
_near_sizes = st.integers(0, 7)
_sides = st.sampled_from([-1, 0, 1])
_likely = st.sampled_from([True, True, True, False])
_scales = st.sampled_from(SCALES)
_planned = st.sampled_from([*(PLANNED * 10), *Reason]).map(int)
_latched = st.sampled_from([*(LATCHED * 10), *(set(Reason) - set(TO_ITS_END))]).map(int)
_troubles = st.fixed_dictionaries(
    {
        "venue_problem": st.sampled_from([Reason.NONE, *VENUE_PROBLEMS]).map(int),
        "chain_problem": st.sampled_from([Reason.NONE, *CHAIN_PROBLEMS]).map(int),
        "order_unknown": FLAGS,
    }
)
_minds = st.builds(
    memory,
    state=st.sampled_from([State.READY] * 6 + list(State)).map(int),
    last_rebalance_ms=st.integers(0, 900_000).map(lambda ago: NOW_MS - ago),
    since=st.builds(Since, st.sampled_from([0, NOW_MS - 1000, NOW_MS - 400_000]), FLAGS, st.sampled_from([0, 5])),
    halted=st.sampled_from([False] * 11 + [True]),
    paused=st.sampled_from([False] * 11 + [True]),
)
_moments_ms = st.sampled_from([-1, 0, 1, 300_000]).map(lambda ahead: NOW_MS + ahead)
_begun_ms = st.sampled_from([0, 60_000, 3_600_000]).map(lambda ago: NOW_MS - ago)
_asked, _parts = st.integers(0, 5), st.integers(0, 2)
_dice = {faces: st.integers(1, faces) for faces in (2, 3, 12)}


@st.composite
def moments(draw: st.DrawFn) -> Moment:
    """Nothing at work, asked, granted, doubted or stopped in the simplest; all of it, in any combination, in others."""
    scale = draw(_scales)
    rules = draw(_policies)
    rules = rules._replace(step_base=scale.step, threshold_base=rules.threshold_base * scale.base)
    seen = _market(draw, scale, rules)
    missing = _missing_steps(seen, rules)
    if _comes_up(draw, 3):
        side, left = _wanted(draw, scale, missing)
        seen = seen._replace(
            executor_running=True, running_side=side, running_left_steps=left, running_reason=draw(_planned)
        )
    if _comes_up(draw, 3):
        side, size = _wanted(draw, scale, missing)
        seen = seen._replace(pending_side=side, pending_steps=size)
    if _comes_up(draw, 3):
        side, left = _wanted(draw, scale, missing)
        seen = seen._replace(granted_side=side, granted_left_steps=left)
    if seen.request == Request.HEDGE and draw(FLAGS):
        side, size = _wanted(draw, scale, missing)
        seen = seen._replace(request_side=side, request_steps=size)
    if _comes_up(draw, 12):
        seen = seen._replace(**draw(_troubles))
    return Moment(seen, rules, _mind(draw, scale, seen, missing))


def _comes_up(draw: st.DrawFn, faces: int) -> bool:
    return draw(_dice[faces]) == faces


def _market(draw: st.DrawFn, scale: Scale, rules: Policy) -> Facts:
    """Position, exposure, prices and margin. The exposure is near what the position hedges, or anywhere."""
    plain = draw(_plain_facts)
    has_long, has_short = draw(_open)
    long = has_long * int(draw(_longs) * scale.per_milli)
    short = has_short * int(draw(_shorts) * scale.per_milli)
    perp_base = (long - short) * scale.step
    near = draw(_offsets) * scale.base - perp_base / rules.hedge_ratio
    net = near if draw(_likely) else draw(_exposures) * scale.base
    edge, price = draw(_edges), plain.price / scale.base
    return plain._replace(
        net_base_pool=net,
        net_base_mark=net + draw(_apart) * scale.base,
        edge_base=2 * abs(net) if edge is None else edge * scale.base,
        price=price,
        pool_price=price * draw(_pushes),
        mark_price=price * draw(_marks),
        perp_steps=long - short,
        long_steps=long,
        short_steps=short,
        hedge_mode=bool(long and short) or not draw(_likely),
        liquidation_price=price * draw(_liquidations),
    )


def _missing_steps(seen: Facts, rules: Policy) -> int:
    """Roughly the trade that is missing, by the pool's word; it need not be what the kernel finds."""
    target = min(-rules.hedge_ratio * seen.net_base_pool, Decimal(0))
    return int(target / rules.step_base) - seen.perp_steps


def _wanted(draw: st.DrawFn, scale: Scale, missing: int) -> tuple[int, int]:
    """(side, size): what is missing, its half, twice it, one more or less; or anything."""
    side = (1 if missing > 0 else -1) if draw(_likely) else draw(_sides)
    if not draw(_likely):
        return side, int(draw(_sizes) * scale.per_milli)
    size = abs(missing)
    telling = (size, size // 2, size // 2 + 1, 2 * size, size + 1, max(size - 1, 0), size * 2 // 3, 0)
    return side, telling[draw(_near_sizes)]


def _mind(draw: st.DrawFn, scale: Scale, seen: Facts, missing: int) -> Memory:
    mind = draw(_minds)
    if _comes_up(draw, 2):
        side, ahead = _wanted(draw, scale, missing)
        mind = mind._replace(latch=Latch(side, seen.perp_steps + side * ahead, draw(_latched), draw(_begun_ms)))
    if _comes_up(draw, 3):
        side, size = _wanted(draw, scale, missing)
        mind = mind._replace(snooze=Snooze(side, draw(_moments_ms), size))
    if _comes_up(draw, 3):
        side, size = _wanted(draw, scale, missing)
        mind = mind._replace(question=Question(side, size, draw(_asked), draw(_moments_ms), draw(_parts)))
    return mind
