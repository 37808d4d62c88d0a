"""What is kept of each bar: sums, extremes and the curve. Compiled source (see `compiled`)."""

from __future__ import annotations

from core.accounting.split import Split
from core.replay.looking import net_base_of
from core.replay.path import Path
from core.replay.range_amounts import Shape, gamma_at, is_inside
from core.replay.setup import Setup
from core.replay.state import Hedge, Holding
from core.replay.tally import (
    BAND_INSIDE,
    CURVE,
    DELTA_SQUARED,
    DRAWDOWN,
    ERROR_SQUARED,
    GAMMA_INSIDE,
    INSIDE,
    IS_HEDGED,
    NET,
    NET_PEAK,
    OPEN_BASE,
    OPEN_QUOTE,
    PLANS,
    PRICE_INSIDE,
    RESIDUAL_BASE,
    RESIDUAL_QUOTE,
    RESIDUAL_SQUARED_BASE,
    RESIDUAL_SQUARED_QUOTE,
    SINCE_MS,
    Tally,
)


def note_parts(parts: Split, tally: Tally) -> None:
    """A step's share of the account, in the order of Split's fields.

    Each is named: a loop over a tuple is a jump for every field in machine code, at every bar.
    """
    sums, worst = tally.sums, tally.worst
    sums[0] += parts.lp_fees
    sums[1] += parts.lp_price
    sums[2] += parts.lvr
    sums[3] += parts.beside
    sums[4] += parts.hedge
    sums[5] += parts.slippage
    sums[6] += parts.funding
    sums[7] += parts.commissions
    sums[8] += parts.other
    sums[9] += parts.manual
    sums[10] += parts.added
    sums[11] += parts.collected
    sums[12] += parts.moved
    sums[13] += parts.held
    sums[14] += parts.principal
    earned = parts.lp_fees + parts.lp_price + parts.lvr + parts.hedge
    net = sums[NET] + float(earned + parts.slippage + parts.funding + parts.commissions + parts.other)
    sums[NET] = net
    worst[NET_PEAK] = max(worst[NET_PEAK], net)
    worst[DRAWDOWN] = max(worst[DRAWDOWN], worst[NET_PEAK] - net)


def note_bar(parts: Split, before: Holding, held: Holding, hedge: Hedge, shape: Shape, tally: Tally) -> None:
    """What a bar did to the hedge, and what theory asks of it."""
    sums = tally.sums
    error = float(parts.lp_price + parts.hedge)
    sums[ERROR_SQUARED] += error * error
    change = held.base - before.base
    sums[DELTA_SQUARED] += change * change
    if is_inside(shape, before.price):
        tally.counts[INSIDE] += 1
        sums[PRICE_INSIDE] += before.price
        sums[GAMMA_INSIDE] += gamma_at(shape, before.price)
        sums[BAND_INSIDE] += hedge.glance.band_quote / before.mark


def note_exposure(now_ms: int, held: Holding, hedge: Hedge, setup: Setup, tally: Tally) -> None:
    """The residual that stood since it was noted last, by its time; and what it is from now on.

    What no time passed with, such as all of it before the first look, was nobody's exposure. The widest is that since
    the first fill.
    """
    sums, worst, open_ = tally.sums, tally.worst, tally.open
    stood_ms = now_ms - open_[SINCE_MS]
    if stood_ms > 0.0:
        sums[RESIDUAL_SQUARED_BASE] += open_[OPEN_BASE] * open_[OPEN_BASE] * stood_ms
        sums[RESIDUAL_SQUARED_QUOTE] += open_[OPEN_QUOTE] * open_[OPEN_QUOTE] * stood_ms
        worst[RESIDUAL_BASE] = max(worst[RESIDUAL_BASE], open_[OPEN_BASE])
        worst[RESIDUAL_QUOTE] = max(worst[RESIDUAL_QUOTE], open_[OPEN_QUOTE])
    if open_[IS_HEDGED] == 0.0 and tally.counts[PLANS] > 0:
        open_[IS_HEDGED] = 1.0
        worst[RESIDUAL_BASE] = 0.0
        worst[RESIDUAL_QUOTE] = 0.0
    residual = abs(net_base_of(held, setup) + hedge.perp.steps * float(setup.policy.step_base))
    if stood_ms > 0.0:
        worst[RESIDUAL_BASE] = max(worst[RESIDUAL_BASE], residual)
        worst[RESIDUAL_QUOTE] = max(worst[RESIDUAL_QUOTE], residual * held.price)
    open_[SINCE_MS] = now_ms
    open_[OPEN_BASE] = residual
    open_[OPEN_QUOTE] = residual * held.price


def note_curve(path: Path, point: int, held: Holding, hedge: Hedge, setup: Setup, tally: Tally) -> None:
    """A point of the curve when one is due: after this point's trades, before they are booked."""
    wanted = len(tally.curve)
    number = tally.counts[CURVE]
    if number < wanted and point * (wanted - 1) >= number * (len(path.time_ms) - 1):
        curve_row(path.time_ms[point], held, hedge, setup, tally)
        tally.counts[CURVE] = number + 1


def note_end(now_ms: int, held: Holding, hedge: Hedge, setup: Setup, tally: Tally) -> None:
    """The curve's last point once more, with what the last trades cost."""
    if tally.counts[CURVE] > 0:
        tally.counts[CURVE] -= 1
        curve_row(now_ms, held, hedge, setup, tally)
        tally.counts[CURVE] += 1


def curve_row(now_ms: int, held: Holding, hedge: Hedge, setup: Setup, tally: Tally) -> None:
    """As `outcome.CURVE_FIELDS`."""
    sums, row = tally.sums, tally.curve[tally.counts[CURVE]]
    row[0] = now_ms
    row[1] = held.price
    row[2] = net_base_of(held, setup)
    row[3] = hedge.perp.steps * float(setup.policy.step_base)
    row[4] = sums[0]
    row[5] = sums[1] + sums[2] + sums[3]
    row[6] = sums[4]
    row[7] = sums[6]
    row[8] = sums[5] + sums[7] + sums[8]
    row[9] = sums[NET]
