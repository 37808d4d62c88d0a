"""An exact pool in memory: initialise, mint, burn, collect, swap, with fees, to the last unit of the contract.

Amounts are raw integers signed from the pool's side (+ is paid in) where a sign is possible. It is the market of the
demo and the reference of the tests; the live reader only needs the pure functions beside it.
"""

from bisect import bisect_left, bisect_right, insort
from typing import NamedTuple

from core.amm.amounts import burn_amounts, mint_amounts
from core.amm.fee_growth import NO_GROWTH, Growth, growth_inside, owed_by_growth
from core.amm.protocol_fee import protocol_share
from core.amm.swap import SwapStep, swap_step
from core.amm.ticks import (
    MAX_SQRT_RATIO_X96,
    MAX_TICK,
    MIN_SQRT_RATIO_X96,
    MIN_TICK,
    Q128,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)


class TickState(NamedTuple):
    """An initialised tick: liquidity that refers to it, liquidity added when crossed upwards, growth beyond it."""

    liquidity_gross: int
    liquidity_net: int
    outside: Growth


class PositionKey(NamedTuple):
    """Whose liquidity, and where."""

    owner: str
    tick_lower: int
    tick_upper: int


class PositionState(NamedTuple):
    """A position as the pool stores it: `owed*_raw` is only as fresh as its last poke."""

    liquidity: int
    inside_last: Growth
    owed0_raw: int
    owed1_raw: int


_NO_TICK = TickState(0, 0, NO_GROWTH)
_NO_POSITION = PositionState(0, NO_GROWTH, 0, 0)


