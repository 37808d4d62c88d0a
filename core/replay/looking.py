"""One look of the engine in replay: facts from the path, the kernel's decision. Compiled source (see `compiled`)."""

from __future__ import annotations

from typing import NamedTuple

from core.hedging.kernel import decide
from core.hedging.kernel_types import Decision, Facts, Memory
from core.hedging.states import LpState, Reason
from core.replay.perp import Perp, equity_quote, maintenance_quote, tier_of
from core.replay.range_amounts import Shape, is_inside
from core.replay.setup import Setup
from core.replay.state import Hedge, Holding, Word
from core.replay.tally import AVAILABLE, DISTANCE, MARGIN, Tally, plans_since, unapproved_since

HOUR_MS = 3_600_000
_BPS = 10_000.0
_IN_RANGE = int(LpState.IN_RANGE)
_OUT_OF_RANGE = int(LpState.OUT_OF_RANGE)
_MISMATCH = int(Reason.POSITION_MISMATCH)
_NONE = int(Reason.NONE)


class Margin(NamedTuple):
    """In QUOTE."""

    equity: float
    available: float
    maintenance: float
    maintenance_rate: float


def look(
    now_ms: int, held: Holding, hedge: Hedge, word: Word, mind: Memory, shape: Shape, setup: Setup, tally: Tally
) -> Decision:
    """What the live kernel decides on these facts; `word` and `mind`: as an answer that came left them."""
    return decide(_facts(now_ms, held, hedge, word, shape, setup, tally), setup.policy, mind)


def net_base_of(held: Holding, setup: Setup) -> float:
    """The exposure before the hedge, at the pool's price."""
    return held.base + (held.fee_base if setup.conduct.include_fees else 0.0)


def _facts(now_ms: int, held: Holding, hedge: Hedge, word: Word, shape: Shape, setup: Setup, tally: Tally) -> Facts:
    costs, perp, plan = setup.costs, hedge.perp, hedge.plan
    beside = held.fee_base if setup.conduct.include_fees else 0.0
    margin = margin_of(perp, held.mark, setup)
    # The compiler wants no choices among so many arguments.
    problem = _MISMATCH if now_ms < hedge.mismatch_until_ms else _NONE
    lp_state = _IN_RANGE if is_inside(shape, held.price) else _OUT_OF_RANGE
    sold, bought = _unapproved(now_ms, setup, tally)
    return Facts(
        now_ms=now_ms,
        venue_problem=problem,
        chain_problem=_NONE,
        order_unknown=False,
        executor_running=plan.side != 0,
        running_side=plan.side,
        running_left_steps=plan.whole - plan.done,
        running_reason=plan.reason,
        lp_state=lp_state,
        net_base_pool=held.base + beside,
        net_base_mark=held.mark_base + beside,
        edge_base=shape.edge_base + beside,
        lp_value_quote=held.base * held.price + held.quote,
        price=held.mark * (1.0 + setup.conduct.price_side * costs.half_spread_bps / _BPS),
        pool_price=held.price,
        mark_price=held.mark,
        perp_steps=perp.steps,
        long_steps=max(perp.steps, 0),
        short_steps=max(-perp.steps, 0),
        hedge_mode=False,
        available_quote=margin.available,
        margin_balance_quote=margin.equity,
        maintenance_margin_quote=margin.maintenance,
        initial_rate=setup.account.initial_rate,
        maintenance_rate=margin.maintenance_rate,
        fee_rate=costs.taker_rate,
        liquidation_price=hedge.liquidation_price,
        reserved_quote=0.0,
        rebalances_last_hour=plans_since(tally, now_ms - HOUR_MS),
        unapproved_sell_quote=sold,
        unapproved_buy_quote=bought,
        pending_side=word.pending_side,
        pending_steps=word.pending_steps,
        granted_side=word.granted_side,
        granted_left_steps=word.granted_left,
        request=0,
        request_side=0,
        request_steps=0,
        isolated=False,
    )


def _unapproved(now_ms: int, setup: Setup, tally: Tally) -> tuple[float, float]:
    if not setup.policy.approvals:
        return 0.0, 0.0
    since_ms = now_ms - HOUR_MS
    return unapproved_since(tally, since_ms, -1), unapproved_since(tally, since_ms, 1)


def margin_of(perp: Perp, mark: float, setup: Setup) -> Margin:
    """At that mark, by the tier of the position's notional; what is available is never below zero."""
    account, step = setup.account, float(setup.policy.step_base)
    notional = abs(perp.steps) * step * mark
    tier = tier_of(account, notional)
    equity = equity_quote(perp, step, mark)
    return Margin(
        equity,
        max(0.0, equity - notional * account.initial_rate),
        maintenance_quote(account, tier, notional),
        account.tier_rate[tier],
    )


def note_margin(margin: Margin, hedge: Hedge, worst: float, tally: Tally) -> None:
    """How near it came at a bar's worst price: 0 % away once liquidation is reached."""
    tally.worst[MARGIN] = min(tally.worst[MARGIN], margin.equity)
    tally.worst[AVAILABLE] = min(tally.worst[AVAILABLE], margin.available)
    if hedge.perp.steps < 0 and hedge.liquidation_price > 0.0:
        distance_pct = max((hedge.liquidation_price / worst - 1.0) * 100.0, 0.0)
        tally.worst[DISTANCE] = min(tally.worst[DISTANCE], distance_pct)
