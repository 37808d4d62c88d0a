"""The loop of a replay over a path: what happens between two points, what a bar brought, and the looks.

Compiled source (see `compiled`). Between two points prices move in a straight line; what is due there (a plan's next
slice, an answer, a funding payment) happens at its own time. At a point first the bar is booked, then the engine looks.
"""

from __future__ import annotations

from core.accounting.split import Dealings, Split, Worth, split
from core.hedging.kernel_types import Memory
from core.hedging.states import State
from core.replay.acting import evaluate, fill_row, note_time
from core.replay.looking import margin_of, net_base_of, note_margin
from core.replay.orders import Move, new_plan, no_plan
from core.replay.path import DAY_MS, Path
from core.replay.perp import (
    LIQUIDATION_FEE_RATE,
    Perp,
    after_fill,
    liquidation_price,
    paid,
)
from core.replay.range_amounts import Shape, base_at, is_inside, quote_at, shape_of
from core.replay.recording import note_bar, note_curve, note_end, note_exposure, note_parts
from core.replay.setup import Setup
from core.replay.state import Hedge, Holding, fresh_hedge, no_word, with_perp
from core.replay.swap_fees import part_in_range, share_of
from core.replay.tally import (
    COMMISSIONS,
    FUNDING,
    LIQUIDATIONS,
    OTHER,
    REALISED,
    SLIPPAGE,
    SPENT,
    TURNOVER_QUOTE,
    Tally,
)

YEAR_MS = 365 * DAY_MS
NEVER_MS = 1 << 62
_ADJUSTING = int(State.ADJUSTING)
PART_OF_BAND = 0.25
SECOND_MS = 1000


def run(path: Path, setup: Setup, mind: Memory, tally: Tally) -> tuple[Worth, Worth, float]:
    """Fills `tally`; returns what was there at the start and at the end, and the cash that the account gained.

    `mind`: a memory of nothing. The path has at least one point.
    """
    shape = shape_of(setup.position)
    held, step = _holding(path.pool[0], path.mark[0], shape, 0.0, 0.0), float(setup.policy.step_base)
    short = _short_in_place(held, setup)
    hedge = fresh_hedge(mind, setup.account, short, step, held.mark, path.time_ms[0])
    start = worth = _worth(held, hedge, setup)
    paid_until = 0
    for point in range(len(path.time_ms)):
        end_ms, is_booked = path.time_ms[point], point == 0
        while True:
            now_ms = _next_look(end_ms, hedge)
            while _next_funding(path, paid_until) <= now_ms:
                perp = funded(path, point, paid_until, hedge.perp, setup, tally)
                hedge = with_perp(hedge, perp, setup.account, step)
                paid_until += 1
            if now_ms == end_ms and not is_booked:
                if _is_closed_out(path.high[point], path.low[point], hedge, setup, tally):
                    hedge = liquidated(path, point, hedge, setup, tally)
                before, held = held, _held_at(path, point, held, shape, setup)
                now = _worth(held, hedge, setup)
                note_bar(_booked(start.lp_base, worth, now, tally), before, held, hedge, shape, tally)
                note_exposure(now_ms, held, hedge, setup, tally)
                worth, is_booked = now, True
            if now_ms == end_ms and not _is_due(now_ms, held, hedge, setup):
                break
            there, arrival = _there(path, point, now_ms, held, shape, setup)
            hedge = evaluate(now_ms, there, arrival, hedge, shape, setup, tally)
            note_exposure(now_ms, there, hedge, setup, tally)
        note_curve(path, point, held, hedge, setup, tally)
    end = _worth(held, hedge, setup)
    _booked(start.lp_base, worth, end, tally)
    note_end(path.time_ms[-1], held, hedge, setup, tally)
    note_time(path.time_ms[-1], hedge.glance, tally)
    cash = hedge.perp.wallet_quote - setup.account.balance_quote - hedge.perp.cost_quote - short * step * path.mark[0]
    return start, end, cash


