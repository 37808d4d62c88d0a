"""What to send next for a plan: how, how much, at what price. Pure: from the plan, the market and the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import Enum, auto

from core.config import HedgeConfig
from core.execution.active_plan import ActivePlan
from core.execution.legs import NET_LEGS, Leg, closable_base, leg_of
from core.execution.slices import CATCH_UP, Pace, due_base, slice_count
from core.facts import Market, OrderSide, PerpAccount, PositionSide, SymbolRules, TimeInForce
from core.hedging.slippage import BookFill, walk_book
from core.ports import Plan

BPS = Decimal(10_000)
# Where the configuration sets no slippage limit, a limit order still needs a price.
LIMIT_WITHOUT_CAP_BPS = Decimal(30)


class Pause(Enum):
    """Why nothing is sent: the next slice is not due yet, or what is left is too small for an order."""

    NOT_YET = auto()
    TOO_SMALL = auto()


class Way(Enum):
    """How a plan is carried out just now. OVER: its time to quote has passed and nothing comes after it."""

    MARKET = auto()
    LIMIT = auto()
    QUOTE = auto()
    OVER = auto()


# By the words of the settings.
WAYS = {"market": Way.MARKET, "limit": Way.LIMIT, "post_only": Way.QUOTE}
FALLBACKS = {"market": Way.MARKET, "none": Way.OVER}


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """One order: no price is a MARKET order. `over_bps`: the slippage that the price cap keeps it from, if any;
    infinite where the visible book is too thin for the quantity."""

    side: OrderSide
    quantity_base: Decimal
    reduce_only: bool
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    position_side: PositionSide = PositionSide.BOTH
    over_bps: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What an order is judged by. `urgent`: the gap is so large that being quick counts more than the price."""

    market: Market
    account: PerpAccount
    now: datetime
    urgent: bool


def way_of(active: ActivePlan, config: HedgeConfig, moment: Moment, *, crossed: int) -> Way:
    """`crossed`: how often in a row a quote was refused because it would have taken."""
    wanted = WAYS[config.order_type]
    if wanted is Way.MARKET or (wanted is Way.QUOTE and moment.urgent):
        return Way.MARKET
    if moment.now >= _deadline(active, config, moment) or crossed > config.max_retries:
        return FALLBACKS[config.fallback]
    return wanted


def next_terms(
    active: ActivePlan, left_base: Decimal, way: Way, moment: Moment, config: HedgeConfig, rules: SymbolRules
) -> OrderTerms | Pause:
    """The next order for at most `left_base`."""
    leg = leg_of(active.plan, active.orders, moment.account, step_of(rules))
    due = _due_base(active, moment, config, rules)
    if not due:
        return Pause.NOT_YET
    quantity = _quantity_base(active, min(left_base, active.left_base), due, leg, way, moment, rules)
    if quantity < smallest_base(active, moment.market, rules):
        return Pause.TOO_SMALL
    terms = OrderTerms(leg.side, quantity, leg.reduce_only, position_side=leg.position_side)
    if way is Way.QUOTE:
        return replace(terms, price=_touch(leg.side, moment.market), time_in_force=TimeInForce.GTX)
    return _taking(terms, way, moment, config, rules)


def at_once_base(
    quantity_base: Decimal, price: Decimal, config: HedgeConfig, rules: SymbolRules, *, urgent: bool
) -> Decimal:
    """What a plan of this size takes from the book at once: nothing as a quote, of a plan in slices the largest one."""
    if config.order_type == "post_only" and not urgent:
        return Decimal(0)
    if not _is_in_slices(quantity_base * price, config, urgent=urgent):
        return quantity_base
    pace = _pace(price, config, rules)
    return min(quantity_base, max(pace.smallest_base, CATCH_UP * quantity_base / slice_count(quantity_base, pace)))


def slices_of(plan: Plan, config: HedgeConfig, rules: SymbolRules, *, urgent: bool) -> int:
    """In how many slices it is sent, 1 when at once."""
    in_slices = _is_in_slices(plan.quantity_base * plan.reference_price, config, urgent=urgent)
    if not in_slices or plan.reason == NET_LEGS:
        return 1
    return slice_count(plan.quantity_base, _pace(plan.reference_price, config, rules))


def smallest_base(active: ActivePlan, market: Market, rules: SymbolRules) -> Decimal:
    """A reduction is exempt from the least notional; a first order that is too small is the venue's to refuse."""
    smallest = max(rules.market_min_quantity, rules.min_quantity, step_of(rules))
    if active.plan.reduce_only or not active.orders:
        return smallest
    lots = rules.min_notional_quote / min(market.best_bid, market.mark_price) / step_of(rules)
    return max(smallest, lots.to_integral_value(ROUND_CEILING) * step_of(rules))


