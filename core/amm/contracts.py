"""The contract functions that are read, and their answers checked word by word against what a contract can say."""

from typing import NamedTuple

from eth_abi.abi import encode

from core.amm.abi import WORD, CallResult, ChainUnavailable, below, call_data, selector, word_as_address, word_as_signed
from core.amm.fee_growth import Growth
from core.amm.ticks import MAX_SQRT_RATIO_X96, MAX_TICK, MIN_SQRT_RATIO_X96, MIN_TICK, sqrt_ratio_at_tick
from core.facts import AVERAGE_OVER

SLOT0 = call_data("slot0()")
LIQUIDITY = call_data("liquidity()")
GROWTH_GLOBAL_0 = call_data("feeGrowthGlobal0X128()")
GROWTH_GLOBAL_1 = call_data("feeGrowthGlobal1X128()")
TOKEN0 = call_data("token0()")
TOKEN1 = call_data("token1()")
FEE = call_data("fee()")
FACTORY = call_data("factory()")
FARMED_MANAGER = call_data("nonfungiblePositionManager()")
SYMBOL = call_data("symbol()")
DECIMALS = call_data("decimals()")
AVERAGE_OVER_S = int(AVERAGE_OVER.total_seconds())
OBSERVE = selector("observe(uint32[])") + encode(["uint32[]"], [[AVERAGE_OVER_S, 0]])
BLOCK_NUMBER = call_data("getBlockNumber()")
BLOCK_TIME = call_data("getCurrentBlockTimestamp()")
PARENT_HASH = call_data("getLastBlockHash()")
CHAIN_ID = call_data("getChainId()")
# On Arbitrum a contract's `block.number` is the parent chain's; the chain's own number comes from this precompile.
ARB_SYS = "0x0000000000000000000000000000000000000064"
ARB_BLOCK_NUMBER = call_data("arbBlockNumber()")
# Of a staking contract (PancakeSwap's MasterChef V3 and its like): words in the answer, and where the staker stands.
STAKED_WORDS, STAKER_WORD = 9, 6
# Where both position managers keep `_nextId`, in its slot's low 176 bits.
NEXT_ID_SLOT = 13
NEXT_ID_BITS = 176


class PoolState(NamedTuple):
    """A pool as its contract answered; both AMMs alike, but for slot0's fee share, which no amount depends on."""

    sqrt_price_x96: int
    tick: int
    liquidity: int
    growth: Growth


class ManagedPosition(NamedTuple):
    """A position as the position manager keeps it; `owed*_raw` is only as fresh as its last poke."""

    token0: str
    token1: str
    fee_pips: int
    tick_lower: int
    tick_upper: int
    liquidity: int
    inside_last: Growth
    owed0_raw: int
    owed1_raw: int


class PooledPosition(NamedTuple):
    """All of the manager's liquidity of one range, as the pool keeps it."""

    liquidity: int
    inside_last: Growth
    owed0_raw: int
    owed1_raw: int


class TickRecord(NamedTuple):
    """An initialised or empty tick of a pool."""

    liquidity_gross: int
    outside: Growth


def decode_pool(slot0: CallResult, liquidity: CallResult, growth0: CallResult, growth1: CallResult) -> PoolState:
    """A pool's state; ChainUnavailable when price and tick do not belong together or a number is impossible."""
    sqrt_price_x96, tick_word = slot0.words(7, "slot0")[:2]
    tick = word_as_signed(tick_word)
    in_range = MIN_SQRT_RATIO_X96 <= sqrt_price_x96 < MAX_SQRT_RATIO_X96 and MIN_TICK <= tick < MAX_TICK
    # A swap down that ends exactly on a tick stores the tick below, so the upper end belongs to it too.
    if not in_range or not sqrt_ratio_at_tick(tick) <= sqrt_price_x96 <= sqrt_ratio_at_tick(tick + 1):
        raise ChainUnavailable(f"the node's answer for slot0 is impossible (sqrt price {sqrt_price_x96}, tick {tick})")
    (in_use,) = liquidity.words(1, "liquidity")
    below(128, "liquidity", in_use)
    growth = Growth(growth0.words(1, "feeGrowthGlobal0X128")[0], growth1.words(1, "feeGrowthGlobal1X128")[0])
    return PoolState(sqrt_price_x96, tick, in_use, growth)


def decode_managed(result: CallResult) -> ManagedPosition:
    """`positions(id)` of a position manager."""
    words = result.words(12, "positions")
    below(24, "positions", words[4])
    below(128, "positions", words[7], words[10], words[11])
    tick_lower, tick_upper = word_as_signed(words[5]), word_as_signed(words[6])
    if not MIN_TICK <= tick_lower < tick_upper <= MAX_TICK:
        raise ChainUnavailable(f"the node's answer for positions is impossible (ticks {tick_lower}..{tick_upper})")
    return ManagedPosition(
        token0=word_as_address(words[2], "positions"),
        token1=word_as_address(words[3], "positions"),
        fee_pips=words[4],
        tick_lower=tick_lower,
        tick_upper=tick_upper,
        liquidity=words[7],
        inside_last=Growth(words[8], words[9]),
        owed0_raw=words[10],
        owed1_raw=words[11],
    )


def decode_pooled(result: CallResult) -> PooledPosition:
    """`positions(key)` of a pool."""
    words = result.words(5, "the pool's positions")
    below(128, "the pool's positions", words[0], words[3], words[4])
    return PooledPosition(words[0], Growth(words[1], words[2]), words[3], words[4])


def decode_tick(result: CallResult) -> TickRecord:
    """`ticks(tick)` of a pool."""
    words = result.words(8, "ticks")
    below(128, "ticks", words[0])
    return TickRecord(words[0], Growth(words[2], words[3]))


def decode_staker(result: CallResult) -> str | None:
    """The staker in `userPositionInfos(id)`; None for an id that is not staked."""
    word = result.words(STAKED_WORDS, "userPositionInfos")[STAKER_WORD]
    return word_as_address(word, "userPositionInfos") if word else None


def decode_average_tick(result: CallResult) -> int | None:
    """The mean tick of OBSERVE, rounded down; None where the pool does not remember so far back."""
    if not result.success or len(result.data) < 6 * WORD:
        return None
    words = result.words(6, "observe")
    if words[2] != 2:
        return None
    earlier, now = (word_as_signed(word) for word in words[3:5])
    tick = (now - earlier) // AVERAGE_OVER_S
    return tick if MIN_TICK <= tick <= MAX_TICK else None
