"""One cycle: the calls of all hedges of a chain, and what their answers mean."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum, auto
from typing import NamedTuple

from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak

from core.amm import contracts
from core.amm.abi import AskedTooMuch, Batch, CallResult, ChainUnavailable, addresses_equal, call_data, selector
from core.amm.amounts import burn_amounts
from core.amm.block_reader import Prepared, prepared
from core.amm.contracts import (
    ManagedPosition,
    PoolState,
    decode_average_tick,
    decode_managed,
    decode_pool,
    decode_pooled,
    decode_staker,
    decode_tick,
)
from core.amm.discovery import HedgeView, PoolKey, WalletBook, pool_key
from core.amm.fee_growth import growth_inside, owed_by_growth
from core.amm.presets import ChainPreset
from core.amm.prices import PairOrder, price_from_sqrt
from core.amm.ticks import sqrt_ratio_at_tick
from core.amm.valuation import Holding, PoolPoint, PositionPlace, lp_position, pool_point
from core.facts import LpPosition


class HedgeReading(NamedTuple):
    """One hedge at one block.

    `changed_ids`: positions that are not where they were found, as happens to an id that was given anew after its block
    was replaced; they are in none of the others. `wallet_base_raw` None: no wallet. `books_moved`: the wallet's
    positions changed. `unfollowed_quote`: the wallet's other positions that hold liquidity, and its value.
    """

    point: PoolPoint
    pool_prices: Mapping[str, Decimal]
    positions: tuple[LpPosition, ...]
    missing_ids: tuple[int, ...]
    changed_ids: tuple[int, ...]
    unfollowed_quote: Mapping[int, Decimal]
    wallet_base_raw: int | None
    books_moved: bool
    average_price: Decimal | None


class _PoolCalls(NamedTuple):
    observed: int
    balance0: int
    balance1: int
    slot0: int
    liquidity: int
    growth0: int
    growth1: int


class _PositionCalls(NamedTuple):
    place: PositionPlace
    managed: int
    owner: int
    pooled: int
    lower: int
    upper: int
    staked: int | None


class _HedgeCalls(NamedTuple):
    view: HedgeView
    pools: dict[str, _PoolCalls]
    positions: tuple[_PositionCalls, ...]
    wallet: tuple[int, ...]
    books: tuple[tuple[WalletBook, tuple[int, ...]], ...]
    candidates: tuple[tuple[int, int], ...]


class Cycle:
    """The request of every cycle, encoded once, and the decoding of its answer. Build a new one when a view changes."""

    def __init__(self, chain: ChainPreset, views: Iterable[HedgeView]) -> None:
        self.views = tuple(views)
        self._chain = chain
        self._batch = Batch()
        self._hedges = tuple(self._hedge_calls(view) for view in self.views)
        self.wanted: Prepared = prepared(self._batch)

    def decode(self, results: Sequence[CallResult], *, final: bool) -> tuple[HedgeReading | ChainUnavailable, ...]:
        """By view; of a hedge of which any part is missing, short or impossible, what is wrong with it.

        Raises that when nothing else is there, and AskedTooMuch unless this is `final`.
        """
        found = tuple(_read_or_fail(calls, results, final=final) for calls in self._hedges)
        failed = [each for each in found if isinstance(each, ChainUnavailable)]
        if failed and len(failed) == len(found):
            raise failed[0]
        return found

    def _hedge_calls(self, view: HedgeView) -> _HedgeCalls:
        return _HedgeCalls(
            view,
            {pool: self._pool_calls(pool, key) for pool, key in view.pools.items()},
            tuple(self._position_calls(view, place) for place in view.places),
            self._wallet_calls(view),
            tuple((book, self._book_calls(book)) for book in view.books),
            tuple((number, self._batch.add(view.manager, _managed(number))) for number in view.candidates),
        )

    def _pool_calls(self, pool: str, key: PoolKey) -> _PoolCalls:
        held = call_data("balanceOf(address)", pool)
        return _PoolCalls(
            self._batch.add(pool, contracts.OBSERVE),
            self._batch.add(key.token0, held),
            self._batch.add(key.token1, held),
            self._batch.add(pool, contracts.SLOT0),
            self._batch.add(pool, contracts.LIQUIDITY),
            self._batch.add(pool, contracts.GROWTH_GLOBAL_0),
            self._batch.add(pool, contracts.GROWTH_GLOBAL_1),
        )

    def _position_calls(self, view: HedgeView, place: PositionPlace) -> _PositionCalls:
        add, manager, lower, upper = self._batch.add, view.manager, place.tick_lower, place.tick_upper
        staked = call_data("userPositionInfos(uint256)", place.position_id)
        key = int.from_bytes(keccak(encode_packed(["address", "int24", "int24"], [manager, lower, upper])), "big")
        return _PositionCalls(
            place,
            managed=add(manager, _managed(place.position_id)),
            owner=add(manager, call_data("ownerOf(uint256)", place.position_id)),
            pooled=add(place.pool, _POOL_POSITIONS + key.to_bytes(32, "big")),
            lower=add(place.pool, call_data("ticks(int24)", lower)),
            upper=add(place.pool, call_data("ticks(int24)", upper)),
            staked=add(view.farm, staked) if view.farm else None,
        )

    def _wallet_calls(self, view: HedgeView) -> tuple[int, ...]:
        if view.wallet is None:
            return ()
        token = self._batch.add(view.base.address, call_data("balanceOf(address)", view.wallet))
        wrapped = self._chain.wrapped_native
        if wrapped is None or not addresses_equal(wrapped, view.base.address):
            return (token,)
        return (token, self._batch.add(self._chain.multicall, call_data("getEthBalance(address)", view.wallet)))

    def _book_calls(self, book: WalletBook) -> tuple[int, ...]:
        """All of it: who leaves is replaced by the last, so that a newcomer may stand anywhere."""
        count = call_data("balanceOf(address)", book.wallet)
        each = (call_data("tokenOfOwnerByIndex(address,uint256)", book.wallet, index) for index in range(len(book.ids)))
        return tuple(self._batch.add(book.keeper, data) for data in (count, *each))


_POOL_POSITIONS = selector("positions(bytes32)")


def _managed(position_id: int) -> bytes:
    return call_data("positions(uint256)", position_id)


def _read_or_fail(calls: _HedgeCalls, results: Sequence[CallResult], *, final: bool) -> HedgeReading | ChainUnavailable:
    try:
        return _read_hedge(calls, results)
    except AskedTooMuch as error:
        if not final:
            raise
        return error
    except ChainUnavailable as error:
        return error


def _read_hedge(calls: _HedgeCalls, results: Sequence[CallResult]) -> HedgeReading:
    view = calls.view
    states = {
        pool: decode_pool(results[at.slot0], results[at.liquidity], results[at.growth0], results[at.growth1])
        for pool, at in calls.pools.items()
    }
    points = {pool: pool_point(state.sqrt_price_x96, state.tick, view.order) for pool, state in states.items()}
    standing = _by_standing(calls, results)
    positions = [
        _read_position(calls, at, states[at.place.pool], points[at.place.pool], results)
        for at in standing[_Standing.HERE]
    ]
    leading = _leading_pool(view.pool, positions)
    return HedgeReading(
        point=points[leading],
        pool_prices={pool: point.price for pool, point in points.items()},
        positions=tuple(positions),
        missing_ids=(*view.missing_ids, *_ids(standing[_Standing.GONE])),
        changed_ids=_ids(standing[_Standing.ELSEWHERE]),
        unfollowed_quote=_unfollowed(calls, points, results),
        wallet_base_raw=_wallet_base_raw(calls, results),
        books_moved=_books_moved(calls, results),
        average_price=_average_price(results[calls.pools[leading].observed], view.order),
    )


class _Standing(Enum):
    HERE = auto()
    ELSEWHERE = auto()
    GONE = auto()


def _by_standing(calls: _HedgeCalls, results: Sequence[CallResult]) -> dict[_Standing, list[_PositionCalls]]:
    found: dict[_Standing, list[_PositionCalls]] = {each: [] for each in _Standing}
    for at in calls.positions:
        found[_standing(calls.view, at, results)].append(at)
    return found


def _standing(view: HedgeView, at: _PositionCalls, results: Sequence[CallResult]) -> _Standing:
    """Gone only when the manager says so twice and in words; a call that failed otherwise is a failed read."""
    if results[at.managed].reverted_with_reason and results[at.owner].reverted_with_reason:
        return _Standing.GONE
    managed, place = decode_managed(results[at.managed]), at.place
    there = (pool_key(managed), managed.tick_lower, managed.tick_upper)
    found = (view.pools[place.pool], place.tick_lower, place.tick_upper)
    return _Standing.HERE if there == found else _Standing.ELSEWHERE


def _ids(positions: Iterable[_PositionCalls]) -> tuple[int, ...]:
    return tuple(at.place.position_id for at in positions)


def _read_position(
    calls: _HedgeCalls, at: _PositionCalls, pool: PoolState, point: PoolPoint, results: Sequence[CallResult]
) -> LpPosition:
    holding = _read_holding(at, _owner(calls.view, at, results), pool, results)
    position = lp_position(at.place, holding, point)
    _check_held(position, at.place.order, calls.pools[at.place.pool], results)
    return position


def _unfollowed(
    calls: _HedgeCalls, points: Mapping[str, PoolPoint], results: Sequence[CallResult]
) -> dict[int, Decimal]:
    """Value in QUOTE of those with liquidity in one of the hedge's pools; one that is gone by now holds none."""
    pools, found = {key: pool for pool, key in calls.view.pools.items()}, {}
    for number, at in calls.candidates:
        if results[at].reverted_with_reason:
            continue
        row = decode_managed(results[at])
        if row.liquidity > 0 and (pool := pools.get(pool_key(row))) is not None:
            found[number] = _worth_quote(row, points[pool], calls.view.order)
    return found


