"""What follows a decision in replay: plans, questions, fills, and when the next look is due.

Compiled source (see `compiled`); the live counterparts are `core.actions`, `core.grants` and `core.runner`.
"""

from __future__ import annotations

from core.hedging.afterwards import filled, unanswered, withdrawn
from core.hedging.kernel_types import Decision, Memory
from core.hedging.states import Action, State
from core.replay.looking import look, net_base_of
from core.replay.orders import Move, Plan, new_plan, no_plan, work
from core.replay.perp import Perp, after_fill, liquidation_price, paid
from core.replay.range_amounts import Shape
from core.replay.setup import POST_ONLY, Setup
from core.replay.state import Glance, Hedge, Holding, Word, no_word
from core.replay.tally import (
    COMMISSIONS,
    EXECUTION,
    FILLS,
    LOOKS,
    REALISED,
    SLIPPAGE,
    SPENT,
    TURNOVER_QUOTE,
    Tally,
    note_plan,
    note_unapproved,
)

BUSY_MS = 1000
_ADJUST = int(Action.ADJUST)
_ASK = int(Action.ASK)
_CANCEL = int(Action.CANCEL)
_CONTINUE = int(Action.CONTINUE)
_SHRINK = int(Action.SHRINK)
_SUPERSEDE = int(Action.SUPERSEDE)
_ADJUSTING = int(State.ADJUSTING)


def evaluate(
    now_ms: int, held: Holding, mid_at_fill: float, hedge: Hedge, shape: Shape, setup: Setup, tally: Tally
) -> Hedge:
    """One look, one decision, at most one order; `mid_at_fill`: the price when an order sent now arrives."""
    word, mind = hedge.word, hedge.memory
    if word.pending_side != 0 or word.granted_side != 0:
        word, mind = after_answer(now_ms, hedge, setup)
    decision = look(now_ms, held, hedge, word, mind, shape, setup, tally)
    tally.counts[LOOKS] += 1
    note_time(now_ms, hedge.glance, tally)
    word = _asked(now_ms, word, decision)
    mind = withdrawn(decision.memory) if decision.action == _SUPERSEDE else decision.memory
    plan = _plan_after(now_ms, held.mark, hedge.plan, decision)
    move = _moved(now_ms, held.mark, mid_at_fill, plan, decision, setup)
    perp, liquidated_at = hedge.perp, hedge.liquidation_price
    if move.filled > 0:
        perp = executed(now_ms, plan, move, mid_at_fill, perp, setup, tally)
        liquidated_at = liquidation_price(perp, setup.account, float(setup.policy.step_base))
        mind = filled(mind, now_ms)
        word = _used(word, plan, move.filled)
    glance = Glance(
        now_ms,
        held.mark,
        net_base_of(held, setup),
        float(decision.band_quote),
        decision.state,
        decision.reason,
    )
    due_ms = _due(now_ms, decision, move.plan, word, setup)
    return Hedge(mind, move.plan, perp, liquidated_at, word, glance, due_ms, hedge.mismatch_until_ms)


def fill_row(tally: Tally, now_ms: int, plan: Plan, signed_base: float, move: Move, fee: float, after: float) -> None:
    """As `outcome.FILL_FIELDS`, as far as there is room."""
    number = tally.counts[FILLS]
    if number < len(tally.fills):
        row = tally.fills[number]
        row[0] = now_ms
        row[1] = 1.0 if signed_base > 0.0 else -1.0
        row[2] = abs(signed_base)
        row[3] = move.price
        row[4] = plan.arrival
        row[5] = fee
        row[6] = 1.0 if move.is_maker else 0.0
        row[7] = plan.reason
        row[8] = after
    tally.counts[FILLS] += 1


def note_time(now_ms: int, before: Glance, tally: Tally) -> None:
    """How long what the last look found has stood."""
    tally.state_ms[before.state] += now_ms - before.at_ms
    tally.reason_ms[before.reason] += now_ms - before.at_ms