class Pool:
    """One pool of either AMM. Not safe for concurrent use; every method either completes or raises unchanged."""

    def __init__(
        self, *, fee_pips: int, tick_spacing: int, sqrt_price_x96: int, amm_type: str, fee_protocol: int = 0
    ) -> None:
        self.fee_pips = fee_pips
        self.tick_spacing = tick_spacing
        self.fee_protocol = fee_protocol
        self._protocol_share = protocol_share(amm_type)
        self.sqrt_price_x96 = sqrt_price_x96
        self.tick = tick_at_sqrt_ratio(sqrt_price_x96)
        self.liquidity = 0
        self.growth = NO_GROWTH
        self.protocol_owed_raw = (0, 0)
        self._ticks: dict[int, TickState] = {}
        self._sorted_ticks: list[int] = []
        self._positions: dict[PositionKey, PositionState] = {}

    def tick_state(self, tick: int) -> TickState:
        """The record of a tick; zeros when it is not initialised, as the contract answers."""
        return self._ticks.get(tick, _NO_TICK)

    def position(self, key: PositionKey) -> PositionState:
        """The stored position; zeros when there is none, as the contract answers."""
        return self._positions.get(key, _NO_POSITION)

    def growth_inside(self, tick_lower: int, tick_upper: int) -> Growth:
        """Fee growth inside a range now, not yet poked growth included."""
        lower, upper = self.tick_state(tick_lower).outside, self.tick_state(tick_upper).outside
        return growth_inside(self.tick, tick_lower, tick_upper, self.growth, lower, upper)

    def principal(self, key: PositionKey) -> tuple[int, int]:
        """(token0, token1) raw that burning all of the position's liquidity would add to what it is owed."""
        return burn_amounts(self.sqrt_price_x96, *_edges(key), self.position(key).liquidity)

    def owed(self, key: PositionKey) -> tuple[int, int]:
        """(token0, token1) raw owed after a poke now: fees, and principal burnt but not collected."""
        stored = self.position(key)
        fee0, fee1 = owed_by_growth(
            stored.liquidity, self.growth_inside(key.tick_lower, key.tick_upper), stored.inside_last
        )
        return stored.owed0_raw + fee0, stored.owed1_raw + fee1

    def mint(self, key: PositionKey, liquidity: int) -> tuple[int, int]:
        """Add liquidity; returns the (token0, token1) raw to pay in."""
        if liquidity <= 0:
            raise ValueError(f"a mint needs liquidity above zero, was {liquidity}")
        self._check_range(key)
        amounts = mint_amounts(self.sqrt_price_x96, *_edges(key), liquidity)
        self._change_liquidity(key, liquidity)
        return amounts

    def burn(self, key: PositionKey, liquidity: int) -> tuple[int, int]:
        """Take liquidity out and credit what it holds to the position's owed amounts; 0 is a poke. Returns the credit.

        Raises ValueError when the position has less, or a poke finds no liquidity at all.
        """
        stored = self.position(key)
        if not 0 <= liquidity <= stored.liquidity or stored.liquidity == 0:
            raise ValueError(f"{key} has liquidity {stored.liquidity}, cannot burn {liquidity}")
        amount0, amount1 = burn_amounts(self.sqrt_price_x96, *_edges(key), liquidity)
        self._change_liquidity(key, -liquidity)
        poked = self._positions[key]
        self._positions[key] = poked._replace(owed0_raw=poked.owed0_raw + amount0, owed1_raw=poked.owed1_raw + amount1)
        return amount0, amount1

    def collect(self, key: PositionKey, max0_raw: int, max1_raw: int) -> tuple[int, int]:
        """Pay out what is stored as owed, up to the given maxima; no poke."""
        stored = self.position(key)
        paid0, paid1 = min(max0_raw, stored.owed0_raw), min(max1_raw, stored.owed1_raw)
        if paid0 or paid1:
            left = stored._replace(owed0_raw=stored.owed0_raw - paid0, owed1_raw=stored.owed1_raw - paid1)
            self._positions[key] = left
        return paid0, paid1

    def swap(self, *, zero_for_one: bool, amount_raw: int, limit_x96: int) -> tuple[int, int]:
        """Swap until the amount is used up or the limit price is reached.

        `amount_raw` > 0 is exact input, < 0 exact output. Returns (token0, token1), + paid in, - paid out.
        """
        self._check_limit(zero_for_one, limit_x96)
        if amount_raw == 0:
            raise ValueError("a swap needs an amount")
        remaining, calculated = amount_raw, 0
        while remaining and self.sqrt_price_x96 != limit_x96:
            step = self._swap_once(remaining, limit_x96, zero_for_one)
            if amount_raw > 0:
                remaining -= step.in_raw + step.fee_raw
                calculated -= step.out_raw
            else:
                remaining += step.out_raw
                calculated += step.in_raw + step.fee_raw
        used = amount_raw - remaining
        return (used, calculated) if zero_for_one == (amount_raw > 0) else (calculated, used)

    def swap_to_price(self, target_x96: int) -> tuple[int, int]:
        """Swap whatever it takes to end at `target_x96`. Returns (token0, token1), + paid in, - paid out."""
        if target_x96 == self.sqrt_price_x96:
            return 0, 0
        down = target_x96 < self.sqrt_price_x96
        return self.swap(zero_for_one=down, amount_raw=1 << 255, limit_x96=target_x96)

    def _swap_once(self, remaining: int, limit_x96: int, zero_for_one: bool) -> SwapStep:
        next_tick, initialised = self._next_tick(zero_for_one)
        next_x96 = sqrt_ratio_at_tick(next_tick)
        target_x96 = max(next_x96, limit_x96) if zero_for_one else min(next_x96, limit_x96)
        start_x96 = self.sqrt_price_x96
        step = swap_step(start_x96, target_x96, self.liquidity, remaining, self.fee_pips)
        self._book_fee(step.fee_raw, zero_for_one)
        self.sqrt_price_x96 = step.sqrt_next_x96
        if step.sqrt_next_x96 == next_x96:
            if initialised:
                self._cross(next_tick, zero_for_one)
            self.tick = next_tick - 1 if zero_for_one else next_tick
        elif step.sqrt_next_x96 != start_x96:
            self.tick = tick_at_sqrt_ratio(step.sqrt_next_x96)
        return step

    def _book_fee(self, fee_raw: int, zero_for_one: bool) -> None:
        protocol_raw = self._protocol_share(fee_raw, self.fee_protocol, zero_for_one)
        kept0, kept1 = self.protocol_owed_raw
        self.protocol_owed_raw = (kept0 + protocol_raw, kept1) if zero_for_one else (kept0, kept1 + protocol_raw)
        if self.liquidity:
            grown_x128 = (fee_raw - protocol_raw) * Q128 // self.liquidity
            self.growth = self.growth.plus(Growth(grown_x128, 0) if zero_for_one else Growth(0, grown_x128))

    def _cross(self, tick: int, zero_for_one: bool) -> None:
        state = self._ticks[tick]
        self._ticks[tick] = state._replace(outside=self.growth.since(state.outside))
        self.liquidity += -state.liquidity_net if zero_for_one else state.liquidity_net

    def _next_tick(self, zero_for_one: bool) -> tuple[int, bool]:
        """The tick at which the contract's next step ends, and whether it is initialised.

        The contract looks no further than one 256-tick word of its bitmap, and every step rounds: a simulation that
        jumped straight to the next initialised tick would drift from it by units.
        """
        compressed = self.tick // self.tick_spacing
        tick, initialised = self._next_below(compressed) if zero_for_one else self._next_above(compressed)
        return min(max(tick, MIN_TICK), MAX_TICK), initialised

    def _next_below(self, compressed: int) -> tuple[int, bool]:
        edge = (compressed >> 8 << 8) * self.tick_spacing
        at = bisect_right(self._sorted_ticks, self.tick) - 1
        if at >= 0 and self._sorted_ticks[at] >= edge:
            return self._sorted_ticks[at], True
        return edge, False

    def _next_above(self, compressed: int) -> tuple[int, bool]:
        edge = ((compressed + 1) | 255) * self.tick_spacing
        at = bisect_left(self._sorted_ticks, (compressed + 1) * self.tick_spacing)
        if at < len(self._sorted_ticks) and self._sorted_ticks[at] <= edge:
            return self._sorted_ticks[at], True
        return edge, False

    def _change_liquidity(self, key: PositionKey, delta: int) -> None:
        if delta:
            self._change_tick(key.tick_lower, delta, delta)
            self._change_tick(key.tick_upper, delta, -delta)
        inside = self.growth_inside(key.tick_lower, key.tick_upper)
        stored = self.position(key)
        fee0, fee1 = owed_by_growth(stored.liquidity, inside, stored.inside_last)
        self._positions[key] = PositionState(
            stored.liquidity + delta, inside, stored.owed0_raw + fee0, stored.owed1_raw + fee1
        )
        self._drop_if_unused(key.tick_lower)
        self._drop_if_unused(key.tick_upper)
        if key.tick_lower <= self.tick < key.tick_upper:
            self.liquidity += delta

    def _change_tick(self, tick: int, gross_delta: int, net_delta: int) -> None:
        state = self._ticks.get(tick)
        if state is None:
            insort(self._sorted_ticks, tick)
            # By convention all growth so far happened below the tick.
            state = TickState(0, 0, self.growth if tick <= self.tick else NO_GROWTH)
        self._ticks[tick] = TickState(
            state.liquidity_gross + gross_delta, state.liquidity_net + net_delta, state.outside
        )

    def _drop_if_unused(self, tick: int) -> None:
        if tick in self._ticks and self._ticks[tick].liquidity_gross == 0:
            del self._ticks[tick]
            self._sorted_ticks.pop(bisect_left(self._sorted_ticks, tick))

    def _check_range(self, key: PositionKey) -> None:
        if not MIN_TICK <= key.tick_lower < key.tick_upper <= MAX_TICK:
            raise ValueError(f"ticks {key.tick_lower}..{key.tick_upper} are not a range")
        if key.tick_lower % self.tick_spacing or key.tick_upper % self.tick_spacing:
            raise ValueError(f"ticks {key.tick_lower}..{key.tick_upper} are not on spacing {self.tick_spacing}")

    def _check_limit(self, zero_for_one: bool, limit_x96: int) -> None:
        low, high = (
            (MIN_SQRT_RATIO_X96, self.sqrt_price_x96) if zero_for_one else (self.sqrt_price_x96, MAX_SQRT_RATIO_X96)
        )
        if not low < limit_x96 < high:
            raise ValueError(f"limit price {limit_x96} is not between {low} and {high}")


def _edges(key: PositionKey) -> tuple[int, int]:
    return sqrt_ratio_at_tick(key.tick_lower), sqrt_ratio_at_tick(key.tick_upper)