def _worth_quote(row: ManagedPosition, at: PoolPoint, order: PairOrder) -> Decimal:
    edges = sqrt_ratio_at_tick(row.tick_lower), sqrt_ratio_at_tick(row.tick_upper)
    base, quote = order.base_quote(*burn_amounts(at.sqrt_price_x96, *edges, row.liquidity))
    return base * at.price + quote


def _wallet_base_raw(calls: _HedgeCalls, results: Sequence[CallResult]) -> int | None:
    return sum(_balance(results[index]) for index in calls.wallet) if calls.wallet else None


def _books_moved(calls: _HedgeCalls, results: Sequence[CallResult]) -> bool:
    return any(_book_moved(book, [results[index] for index in at]) for book, at in calls.books)


def _read_holding(at: _PositionCalls, owner: str, pool: PoolState, results: Sequence[CallResult]) -> Holding:
    """What the position holds, as `collect` would work it out: poke, then pay no more than the pool owes the range."""
    place, managed, pooled = at.place, decode_managed(results[at.managed]), decode_pooled(results[at.pooled])
    in_range = place.tick_lower <= pool.tick < place.tick_upper
    if managed.liquidity > pooled.liquidity or (in_range and pooled.liquidity > pool.liquidity):
        raise ChainUnavailable(f"the node's answer for position {place.position_id} holds more than its pool")
    if not managed.liquidity:
        owed0, owed1 = (0, 0), (0, 0)
    else:
        lower, upper = decode_tick(results[at.lower]), decode_tick(results[at.upper])
        if min(lower.liquidity_gross, upper.liquidity_gross) < pooled.liquidity:
            raise ChainUnavailable(f"the node's answer for the ticks of position {place.position_id} is impossible")
        inside = growth_inside(pool.tick, place.tick_lower, place.tick_upper, pool.growth, lower.outside, upper.outside)
        owed0 = owed_by_growth(managed.liquidity, inside, managed.inside_last)
        owed1 = owed_by_growth(pooled.liquidity, inside, pooled.inside_last)
    return Holding(
        owner,
        managed.liquidity,
        min(managed.owed0_raw + owed0[0], pooled.owed0_raw + owed1[0]),
        min(managed.owed1_raw + owed0[1], pooled.owed1_raw + owed1[1]),
    )


