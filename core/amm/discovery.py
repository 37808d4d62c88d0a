"""What is found out once, before the first read: contracts, pools, tokens, ranges, and the wallet's other positions."""

import itertools
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.amm import contracts
from core.amm.abi import (
    WORD,
    Batch,
    CallResult,
    ChainUnavailable,
    addresses_equal,
    call_data,
    text_of,
)
from core.amm.contracts import ManagedPosition, decode_managed, decode_staker
from core.amm.pair import base_and_quote
from core.amm.presets import ChainPreset, position_manager
from core.amm.prices import PairOrder
from core.amm.valuation import PositionPlace, position_place
from core.config import HedgeConfig
from core.errors import Refused
from core.facts import Token

Read = Callable[[Batch], Awaitable[list[CallResult]]]

# A wallet with more positions is not searched: it is a vault's, not a person's. Where all of them are to be followed
# the limit is far higher, as anybody can send one to a wallet.
MAX_WALLET_POSITIONS, MAX_POSITIONS_IF_ALL = 200, 2000


class PoolKey(NamedTuple):
    """What tells one pool of an AMM from another; addresses in lower case."""

    token0: str
    token1: str
    fee_pips: int


@dataclass(frozen=True, slots=True)
class WalletBook:
    """The wallet's positions of whatever pool, in the order of the contract that keeps count: manager or farm."""

    keeper: str
    wallet: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HedgeView:
    """All that stays the same about one hedge between two reads.

    `farm`: the contract that positions of this AMM are staked in. `pool` is the one whose price stands in when no
    position has any value, `pools` all that the hedge has or had positions in, by address. `candidates`: the wallet's
    other positions in them, with liquidity or without.
    """

    name: str
    manager: str
    farm: str | None
    base: Token
    quote: Token
    order: PairOrder
    pool: str
    pools: Mapping[str, PoolKey]
    places: tuple[PositionPlace, ...]
    missing_ids: tuple[int, ...]
    wallet: str | None
    books: tuple[WalletBook, ...]
    candidates: tuple[int, ...]


