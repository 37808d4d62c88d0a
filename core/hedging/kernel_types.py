"""What goes into and comes out of the kernel: tuples of plain scalars.

`Number` is Decimal in the live engine; replay compiles the same source over machine numbers, so a number here is only
compared and put through + - * /. Quantities in the perp's own steps, times in milliseconds since the epoch, switches
as bool, choices as the integer values of the enums in `states`. A time of 0 means "never", a side is -1 sell, +1 buy,
0 none, and `steps` are signed as positions are (negative: short) unless a line says "size".
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

Number = Decimal


class Policy(NamedTuple):
    """The configuration of one hedge as numbers. 0 switches a limit off; -1 stands for "derive from the band"."""

    step_base: Number
    # An order's size is a multiple of `lot_steps`; an increase has at least `min_steps` and `min_notional_quote`.
    lot_steps: int
    min_steps: int
    max_steps: int
    min_notional_quote: Number
    hedge_ratio: Number
    threshold_base: Number
    band_quote: Number
    band_pct: Number
    hysteresis_quote: Number
    to_edge: bool
    enabled: bool
    close_on_disable: bool
    close_when_no_lp: bool
    no_lp_grace_ms: int
    force_ms: int
    out_of_range_ms: int
    cooldown_ms: int
    max_per_hour: int
    urgent_multiple: Number
    min_available_quote: Number
    min_liquidation_pct: Number
    deleverage_pct: Number
    max_position_quote: Number
    max_plan_quote: Number
    max_basis_bps: Number
    approvals: bool
    approval_over_quote: Number
    approval_cover_ms: int
    alert_over_quote: Number
    # Part of a step that machine numbers may lose in a division: 0 with Decimal, 1e-9 in replay.
    rounding_slack: Number


class Facts(NamedTuple):
    """One moment as the engine knows it. A figure whose source has a problem may be anything and is not acted on.

    `venue_problem`, `chain_problem`: a Reason, 0 when all is well. `net_base_pool`, `net_base_mark`: the same exposure
    at the pool's price and at the perp's mark. `edge_base`: BASE at the positions' lower edges, plus fees, wallet and
    departed as configured. `running_left_steps`, `pending_steps`, `granted_left_steps`: sizes. `reserved_quote`: margin
    spoken for by the account's other hedges. `unapproved_*_quote`: fills of the last hour that no person approved.
    `request_side`, `request_steps`: what a /hedge was confirmed for, side 0 when no size was shown.
    `liquidation_price` 0: there is none. Margin figures are the whole account's; when
    `isolated`, what backs the position follows from its own liquidation price.
    """

    now_ms: int
    venue_problem: int
    chain_problem: int
    order_unknown: bool
    executor_running: bool
    running_side: int
    running_left_steps: int
    running_reason: int
    lp_state: int
    net_base_pool: Number
    net_base_mark: Number
    edge_base: Number
    lp_value_quote: Number
    price: Number
    pool_price: Number
    mark_price: Number
    perp_steps: int
    long_steps: int
    short_steps: int
    hedge_mode: bool
    available_quote: Number
    margin_balance_quote: Number
    maintenance_margin_quote: Number
    initial_rate: Number
    maintenance_rate: Number
    fee_rate: Number
    liquidation_price: Number
    reserved_quote: Number
    rebalances_last_hour: int
    unapproved_sell_quote: Number
    unapproved_buy_quote: Number
    pending_side: int
    pending_steps: int
    granted_side: int
    granted_left_steps: int
    request: int
    request_side: int = 0
    request_steps: int = 0
    isolated: bool = False


class Latch(NamedTuple):
    """The plan begun at `at_ms` for `reason`: complete when the perp has gone to `to_steps` in the direction `side`."""

    side: int = 0
    to_steps: int = 0
    reason: int = 0
    at_ms: int = 0


class Since(NamedTuple):
    """Since when every position is out of range (and whether that excursion had its trade), or there is none."""

    out_ms: int = 0
    out_traded: bool = False
    none_ms: int = 0


class Snooze(NamedTuple):
    """No automatic trade on `side` until then; `steps` is the size that was rejected."""

    side: int = 0
    until_ms: int = 0
    steps: int = 0


class Question(NamedTuple):
    """A need proposed `asked` times that nobody answered; `steps` is the size last asked for.

    `partial`: 0 no, 1 a plan just under the approval limit is due, 2 it was made and the rest waits until `again_ms`.
    """

    side: int = 0
    steps: int = 0
    asked: int = 0
    again_ms: int = 0
    partial: int = 0


class Memory(NamedTuple):
    """All that one evaluation leaves to the next; `state` is the last decision's, SUSPENDED before the first."""

    state: int = 4
    halted: bool = False
    paused: bool = False
    last_rebalance_ms: int = 0
    latch: Latch = Latch()
    since: Since = Since()
    snooze: Snooze = Snooze()
    question: Question = Question()


class Decision(NamedTuple):
    """What to do, why, and the numbers behind it.

    `quantity_steps`: signed, what to trade now (ADJUST), what a running plan may still trade (SHRINK), what to ask for
    (ASK: the part of the need that the limits leave, before it is cut into plans); for NET_LEGS the size to close on
    both legs. `wanted_steps`: signed, the whole need before caps and headroom. `reason`: of the state, or of the trade
    for ADJUST and ASK. `clipped_by`: what cut the need down to the quantity, 0 when nothing did. `approved`: a person
    stands behind this trade. The limits in force: `hysteresis_quote`, `approval_quote` (-1: never asks), `alert_quote`,
    and `band_quote`, the largest band in QUOTE. `basis_bps`: pool price against mark, never negative.
    """

    action: int
    state: int
    reason: int
    quantity_steps: int
    wanted_steps: int
    reduce_only: bool
    urgent: bool
    approved: bool
    clipped_by: int
    target_base: Number
    gap_base: Number
    gap_quote: Number
    band_quote: Number
    hysteresis_quote: Number
    approval_quote: Number
    alert_quote: Number
    basis_bps: Number
    memory: Memory