def _check_held(position: LpPosition, order: PairOrder, pool: _PoolCalls, results: Sequence[CallResult]) -> None:
    """No position is owed more than its pool has: fees that wrapped around from a wrong growth would be absurd."""
    held = _balance(results[pool.balance0]), _balance(results[pool.balance1])
    held_base, held_quote = order.base_quote(*held)
    if position.base + position.owed_base > held_base or position.quote + position.owed_quote > held_quote:
        raise ChainUnavailable(f"the node's answer for position {position.position_id} holds more than its pool")


def _owner(view: HedgeView, at: _PositionCalls, results: Sequence[CallResult]) -> str:
    """Who may take the position out: its staker, when the farm holds it for one."""
    owner = results[at.owner].address("ownerOf")
    if at.staked is None or view.farm is None or not addresses_equal(owner, view.farm):
        return owner
    return decode_staker(results[at.staked]) or owner


def _leading_pool(pool: str, positions: Sequence[LpPosition]) -> str:
    """The pool of the position of most value; the hedge's own when there is none."""
    if not positions:
        return pool
    return max(positions, key=lambda position: position.base * position.price + position.quote).pool


def _average_price(observed: CallResult, order: PairOrder) -> Decimal | None:
    tick = decode_average_tick(observed)
    return None if tick is None else price_from_sqrt(sqrt_ratio_at_tick(tick), order)


def _balance(result: CallResult) -> int:
    return result.words(1, "a balance")[0]


def _book_moved(book: WalletBook, results: Sequence[CallResult]) -> bool:
    """A position came or went, or another stands in its place."""
    if results[0].words(1, "the wallet's positions")[0] != len(book.ids):
        return True
    return tuple(result.words(1, "the wallet's positions")[0] for result in results[1:]) != book.ids
