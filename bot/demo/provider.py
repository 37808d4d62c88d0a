"""The liquidity provider of the demo: a wallet, its position in the pool, and its habit of re-centring."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from bot.demo.pool import TICK_SPACING
from core.amm.amounts import liquidity_for_amounts
from core.amm.pool import Pool, PositionKey
from core.amm.ticks import MAX_SQRT_RATIO_X96, MIN_SQRT_RATIO_X96, Q96, sqrt_ratio_at_tick, tick_at_sqrt_ratio

FIRST_POSITION_ID = 700_001
# +-1000 ticks is a price range of -9.5 % to +10.5 %.
HALF_WIDTH_TICKS = 1000
PATIENCE_BLOCKS = 225
MOVE_BLOCKS = 5
DAY_BLOCKS = 7200
_ALL = (1 << 128) - 1


@dataclass(frozen=True, slots=True)
class Held:
    """A position by its id; each has a pool key of its own."""

    position_id: int
    key: PositionKey


class Provider:
    """Acts once a block. With `moves` it re-centres when out of range for 45 minutes, and once a day by mood."""

    def __init__(self, pool: Pool, *, base_raw: int, quote_raw: int, seed: int, moves: bool) -> None:
        self._pool = pool
        self.base_raw = base_raw
        self.quote_raw = quote_raw
        self._moves = moves
        self._random = Random(seed)
        self._next_id = FIRST_POSITION_ID
        self._out_since: int | None = None
        self._mint_at: int | None = None
        self._mood_at = self._mood(0)
        self.held: Held | None = None
        self._mint()

    def act(self, block: int) -> None:
        """What the provider does in this block, after the trades."""
        if not self._moves:
            return
        if self._mint_at is not None and block >= self._mint_at:
            self._mint_at = None
            self._balance_wallet()
            self._mint()
        elif self.held is not None and self._wants_to_move(block, self.held):
            self._withdraw(self.held)
            self._mint_at = block + MOVE_BLOCKS

    def _wants_to_move(self, block: int, held: Held) -> bool:
        if held.key.tick_lower <= self._pool.tick < held.key.tick_upper:
            self._out_since = None
        elif self._out_since is None:
            self._out_since = block
        if block >= self._mood_at:
            self._mood_at = self._mood(block // DAY_BLOCKS + 1)
            return True
        return self._out_since is not None and block - self._out_since >= PATIENCE_BLOCKS

    def _mood(self, day: int) -> int:
        """Some block in the second quarter of the day."""
        return day * DAY_BLOCKS + self._random.randint(DAY_BLOCKS // 4, DAY_BLOCKS // 2)

    def _withdraw(self, held: Held) -> None:
        self._pool.burn(held.key, self._pool.position(held.key).liquidity)
        base_raw, quote_raw = self._pool.collect(held.key, _ALL, _ALL)
        self.base_raw += base_raw
        self.quote_raw += quote_raw
        self.held = None
        self._out_since = None

    def _balance_wallet(self) -> None:
        """Swap in the pool until half of the wallet's value, at the price before, is BASE."""
        base_value_raw = self.base_raw * self._pool.sqrt_price_x96**2 // Q96**2
        excess_raw = (self.quote_raw - base_value_raw) // 2
        if excess_raw > 0:
            limit_x96, amount_raw = MAX_SQRT_RATIO_X96 - 1, excess_raw
        else:
            limit_x96, amount_raw = MIN_SQRT_RATIO_X96 + 1, -excess_raw * self.base_raw // max(1, base_value_raw)
        if amount_raw:
            paid0, paid1 = self._pool.swap(zero_for_one=excess_raw <= 0, amount_raw=amount_raw, limit_x96=limit_x96)
            self.base_raw -= paid0
            self.quote_raw -= paid1

    def _mint(self) -> None:
        """As much liquidity around the price as the wallet buys; what is over stays in the wallet."""
        pool = self._pool
        centre = tick_at_sqrt_ratio(pool.sqrt_price_x96) // TICK_SPACING * TICK_SPACING
        lower, upper = centre - HALF_WIDTH_TICKS, centre + HALF_WIDTH_TICKS
        liquidity = liquidity_for_amounts(
            pool.sqrt_price_x96, sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper), self.base_raw, self.quote_raw
        )
        # One unit of liquidity less, since a mint rounds what it takes up.
        held = Held(self._next_id, PositionKey(str(self._next_id), lower, upper))
        base_raw, quote_raw = pool.mint(held.key, liquidity - 1)
        self.base_raw -= base_raw
        self.quote_raw -= quote_raw
        self._next_id += 1
        self.held = held
