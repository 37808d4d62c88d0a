"""The simulated pool as a whole: whatever happens to it, it can pay everybody, and its books agree."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.amm.pool import Pool, PositionKey
from core.amm.ticks import MAX_SQRT_RATIO_X96, MIN_SQRT_RATIO_X96, Q96

EVERYTHING = (1 << 128) - 1
SPACING = 10
edges = st.integers(-300, 299).map(lambda step: step * SPACING)


class PoolMachine(RuleBasedStateMachine):
    """Random mints, burns, collects and swaps on one pool, with a purse that holds what it was paid."""

    @initialize(
        amm=st.sampled_from([("uniswap_v3", 4 + (5 << 4)), ("pancakeswap_v3", 3200 + (3400 << 16))]),
        fee_pips=st.sampled_from([100, 500, 2500, 10000]),
    )
    def open_pool(self, amm: tuple[str, int], fee_pips: int) -> None:
        """A pool at a price of one with a protocol fee on both sides."""
        self.pool = Pool(
            fee_pips=fee_pips, tick_spacing=SPACING, sqrt_price_x96=Q96, amm_type=amm[0], fee_protocol=amm[1]
        )
        self.purse = [0, 0]
        self.keys: set[PositionKey] = set()

    def pay_in(self, amounts: tuple[int, int]) -> None:
        """Book what the pool was paid, or paid out."""
        self.purse = [held + amount for held, amount in zip(self.purse, amounts, strict=True)]

    @rule(owner=st.sampled_from("ab"), one=edges, other=edges, liquidity=st.integers(1, 10**24))
    def mint(self, owner: str, one: int, other: int, liquidity: int) -> None:
        """Somebody adds liquidity."""
        key = PositionKey(owner, min(one, other), max(one, other) + SPACING)
        self.pay_in(self.pool.mint(key, liquidity))
        self.keys.add(key)

    @rule(data=st.data(), share=st.integers(0, 4))
    def burn(self, data: st.DataObject, share: int) -> None:
        """Somebody takes liquidity out, or only pokes."""
        alive = sorted(key for key in self.keys if self.pool.position(key).liquidity)
        if alive:
            key = data.draw(st.sampled_from(alive))
            self.pool.burn(key, self.pool.position(key).liquidity * share // 4)

    @rule(data=st.data())
    def collect(self, data: st.DataObject) -> None:
        """Somebody is paid what is stored as owed."""
        if self.keys:
            paid = self.pool.collect(data.draw(st.sampled_from(sorted(self.keys))), EVERYTHING, EVERYTHING)
            self.pay_in((-paid[0], -paid[1]))

    @rule(down=st.booleans(), amount=st.integers(-(10**24), 10**24).filter(bool))
    def swap(self, down: bool, amount: int) -> None:
        """Somebody trades, at most to where the liquidity ends."""
        limit = MIN_SQRT_RATIO_X96 + 1 if down else MAX_SQRT_RATIO_X96 - 1
        if self.pool.sqrt_price_x96 != limit:
            self.pay_in(self.pool.swap(zero_for_one=down, amount_raw=amount, limit_x96=limit))

    @invariant()
    def solvent(self) -> None:
        """The purse holds all that positions and the protocol could ask for."""
        claims = [self.pool.principal(key) for key in self.keys] + [self.pool.owed(key) for key in self.keys]
        for side in (0, 1):
            asked = sum(claim[side] for claim in claims) + self.pool.protocol_owed_raw[side]
            assert self.purse[side] >= asked

    @invariant()
    def liquidity_is_the_sum_in_range(self) -> None:
        """The liquidity in use is that of the positions around the stored tick."""
        held = {key: self.pool.position(key).liquidity for key in self.keys}
        in_range = sum(liq for key, liq in held.items() if key.tick_lower <= self.pool.tick < key.tick_upper)
        assert self.pool.liquidity == in_range


TestPool = PoolMachine.TestCase


@given(st.integers(-(10**20), 10**20).filter(bool), st.booleans())
def test_there_and_back_costs(amount: int, down: bool) -> None:
    """A swap and its way back to the same price never earn anything, in either token."""
    pool = Pool(fee_pips=500, tick_spacing=SPACING, sqrt_price_x96=Q96, amm_type="uniswap_v3")
    pool.mint(PositionKey("lp", -50_000, 50_000), 10**22)
    limit = MIN_SQRT_RATIO_X96 + 1 if down else MAX_SQRT_RATIO_X96 - 1
    there = pool.swap(zero_for_one=down, amount_raw=amount, limit_x96=limit)
    back = pool.swap_to_price(Q96)
    assert all(out + home >= 0 for out, home in zip(there, back, strict=True))