def step_of(rules: SymbolRules) -> Decimal:
    """Orders may end as MARKET ones, so quantities fit both sets of filters."""
    return max(rules.step_size, rules.market_step_size)


def is_behind(price: Decimal, side: OrderSide, market: Market) -> bool:
    """Somebody quotes better than this."""
    return price > market.best_ask if side is OrderSide.SELL else price < market.best_bid


def _deadline(active: ActivePlan, config: HedgeConfig, moment: Moment) -> datetime:
    """When quoting has had its time: a time-weighted plan's own duration comes before."""
    if config.limit_timeout_seconds == 0:
        return moment.now + timedelta(days=1)
    begun = active.orders[0].recorded_at if active.orders else moment.now
    over = config.twap_duration_seconds if _is_twap(active, config, moment) else 0
    return begun + timedelta(seconds=over + config.limit_timeout_seconds)


def _quantity_base(
    active: ActivePlan,
    left_base: Decimal,
    due: Decimal,
    leg: Leg,
    way: Way,
    moment: Moment,
    rules: SymbolRules,
) -> Decimal:
    """A whole number of steps. What would be left over and too small for an order of its own goes along."""
    smallest = smallest_base(active, moment.market, rules)
    most = min(left_base, rules.max_quantity if way is Way.QUOTE else rules.market_max_quantity)
    if leg.most_base is not None:
        most = min(most, max(leg.most_base, min(smallest, closable_base(leg.side, moment.account))))
    quantity = min(most, due)
    if left_base - quantity < smallest:
        quantity = most
    return quantity - quantity % step_of(rules)


def _due_base(active: ActivePlan, moment: Moment, config: HedgeConfig, rules: SymbolRules) -> Decimal:
    if not _is_twap(active, config, moment):
        return active.plan.quantity_base
    pace = _pace(active.plan.reference_price, config, rules)
    due = due_base(active.plan, active.executed_base, active.last_order_at, moment.now, pace)
    return due if due >= pace.smallest_base or due >= active.left_base else Decimal(0)


def _is_twap(active: ActivePlan, config: HedgeConfig, moment: Moment) -> bool:
    plan = active.plan
    in_slices = _is_in_slices(plan.quantity_base * plan.reference_price, config, urgent=moment.urgent)
    return in_slices and plan.reason != NET_LEGS


def _is_in_slices(notional_quote: Decimal, config: HedgeConfig, *, urgent: bool) -> bool:
    if urgent or not config.twap_over_quote or config.twap_duration_seconds == 0:
        return False
    return notional_quote >= config.twap_over_quote


def _pace(price: Decimal, config: HedgeConfig, rules: SymbolRules) -> Pace:
    return Pace(
        timedelta(seconds=config.twap_duration_seconds),
        timedelta(seconds=config.twap_interval_seconds),
        rules.min_notional_quote / price + rules.step_size,
    )


def _touch(side: OrderSide, market: Market) -> Decimal:
    return market.best_ask if side is OrderSide.SELL else market.best_bid


def _taking(terms: OrderTerms, way: Way, moment: Moment, config: HedgeConfig, rules: SymbolRules) -> OrderTerms:
    """As a market order, unless a price is wanted or the book asks too much."""
    limit_bps = config.slippage_limit_bps(urgent=moment.urgent)
    fill = walk_book(moment.market, terms.side, terms.quantity_base)
    over_bps = _over_bps(fill, limit_bps)
    if over_bps is None and way is not Way.LIMIT:
        return terms
    price = _capped_price(terms.side, moment.market, limit_bps, fill, rules.tick_size)
    return replace(terms, price=price, time_in_force=TimeInForce.IOC, over_bps=over_bps)


def _over_bps(fill: BookFill | None, limit_bps: Decimal) -> Decimal | None:
    if limit_bps <= 0:
        return None
    found = Decimal("Infinity") if fill is None else fill.slippage_bps
    return found if found > limit_bps else None


def _capped_price(
    side: OrderSide, market: Market, limit_bps: Decimal, fill: BookFill | None, tick_size: Decimal
) -> Decimal:
    """The worst price accepted, on the tick towards the mid: by the limit, and no worse than the book asks for."""
    cap = market.mid * (1 + side.sign * (limit_bps or LIMIT_WITHOUT_CAP_BPS) / BPS)
    if fill is not None:
        cap = min(cap, fill.worst_price) if side is OrderSide.BUY else max(cap, fill.worst_price)
    rounding = ROUND_FLOOR if side is OrderSide.BUY else ROUND_CEILING
    return (cap / tick_size).to_integral_value(rounding) * tick_size