class Discovery:
    """Finds one hedge's view. Raises Refused for what no retry mends, ChainUnavailable when the node cannot answer."""

    def __init__(self, chain: ChainPreset, read: Read, next_id: Callable[[str], Awaitable[int | None]]) -> None:
        self._chain = chain
        self._read = read
        self._next_id = next_id

    async def view(
        self,
        name: str,
        hedge: HedgeConfig,
        more_ids: Sequence[int] = (),
        before: "HedgeView | None" = None,
        left_out: Collection[int] = (),
    ) -> HedgeView:
        """The view of a hedge; `more_ids` are followed beside the configured ones, `left_out` are other hedges'.

        `before`, the view so far, still knows pools and wallet when positions are gone.
        """
        manager, farm = position_manager(self._chain, hedge.amm_type), self._chain.farms.get(hedge.amm_type)
        await self._factory(manager)  # first: what is no manager fails in ways that look like the node's
        if farm is not None:
            await self._check_farm(farm, manager)
        found = await self._positions(name, hedge, _Keepers(manager, farm), more_ids, before, left_out)
        keys = dict.fromkeys(pool_key(row) for row in found.followed.values())
        if before is not None:
            keys |= dict.fromkeys(before.pools.values())
        pools = await self._pools(manager, keys, hedge.pool_id)
        self._check_pools(name, hedge, found.followed, pools)
        key = next(iter(pools))
        tokens = await self._tokens(key)
        base, quote = base_and_quote(self._chain, name, hedge, tokens)
        order = PairOrder(base is tokens[0], tokens[0].decimals, tokens[1].decimals)
        return HedgeView(
            name=name,
            manager=manager,
            farm=farm,
            base=base,
            quote=quote,
            order=order,
            pool=pools[key],
            pools={pool: each for each, pool in pools.items()},
            places=tuple(
                position_place(position_id, pools[pool_key(row)], order, row.tick_lower, row.tick_upper)
                for position_id, row in found.followed.items()
            ),
            missing_ids=found.missing_ids,
            wallet=hedge.wallet,
            books=found.books,
            candidates=found.candidates(pools),
        )

    async def _positions(
        self,
        name: str,
        hedge: HedgeConfig,
        keepers: "_Keepers",
        more_ids: Sequence[int],
        before: HedgeView | None,
        left_out: Collection[int],
    ) -> "_FoundPositions":
        follow_all, manager = hedge.lp_position_ids == "all", keepers.manager
        wanted = _wanted_ids(hedge, more_ids)
        rows = await self._rows(manager, wanted)
        missing_ids = tuple(position_id for position_id in wanted if position_id not in rows)
        await self._check_existed(name, manager, missing_ids)
        books = await self._books(keepers, await self._wallet(hedge, keepers, rows, before), required=follow_all)
        held = set(itertools.chain.from_iterable(book.ids for book in books))
        others = await self._rows(manager, sorted(held.difference(rows, left_out)))
        if follow_all and hedge.pool_id is not None:
            rows |= await self._of_pool(others, hedge.pool_id)
        return _FoundPositions(rows, missing_ids, books, others)

    async def _rows(self, manager: str, ids: Sequence[int]) -> dict[int, ManagedPosition]:
        """The manager's record of each id; an id that it says does not exist is left out."""
        batch = Batch()
        at = {position_id: batch.add(manager, call_data("positions(uint256)", position_id)) for position_id in ids}
        results = await self._read(batch) if ids else []
        rows = {}
        for position_id, index in at.items():
            if not results[index].reverted_with_reason:
                rows[position_id] = decode_managed(results[index])
        return rows

    async def _check_existed(self, name: str, manager: str, missing_ids: Sequence[int]) -> None:
        next_id = await self._next_id(manager) if missing_ids else None
        for position_id in missing_ids:
            if next_id is not None and position_id >= next_id:
                raise Refused(
                    f"position {position_id} of hedge {name} never existed at {manager} on {self._chain.name}: check "
                    f"lp_position_ids and amm_type",
                    code="unknown_position",
                )

    async def _wallet(
        self, hedge: HedgeConfig, keepers: "_Keepers", rows: Mapping[int, ManagedPosition], before: HedgeView | None
    ) -> str | None:
        """Whose positions are looked through: the configured wallet's, else those of who owned or staked the first.

        Who buys that one from them does not become the hedge's wallet by it.
        """
        if hedge.wallet is not None:
            return hedge.wallet
        if before is not None and before.books:
            return before.books[0].wallet
        return await self._owner(keepers, next(iter(rows))) if rows else None

    async def _owner(self, keepers: "_Keepers", position_id: int) -> str | None:
        """Who owns or has staked it; nobody, when it was sent to the farm without being staked."""
        batch = Batch()
        batch.add(keepers.manager, call_data("ownerOf(uint256)", position_id))
        if keepers.farm is not None:
            batch.add(keepers.farm, call_data("userPositionInfos(uint256)", position_id))
        owned, *staked = await self._read(batch)
        owner = owned.address("ownerOf")
        if not addresses_equal(owner, keepers.farm or ""):
            return owner
        return decode_staker(staked[0])

    async def _check_farm(self, farm: str, manager: str) -> None:
        batch = Batch()
        batch.add(farm, contracts.FARMED_MANAGER)
        answer = (await self._read(batch))[0]
        if (
            answer.success
            and len(answer.data) == WORD
            and addresses_equal(answer.address("the farm's manager"), manager)
        ):
            return
        raise Refused(
            f"{farm} is not a farm of the position manager {manager} on {self._chain.name}: correct farms in "
            f"[chains.{self._chain.name}]",
            code="no_contract",
        )

    async def _books(self, keepers: "_Keepers", wallet: str | None, *, required: bool) -> tuple[WalletBook, ...]:
        if wallet is None:
            return ()
        books = [await self._book(keeper, wallet, required=required) for keeper in keepers if keeper is not None]
        return tuple(book for book in books if book is not None)

    async def _book(self, keeper: str, wallet: str, *, required: bool) -> WalletBook | None:
        batch = Batch()
        batch.add(keeper, call_data("balanceOf(address)", wallet))
        (count,) = (await self._read(batch))[0].words(1, "the wallet's positions")
        if required and count > MAX_POSITIONS_IF_ALL:
            raise Refused(
                f"wallet {wallet} holds {count} positions, too many to follow all: name lp_position_ids", code="wallet"
            )
        if not required and count > MAX_WALLET_POSITIONS:
            return None
        return WalletBook(keeper, wallet, await self._ids_in_book(keeper, wallet, count))

    async def _ids_in_book(self, keeper: str, wallet: str, count: int) -> tuple[int, ...]:
        batch = Batch()
        for index in range(count):
            batch.add(keeper, call_data("tokenOfOwnerByIndex(address,uint256)", wallet, index))
        results = await self._read(batch) if count else []
        return tuple(result.words(1, "the wallet's positions")[0] for result in results)

    async def _of_pool(self, rows: Mapping[int, ManagedPosition], pool: str) -> dict[int, ManagedPosition]:
        key = await self._key_of_pool(pool)
        return {position_id: row for position_id, row in rows.items() if pool_key(row) == key}

    async def _key_of_pool(self, pool: str) -> PoolKey:
        batch = Batch()
        for data in (contracts.TOKEN0, contracts.TOKEN1, contracts.FEE):
            batch.add(pool, data)
        results = await self._read(batch)
        if any(not result.success or len(result.data) != WORD for result in results):
            raise Refused(f"pool_id {pool} is not a V3 pool on {self._chain.name}: correct it", code="no_contract")
        token0, token1, fee = results
        return PoolKey(token0.address("token0"), token1.address("token1"), fee.words(1, "fee")[0])

    async def _pools(self, manager: str, keys: Mapping[PoolKey, None], pool_id: str | None) -> dict[PoolKey, str]:
        """Addresses of the pools, from the manager's own factory; the configured pool's when there is no position."""
        if keys:
            return await self._pool_addresses(manager, keys)
        if pool_id is None:
            raise Refused(
                "none of the positions exists any more and no pool_id is set: set pool_id to go on", code="no_position"
            )
        key = await self._key_of_pool(pool_id)
        pools = await self._pool_addresses(manager, (key,))
        if not addresses_equal(pools[key], pool_id):
            raise Refused(f"pool_id {pool_id} is not a pool of {manager}: check amm_type", code="other_pool")
        return pools

    async def _pool_addresses(self, manager: str, keys: Iterable[PoolKey]) -> dict[PoolKey, str]:
        batch, factory = Batch(), await self._factory(manager)
        at = {key: batch.add(factory, call_data("getPool(address,address,uint24)", *key)) for key in keys}
        results = await self._read(batch)
        return {key: results[index].address("getPool") for key, index in at.items()}

    async def _factory(self, manager: str) -> str:
        batch = Batch()
        batch.add(manager, contracts.FACTORY)
        result = (await self._read(batch))[0]
        if not result.success or len(result.data) != WORD:
            raise Refused(
                f"{manager} is not a V3 position manager on {self._chain.name}: correct it", code="no_contract"
            )
        return result.address("factory")

    def _check_pools(
        self, name: str, hedge: HedgeConfig, rows: Mapping[int, ManagedPosition], pools: Mapping[PoolKey, str]
    ) -> None:
        for position_id, row in rows.items():
            pool = pools[pool_key(row)]
            if hedge.pool_id is not None and not addresses_equal(pool, hedge.pool_id):
                raise Refused(
                    f"position {position_id} is of pool {pool}, not of pool_id {hedge.pool_id}: correct one of them",
                    code="other_pool",
                )
        if len({(key.token0, key.token1) for key in pools}) > 1:
            raise Refused(
                f"the positions of hedge {name} are not all of one pair: give each pair its own hedge", code="pair"
            )

    async def _tokens(self, key: PoolKey) -> tuple[Token, Token]:
        batch = Batch()
        for address in (key.token0, key.token1):
            batch.add(address, contracts.SYMBOL)
            batch.add(address, contracts.DECIMALS)
        results = await self._read(batch)
        return _token(key.token0, *results[:2]), _token(key.token1, *results[2:])