def after_answer(now_ms: int, hedge: Hedge, setup: Setup) -> tuple[Word, Memory]:
    """A person's yes when its time has come; silence when that is over."""
    word, mind, conduct = hedge.word, hedge.memory, setup.conduct
    if word.granted_side != 0 and now_ms > word.granted_until_ms:
        word = Word(word.pending_side, word.pending_steps, word.asked_ms, 0, 0, 0)
    if word.pending_side == 0:
        return word, mind
    waited_ms = now_ms - word.asked_ms
    if 0 <= conduct.answer_ms <= waited_ms and conduct.answer_ms <= conduct.timeout_ms:
        until_ms = word.asked_ms + conduct.timeout_ms + conduct.twap_duration_ms
        return Word(0, 0, 0, word.pending_side, word.pending_steps, until_ms), mind
    if waited_ms >= conduct.timeout_ms:
        return no_word(), unanswered(mind, word.pending_side, word.pending_steps, now_ms, conduct.partial)
    return word, mind


def _asked(now_ms: int, word: Word, decision: Decision) -> Word:
    if decision.action == _ASK:
        side = 1 if decision.quantity_steps > 0 else -1
        return Word(side, abs(decision.quantity_steps), now_ms, 0, 0, 0)
    return no_word() if decision.action == _SUPERSEDE else word


def _plan_after(now_ms: int, mid: float, plan: Plan, decision: Decision) -> Plan:
    if decision.action == _ADJUST:
        signed = decision.quantity_steps
        return new_plan(signed, decision.reduce_only, decision.reason, decision.approved, now_ms, mid)
    return no_plan() if decision.action == _CANCEL else plan


def _moved(now_ms: int, mid: float, mid_at_fill: float, plan: Plan, decision: Decision, setup: Setup) -> Move:
    """Nothing is sent but for these three; an executor that is not told to go on rests."""
    action = decision.action
    if plan.side == 0 or action not in (_ADJUST, _CONTINUE, _SHRINK):
        return Move(plan, 0, 0.0, False)
    left = plan.whole - plan.done
    if action == _SHRINK:
        left = min(left, abs(decision.quantity_steps))
    return work(plan, left, now_ms, mid, mid_at_fill, decision.urgent, setup)


def executed(now_ms: int, plan: Plan, move: Move, mid_at_fill: float, perp: Perp, setup: Setup, tally: Tally) -> Perp:
    """Books what a move filled, and its fee; the perp as it is then."""
    step, flow, sums = float(setup.policy.step_base), tally.flow, tally.sums
    signed_base = plan.side * move.filled * step
    notional = abs(signed_base) * move.price
    fee = notional * (setup.costs.maker_rate if move.is_maker else setup.costs.taker_rate)
    closed = after_fill(perp, plan.side * move.filled, step, move.price)
    flow[SPENT] += signed_base * move.price
    flow[SLIPPAGE] += signed_base * (plan.arrival - move.price)
    flow[COMMISSIONS] -= fee
    # While a quote waits the market leaves or comes for a reason; between slices it moves by chance.
    fair = plan.arrival if setup.conduct.order_kind == POST_ONLY else mid_at_fill
    sums[EXECUTION] += signed_base * (move.price - fair)
    sums[REALISED] += closed.realised
    sums[TURNOVER_QUOTE] += notional
    fill_ms = now_ms if move.is_maker else now_ms + setup.costs.latency_ms
    fill_row(tally, fill_ms, plan, signed_base, move, fee, closed.perp.steps * step)
    if plan.done == 0:
        note_plan(tally, now_ms)
    if setup.policy.approvals and not plan.approved:
        note_unapproved(tally, now_ms, signed_base * move.price)
    return paid(closed.perp, -fee)


def _used(word: Word, plan: Plan, steps: int) -> Word:
    """What an approval has left after a fill under it."""
    if not plan.approved or word.granted_side == 0:
        return word
    left = word.granted_left - steps
    if left <= 0:
        return no_word()
    return Word(0, 0, 0, word.granted_side, left, word.granted_until_ms)


def _due(now_ms: int, decision: Decision, plan: Plan, word: Word, setup: Setup) -> int:
    """A plan at work is looked after every second, all else at its poll, or when an answer or its end is due."""
    conduct = setup.conduct
    busy = decision.state == _ADJUSTING or plan.side != 0
    due_ms = now_ms + (min(BUSY_MS, conduct.poll_ms) if busy else conduct.poll_ms)
    if word.pending_side != 0:
        wait_ms = conduct.answer_ms if 0 <= conduct.answer_ms <= conduct.timeout_ms else conduct.timeout_ms
        due_ms = min(due_ms, word.asked_ms + wait_ms)
    return due_ms
