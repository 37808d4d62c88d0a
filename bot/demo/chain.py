"""The embedded chain: a block every twelve seconds, in which traders and the provider act on the pool."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random

from bot.demo.path import TICKS_PER_QUOTE, RecordedPath
from bot.demo.pool import ORDER, new_pool, trade_block
from bot.demo.provider import Provider
from core.amm.presets import PRESETS
from core.amm.prices import human_amount
from core.amm.valuation import Holding, PositionPlace, lp_position, pool_point, position_place
from core.clock import Clock
from core.errors import LpHedgeError
from core.facts import Block, LpFacts, LpPosition, Token

HEDGE = "eth"
CHAIN = "ethereum"
POOL_ADDRESS = "0x" + "d0" * 20
WALLET_ADDRESS = "0x" + "a1" * 20
BLOCK_S = 12
FIRST_BLOCK = 22_430_000
START_VALUE_QUOTE = 20_000

BASE = Token(PRESETS[CHAIN].wrapped_native or "", "ETH", ORDER.decimals_base)
QUOTE = Token(PRESETS[CHAIN].stables[0], "USDT", ORDER.decimals_quote)


class DemoChain:
    """Blocks are made when somebody looks, always the same ones for the same seed, however often that is."""

    def __init__(self, path: RecordedPath, started: datetime, *, seed: int, moves: bool) -> None:
        self._path = path
        self._started = started
        self._random = Random(seed)
        price_ticks = path.price_ticks(0)
        self.pool = new_pool(price_ticks)
        half_quote_raw = START_VALUE_QUOTE * 10**ORDER.decimals_quote // 2
        half_base_raw = START_VALUE_QUOTE * 10**ORDER.decimals_base * TICKS_PER_QUOTE // (2 * price_ticks)
        self.provider = Provider(self.pool, base_raw=half_base_raw, quote_raw=half_quote_raw, seed=seed, moves=moves)
        self._height = 0
        self._place: PositionPlace | None = None

    def advance_to(self, now: datetime) -> Block:
        """Make all blocks due by `now`; returns the newest."""
        due = (now - self._started) // timedelta(seconds=BLOCK_S)
        while self._height < due:
            self._height += 1
            trade_block(self.pool, self._path.price_ticks(self._height * BLOCK_S), self._random)
            self.provider.act(self._height)
        return self._block()

    def position(self) -> LpPosition | None:
        """The provider's position with every unit it is owed; None while it has none."""
        held = self.provider.held
        if held is None:
            return None
        if self._place is None or self._place.position_id != held.position_id:
            _, lower, upper = held.key
            self._place = position_place(held.position_id, POOL_ADDRESS, ORDER, lower, upper)
        holding = Holding(WALLET_ADDRESS, self.pool.position(held.key).liquidity, *self.pool.owed(held.key))
        return lp_position(self._place, holding, pool_point(self.pool.sqrt_price_x96, self.pool.tick, ORDER))

    def _block(self) -> Block:
        number = FIRST_BLOCK + self._height
        time = self._started + timedelta(seconds=BLOCK_S * self._height)
        return Block(number, "0x" + hashlib.sha256(f"{self._started} {number}".encode()).hexdigest(), time)


class DemoPositions:
    """`core.ports.LpPositions` over the embedded chain."""

    def __init__(self, chain: DemoChain, clock: Clock) -> None:
        self._chain = chain
        self._clock = clock

    async def prepare(self) -> None:
        """There is nothing to find out."""

    async def read(self) -> Mapping[str, LpFacts]:
        """Makes the blocks that are due by the clock first. Never fails."""
        now = self._clock.now()
        block = self._chain.advance_to(now)
        position = self._chain.position()
        at = pool_point(self._chain.pool.sqrt_price_x96, self._chain.pool.tick, ORDER)
        facts = LpFacts(
            block=block,
            as_of=now,
            source="embedded market",
            base=BASE,
            quote=QUOTE,
            price=at.price,
            positions=() if position is None else (position,),
            missing_ids=(),
            wallet_base=human_amount(self._chain.provider.base_raw, ORDER.decimals_base),
        )
        return {HEDGE: facts}

    def faults(self) -> Mapping[str, LpHedgeError]:
        """None ever: its one hedge is always read."""
        return {}

    async def follow(self, hedge: str, position_id: int) -> None:
        """All that the wallet holds is followed as it is."""

    async def aclose(self) -> None:
        """There is nothing to close."""
