"""The life cycle of the LP side: what is there, what is moving, what has just left.

A position is OPENING or CLOSING when its *liquidity* rose or fell since the last read, until two equal reads a block
apart. BASE that leaves by a liquidity decrease, never by price, stays in the exposure as `departed_base` at the amount
it had when it left, until its grace ends, until new liquidity of the hedge takes its place, or until it shows up in a
wallet balance that is counted anyway. Re-centring a position thus does not strip the hedge. The operator may keep it
beyond its grace, or give it up before (`departed`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.facts import LpFacts, LpPosition, RangeSide
from core.hedging.exposure import amounts_at_price, amounts_at_sqrt
from core.hedging.life_memory import Departed, LifeMemory, SeenPosition, seen
from core.hedging.states import LpState

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class LifeRules:
    """`wallet_counts`: the wallet's BASE is part of the exposure. `dust_quote`: owed value that is as good as none."""

    grace: timedelta
    wallet_counts: bool
    fees_count: bool
    dust_quote: Decimal


@dataclass(frozen=True, slots=True)
class PositionView:
    """`base`, `quote`: principal (in the range or parked); `fee_base`, `fee_quote`: all else `collect` would pay."""

    position: LpPosition
    state: LpState
    base: Decimal
    quote: Decimal
    fee_base: Decimal
    fee_quote: Decimal
    parked_base: Decimal


@dataclass(frozen=True, slots=True)
class LiquidityChange:
    position_id: int
    before: int
    after: int
    block: int


@dataclass(frozen=True, slots=True)
class LpView:
    """The LP side as believed at one block; sums over the positions.

    `kept_base`: of `departed_base`, what the operator keeps the short for beyond the grace. `estimated`: the price is
    not that block's.
    """

    facts: LpFacts
    positions: tuple[PositionView, ...]
    state: LpState
    departed_base: Decimal
    rules: LifeRules
    changes: tuple[LiquidityChange, ...]
    kept_base: Decimal = ZERO
    estimated: bool = False

    @property
    def lp_base(self) -> Decimal:
        return sum((view.base for view in self.positions), ZERO)

    @property
    def lp_quote(self) -> Decimal:
        return sum((view.quote for view in self.positions), ZERO)

    @property
    def fee_base(self) -> Decimal:
        return sum((view.fee_base for view in self.positions), ZERO)

    @property
    def fee_quote(self) -> Decimal:
        return sum((view.fee_quote for view in self.positions), ZERO)

    @property
    def value_quote(self) -> Decimal:
        """The positions' principal at the pool's price."""
        return self.lp_base * self.facts.price + self.lp_quote

    @property
    def side(self) -> RangeSide:
        sides = {view.position.side for view in self.positions if view.position.liquidity}
        return sides.pop() if len(sides) == 1 else RangeSide.IN

    def farthest_price(self, mark_price: Decimal) -> Decimal:
        """Of the pools that hold liquidity the price that is farthest from the mark: any of them may be pushed."""
        prices = [view.position.price for view in self.positions if view.position.liquidity]
        return max(prices, key=lambda price: abs(price - mark_price), default=self.facts.price)

    @property
    def net_base(self) -> Decimal:
        return self.lp_base + self._beside_liquidity

    @property
    def edge_base(self) -> Decimal:
        """The most BASE there can be: every position at or below its lower edge, and all that is beside."""
        edges = sum((view.position.base_at_lower_edge + view.parked_base for view in self.positions), ZERO)
        return edges + self._beside_liquidity

    def net_base_at(self, price: Decimal) -> Decimal:
        """The same liquidity at another price."""
        within = (amounts_at_price(v.position, v.position.liquidity, price)[0] + v.parked_base for v in self.positions)
        return sum(within, ZERO) + self._beside_liquidity

    @property
    def _beside_liquidity(self) -> Decimal:
        fees = self.fee_base if self.rules.fees_count else ZERO
        wallet = (self.facts.wallet_base or ZERO) if self.rules.wallet_counts else ZERO
        return fees + wallet + self.departed_base


def observe(facts: LpFacts, memory: LifeMemory, rules: LifeRules, now: datetime) -> tuple[LpView, LifeMemory]:
    """Take in a believed read."""
    here, gone = _still_here(facts, memory, rules), _gone(facts, memory)
    arrived, left = here.arrived_base, here.left_base + gone.left_base
    replaced = max(ZERO, arrived + _wallet_change(facts, memory, rules))
    departed = _departed(memory.departed, left, replaced, now, rules.grace, least=_least(facts))
    views = tuple(_view(position, here.entries[position.position_id], rules) for position in facts.positions)
    given_up = memory.given_up and not left and not arrived
    updated = LifeMemory(here.entries, departed, facts.wallet_base, started=True, given_up=given_up)
    state = _hedge_state([view.state for view in views], closing=bool(gone.changes))
    changes = (*here.changes, *gone.changes)
    return LpView(facts, views, state, updated.departed_base, rules, changes, updated.kept_base), updated


@dataclass(frozen=True, slots=True)
class _Movement:
    """What became of some positions since the last read."""

    entries: dict[int, SeenPosition]
    arrived_base: Decimal
    left_base: Decimal
    changes: tuple[LiquidityChange, ...]


def _still_here(facts: LpFacts, memory: LifeMemory, rules: LifeRules) -> _Movement:
    """The positions of this read, the new ones with them; at the very first read nothing has changed."""
    entries: dict[int, SeenPosition] = {}
    left, arrived = ZERO, ZERO
    changes = []
    block = facts.block.number
    for position in facts.positions:
        key = position.position_id
        before = memory.positions.get(key)
        entries[key], came, went = _take_in(position, before, block, rules, new=memory.started)
        left, arrived = left + went, arrived + came
        liquidity_before = before.liquidity if before is not None else 0 if memory.started else position.liquidity
        if liquidity_before != position.liquidity:
            changes.append(LiquidityChange(key, liquidity_before, position.liquidity, block))
    return _Movement(entries, arrived, left, tuple(changes))