class _Keepers(NamedTuple):
    """The contracts that keep a wallet's positions."""

    manager: str
    farm: str | None


class _FoundPositions(NamedTuple):
    """`others` are all in `books` beside the configured and other hedges' ones, with "all" the followed among them."""

    followed: dict[int, ManagedPosition]
    missing_ids: tuple[int, ...]
    books: tuple[WalletBook, ...]
    others: dict[int, ManagedPosition]

    def candidates(self, pools: Mapping[PoolKey, str]) -> tuple[int, ...]:
        """Ids in one of the pools that are not followed."""
        return tuple(
            position_id
            for position_id, row in self.others.items()
            if position_id not in self.followed and pool_key(row) in pools
        )


def _wanted_ids(hedge: HedgeConfig, more_ids: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*hedge.named_ids, *more_ids)))


def pool_key(row: ManagedPosition) -> PoolKey:
    """By what a factory knows the pool: both tokens in the chain's order, and the fee."""
    return PoolKey(row.token0, row.token1, row.fee_pips)


def _token(address: str, symbol: CallResult, decimals: CallResult) -> Token:
    (places,) = decimals.words(1, f"decimals of {address}")
    if places > 36:
        raise ChainUnavailable(f"the node's answer for decimals of {address} is impossible ({places})")
    return Token(address, text_of(symbol, f"symbol of {address}"), places)