def _short_in_place(held: Holding, setup: Setup) -> int:
    """Steps of the short with which the path begins."""
    policy = setup.policy
    wanted = float(policy.hedge_ratio) * held.base / float(policy.step_base) + float(policy.rounding_slack)
    return int(wanted) if setup.conduct.starts_hedged else 0


def _next_funding(path: Path, paid_until: int) -> int:
    return path.funding_ms[paid_until] if paid_until < len(path.funding_ms) else NEVER_MS


def _next_look(end_ms: int, hedge: Hedge) -> int:
    """Before the point at `end_ms` one only where it can matter: nothing new is known of the market there."""
    at_work = hedge.plan.side != 0 or hedge.word.pending_side != 0 or hedge.glance.state == _ADJUSTING
    return min(hedge.due_ms, end_ms) if at_work else end_ms


def _is_due(now_ms: int, held: Holding, hedge: Hedge, setup: Setup) -> bool:
    """By its time, or because the price has moved the exposure by a quarter of the band since the last look."""
    if now_ms >= hedge.due_ms:
        return True
    glance = hedge.glance
    if not setup.conduct.stirs or now_ms - glance.at_ms < SECOND_MS:
        return False
    moved = abs(net_base_of(held, setup) - glance.net_base) * held.mark
    return moved > 0.0 and moved >= PART_OF_BAND * glance.band_quote


def funded(path: Path, point: int, number: int, perp: Perp, setup: Setup, tally: Tally) -> Perp:
    """A short receives its notional at the mark times a positive rate; nothing is due for the time before the path."""
    if path.funding_ms[number] <= path.time_ms[0]:
        return perp
    mark = _mark_at(path, point - 1, path.funding_ms[number])
    received = -perp.steps * float(setup.policy.step_base) * mark * path.funding_rate[number]
    tally.flow[FUNDING] += received
    return paid(perp, received)


def _is_closed_out(high: float, low: float, hedge: Hedge, setup: Setup, tally: Tally) -> bool:
    """Whether the bar's worst price left less than must stay; also notes how near that was."""
    worst = high if hedge.perp.steps < 0 else low
    margin = margin_of(hedge.perp, worst, setup)
    note_margin(margin, hedge, worst, tally)
    return hedge.perp.steps != 0 and margin.equity < margin.maintenance


def liquidated(path: Path, point: int, hedge: Hedge, setup: Setup, tally: Tally) -> Hedge:
    """Closed where equity met maintenance, less the fund's fee, and not adopted at once."""
    step, perp = float(setup.policy.step_base), hedge.perp
    price = min(max(hedge.liquidation_price, path.low[point]), path.high[point])
    now_ms, signed_base = path.time_ms[point], -perp.steps * step
    closed = after_fill(perp, -perp.steps, step, price)
    fee = abs(signed_base) * price * setup.costs.taker_rate
    left = closed.perp.wallet_quote - fee
    cleared = min(abs(signed_base) * price * LIQUIDATION_FEE_RATE, left)
    plan = new_plan(-perp.steps, True, 0, False, now_ms, price)
    tally.flow[SPENT] += signed_base * price
    tally.flow[COMMISSIONS] -= fee
    tally.flow[OTHER] -= cleared
    tally.sums[REALISED] += closed.realised
    tally.sums[TURNOVER_QUOTE] += abs(signed_base) * price
    tally.counts[LIQUIDATIONS] += 1
    fill_row(tally, now_ms, plan, signed_base, Move(plan, abs(perp.steps), price, False), fee, 0.0)
    answer_ms = setup.conduct.answer_ms
    until_ms = now_ms + answer_ms if answer_ms >= 0 else NEVER_MS
    after = paid(closed.perp, -fee - cleared)
    liquidated_at = liquidation_price(after, setup.account, step)
    return Hedge(hedge.memory, no_plan(), after, liquidated_at, no_word(), hedge.glance, now_ms, until_ms)