def _gone(facts: LpFacts, memory: LifeMemory) -> _Movement:
    """The positions of the last read that are not in this one: all their BASE left at this price."""
    here = {position.position_id for position in facts.positions}
    left = ZERO
    changes = []
    for key, gone in memory.positions.items():
        if key in here:
            continue
        price = facts.pool_prices.get(gone.pool, facts.price)
        left += amounts_at_price(gone, gone.liquidity, price)[0] + gone.parked_base
        if gone.liquidity:
            changes.append(LiquidityChange(key, gone.liquidity, 0, facts.block.number))
    return _Movement({}, ZERO, left, tuple(changes))


def _take_in(
    position: LpPosition, before: SeenPosition | None, block: int, rules: LifeRules, *, new: bool
) -> tuple[SeenPosition, Decimal, Decimal]:
    """(what to remember, BASE that arrived as liquidity, BASE that left the position).

    `new`: one that was not there at the last read has just been opened; at the very first read nothing has moved. What
    is worth less than dust moves nothing: anybody can add it to any position.
    """
    if before is None:
        return _first_seen(position, block, rules, new=new)
    change = position.liquidity - before.liquidity
    came, _ = _amounts(position, change)
    freed_base, freed_quote = _amounts(position, -change)
    parked_base = min(before.parked_base + freed_base, position.owed_base)
    parked_quote = min(before.parked_quote + freed_quote, position.owed_quote)
    since = block if change else before.block
    moved = change * _matters(position, abs(change), rules)
    entry = seen(position, since, parked_base, parked_quote, _moving(moved, before, block))
    return entry, came, before.parked_base + freed_base - parked_base


def _first_seen(
    position: LpPosition, block: int, rules: LifeRules, *, new: bool
) -> tuple[SeenPosition, Decimal, Decimal]:
    """As `_take_in`."""
    parked = (ZERO, ZERO) if position.liquidity else (position.owed_base, position.owed_quote)
    opening = new and position.liquidity > 0
    moving = LpState.OPENING if opening and _matters(position, position.liquidity, rules) else LpState.NONE
    return seen(position, block, *parked, moving), position.base if opening else ZERO, ZERO


def _matters(position: LpPosition, liquidity: int, rules: LifeRules) -> bool:
    base, quote = _amounts(position, liquidity)
    return base * position.price + quote >= rules.dust_quote


def _amounts(position: LpPosition, liquidity: int) -> tuple[Decimal, Decimal]:
    """(BASE, QUOTE) that so much of its liquidity holds at its pool's price; nothing when below zero."""
    return amounts_at_sqrt(position, liquidity, position.sqrt_price_x96) if liquidity > 0 else (ZERO, ZERO)


def _moving(change: int, before: SeenPosition, block: int) -> LpState:
    if change:
        return LpState.OPENING if change > 0 else LpState.CLOSING
    return before.moving if block <= before.block else LpState.NONE


def _wallet_change(facts: LpFacts, memory: LifeMemory, rules: LifeRules) -> Decimal:
    """What departed into a wallet that is counted is counted there; what is minted from it takes nothing's place."""
    if not rules.wallet_counts or facts.wallet_base is None or memory.wallet_base is None:
        return ZERO
    return facts.wallet_base - memory.wallet_base


def _least(facts: LpFacts) -> Decimal:
    """What is no more than the rounding of a few calls has not departed."""
    return Decimal(10).scaleb(-facts.base.decimals)


def _departed(
    parcels: Sequence[Departed], left: Decimal, arrived: Decimal, now: datetime, grace: timedelta, *, least: Decimal
) -> tuple[Departed, ...]:
    counted = [parcel for parcel in parcels if parcel.counts_at(now)]
    if left > 0 and grace > timedelta(0):
        counted.append(Departed(left, now + grace))
    return tuple(_unreplaced(counted, arrived, least))


def _unreplaced(parcels: Sequence[Departed], arrived: Decimal, least: Decimal) -> Iterator[Departed]:
    """Oldest parcels are replaced first; what is left of one and no more than `least` is forgotten."""
    for parcel in parcels:
        replaced = min(parcel.base, arrived)
        arrived -= replaced
        if parcel.base - replaced > least:
            yield replace(parcel, base=parcel.base - replaced)


def _view(position: LpPosition, entry: SeenPosition, rules: LifeRules) -> PositionView:
    return PositionView(
        position=position,
        state=_state(position, entry, rules),
        base=position.base + entry.parked_base,
        quote=position.quote + entry.parked_quote,
        fee_base=position.owed_base - entry.parked_base,
        fee_quote=position.owed_quote - entry.parked_quote,
        parked_base=entry.parked_base,
    )


def _state(position: LpPosition, entry: SeenPosition, rules: LifeRules) -> LpState:
    if entry.moving is not LpState.NONE:
        return entry.moving
    owed_quote = position.owed_base * position.price + position.owed_quote
    if not position.liquidity and (not owed_quote or owed_quote < rules.dust_quote):
        return LpState.NONE
    return LpState.IN_RANGE if position.side is RangeSide.IN else LpState.OUT_OF_RANGE


def _hedge_state(states: Sequence[LpState], *, closing: bool) -> LpState:
    """Moving if any is; then in range if any is; then out of range; else none."""
    if closing:
        return LpState.CLOSING
    for state in (LpState.OPENING, LpState.CLOSING, LpState.IN_RANGE, LpState.OUT_OF_RANGE):
        if state in states:
            return state
    return LpState.NONE