def _booked(holder_base: float, before: Worth, now: Worth, tally: Tally) -> Split:
    """The step's wealth, split by the same source as the live account's. `holder_base`: the LP's own at the start."""
    flow = tally.flow
    dealt = Dealings(
        held_base=now.lp_base,
        held_quote=now.lp_quote,
        holder_base=holder_base,
        bought_base=now.perp_base - before.perp_base,
        spent_quote=flow[SPENT],
        slippage=flow[SLIPPAGE],
        others_bought_base=0.0,
        others_spent_quote=0.0,
        others_fees=0.0,
        commissions=flow[COMMISSIONS],
        funding=flow[FUNDING],
        other=flow[OTHER],
    )
    parts = split(before, now, dealt)
    note_parts(parts, tally)
    flow[:] = 0.0
    return parts


def _worth(held: Holding, hedge: Hedge, setup: Setup) -> Worth:
    perp_base = hedge.perp.steps * float(setup.policy.step_base)
    return Worth(held.price, held.mark, held.base, held.quote, held.fee_base, held.fee_quote, 0.0, perp_base)


def _there(path: Path, point: int, now_ms: int, held: Holding, shape: Shape, setup: Setup) -> tuple[Holding, float]:
    """What a look before or at a point sees, and the mark when an order sent now arrives."""
    fill_ms = now_ms + setup.costs.latency_ms
    if now_ms == path.time_ms[point]:
        return held, _mark_at(path, point, fill_ms)
    part = _part_of_way(path, point - 1, now_ms)
    price = held.price + (path.pool[point] - held.price) * part
    mark = held.mark + (path.mark[point] - held.mark) * part
    there = _holding(price, mark, shape, held.fee_base, held.fee_quote)
    return there, _mark_at(path, point - 1, fill_ms)


def _held_at(path: Path, point: int, before: Holding, shape: Shape, setup: Setup) -> Holding:
    """At a point, with what the bar's swaps paid to this range; by an APR of the principal besides, if one is set."""
    share = share_of(path.pool_liquidity[point], shape.liquidity)
    share *= part_in_range(path.pool_low[point], path.pool_high[point], shape.log_lower, shape.log_upper)
    earned_base, earned_quote = path.fee_base[point] * share, path.fee_quote[point] * share
    if setup.costs.fee_apr > 0.0 and is_inside(shape, before.price):
        years = (path.time_ms[point] - path.time_ms[point - 1]) / YEAR_MS
        half = (before.base * before.price + before.quote) * setup.costs.fee_apr * years / 2.0
        earned_base += half / before.price
        earned_quote += half
    fee_base, fee_quote = before.fee_base + earned_base, before.fee_quote + earned_quote
    return _holding(path.pool[point], path.mark[point], shape, fee_base, fee_quote)


def _holding(price: float, mark: float, shape: Shape, fee_base: float, fee_quote: float) -> Holding:
    base = base_at(shape, price)
    mark_base = base if mark == price else base_at(shape, mark)
    return Holding(price, mark, base, quote_at(shape, price), mark_base, fee_base, fee_quote)


def _mark_at(path: Path, point: int, at_ms: int) -> float:
    """On the straight line between two points, from this one on; behind the last, its price."""
    while point + 1 < len(path.time_ms) and path.time_ms[point + 1] <= at_ms:
        point += 1
    if at_ms <= path.time_ms[point] or point + 1 >= len(path.time_ms):
        return path.mark[point]
    start, end = path.mark[point], path.mark[point + 1]
    return start + (end - start) * _part_of_way(path, point, at_ms)


def _part_of_way(path: Path, point: int, at_ms: int) -> float:
    way_ms = path.time_ms[point + 1] - path.time_ms[point]
    return min(max((at_ms - path.time_ms[point]) / way_ms, 0.0), 1.0)
