"""The chain adapter: all hedges of one chain read at one block, in one request where the node allows it."""

import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from pydantic import SecretStr

from core.amm import contracts
from core.amm.abi import Batch, CallResult, ChainUnavailable, addresses_equal, kind_of
from core.amm.block_reader import BlockReader, Stamped, all_served, has_code, prepared
from core.amm.cycle import Cycle, HedgeReading
from core.amm.discovery import Discovery, HedgeView
from core.amm.nodes import NodeHealth, Nodes
from core.amm.presets import ChainPreset, position_manager
from core.amm.prices import human_amount
from core.amm.rpc import TIMEOUT_S
from core.clock import Clock
from core.config import HedgeConfig
from core.errors import ConfigurationError, InvariantBroken, LpHedgeError, Refused
from core.facts import LpFacts

# A hedge that cannot be read for a fault of its own is asked for again so often.
RETRY_S = 60.0
FAILED_RETRY_S = 5.0


class _Answer(NamedTuple):
    """One cycle: what it says of each hedge that could be read, of which block, and when it was asked."""

    readings: tuple[tuple[HedgeView, HedgeReading], ...]
    stamped: Stamped
    as_of: datetime


class ChainReader:
    """Implements `LpPositions` for the hedges of one chain.

    A steady cycle is one `eth_call`. Only when a position came to or left a wallet, discovery runs again within the
    same `read`; and a block that was replaced is read once more. Nothing else is retried here: the caller retries, and
    a node that failed gives way to the next of `urls`.
    """

    def __init__(
        self,
        chain: ChainPreset,
        hedges: Mapping[str, HedgeConfig],
        urls: Sequence[SecretStr],
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        followed_ids: Mapping[str, Sequence[int]] | None = None,
        named_ids: Mapping[str, Collection[int]] | None = None,
    ) -> None:
        """`followed_ids`: ids followed beside the configured ones, by hedge, as the operator asked earlier.
        `named_ids`: by hedge, ids that hedges which this reader does not read have named: "all" leaves them out.
        """
        self._chain = chain
        self._hedges = dict(hedges)
        self._clock = clock
        self._nodes = Nodes(chain.name, urls, clock, timeout_s=timeout_s)
        oldest_head_s = min((hedge.max_chain_age_seconds for hedge in hedges.values()), default=30)
        self._blocks = BlockReader(chain, self._nodes, clock, oldest_head_s=oldest_head_s)
        self._discovery = Discovery(chain, self._read_batch, self._next_id)
        self._followed_ids = {name: list(ids) for name, ids in (followed_ids or {}).items()}
        self._named_ids = dict(named_ids or {})
        self._views: dict[str, HedgeView] = {}
        self._refused: dict[str, LpHedgeError] = {}
        self._unread: dict[str, ChainUnavailable] = {}
        self._tried_at_s = 0.0
        self._contracts: set[str] = set()
        self._cycle: Cycle | None = None

    async def prepare(self) -> None:
        """Check chain and contracts, find pools, tokens and ranges. Raises Refused, ConfigurationError, Transient."""
        self._tried_at_s = self._clock.monotonic_s()
        await self._check_chain_ids()
        await self._blocks.prepare()
        await self._look_for(tuple(self._hedges))
        if not self._views:
            raise next(iter(self._refused.values()))

    async def read(self) -> Mapping[str, LpFacts]:
        """All hedges at one block, by name. Raises Transient; InvariantBroken before `prepare` succeeded once."""
        await self._look_again()
        answer = await self._ask_cycle()
        reorganised_from = answer.stamped.reorganised_from
        moved = _moved(answer)
        await self._look_for(moved)
        if moved or reorganised_from is not None:
            answer = await self._ask_cycle()
            _check_places(answer)
        return self._facts(answer, reorganised_from or answer.stamped.reorganised_from)

    async def _look_again(self) -> None:
        """For hedges that could not be read: soon where the node failed, after a while where something is wrong."""
        if not self._refused:
            return
        failed = any(isinstance(error, ChainUnavailable) for error in self._refused.values())
        if self._clock.monotonic_s() - self._tried_at_s < (FAILED_RETRY_S if failed else RETRY_S):
            return
        self._tried_at_s = self._clock.monotonic_s()
        with contextlib.suppress(ChainUnavailable):  # all of them again: the others are read all the same
            await self._look_for(tuple(self._refused))

    def health(self) -> tuple[NodeHealth, ...]:
        """Of each node, in the order of preference."""
        return self._nodes.health()

    def pools(self) -> frozenset[str]:
        """Addresses of the pools whose events can change what is read."""
        views = self._active(self._views)
        return frozenset(pool for view in views for pool in view.pools)

    def faults(self) -> Mapping[str, LpHedgeError]:
        """Of the hedges that were not read: found wrong, and looked for again later; or not in the last answer."""
        return {**self._refused, **self._unread}

    def _facts(self, answer: _Answer, reorganised_from: int | None) -> dict[str, LpFacts]:
        return {
            view.name: LpFacts(
                block=answer.stamped.block,
                as_of=answer.as_of,
                source=answer.stamped.node,
                base=view.base,
                quote=view.quote,
                price=read.point.price,
                positions=read.positions,
                missing_ids=read.missing_ids,
                wallet_base=_wallet_base(view, read),
                unfollowed_ids=tuple(read.unfollowed_quote),
                unfollowed_quote=read.unfollowed_quote,
                pool_prices=read.pool_prices,
                average_price=read.average_price,
                reorganised_from=reorganised_from,
            )
            for view, read in answer.readings
        }

    async def follow(self, hedge: str, position_id: int) -> None:
        """Follow one more id from the next read on. Raises Refused when it is of another pair or never existed."""
        ids = self._followed_ids.get(hedge, [])
        view = await self._discover(hedge, more_ids=(*ids, position_id))
        self._check_wallet(view, self._active(self._views))
        self._followed_ids[hedge] = [*ids, position_id]
        self._take_in({hedge: view}, {})
        await self._look_for(self._holders(position_id, besides=hedge))

    def _holders(self, position_id: int, *, besides: str) -> list[str]:
        """Hedges that hold the position as one of "all": it is named by another one now."""
        views = self._active_besides((besides,))
        return [view.name for view in views if any(place.position_id == position_id for place in view.places)]

    async def aclose(self) -> None:
        """Close all connections."""
        await self._nodes.aclose()

    async def _look_for(self, names: Sequence[str]) -> None:
        """Discover these hedges; what is wrong with one is kept beside the views, and keeps no other from being read.

        Raises ChainUnavailable when that is what is wrong and no other hedge is left; nothing has changed then.
        """
        if not names:
            return
        found, wrong = await self._search(names)
        failed = [error for error in wrong.values() if isinstance(error, ChainUnavailable)]
        if len(failed) == len(names) and not self._active_besides(names):
            raise failed[0]
        self._take_in(found, wrong)

    async def _search(self, names: Sequence[str]) -> tuple[dict[str, HedgeView], dict[str, LpHedgeError]]:
        """By name the views that were found, and what is wrong with the others; one after the other, in that order."""
        found: dict[str, HedgeView] = {}
        wrong: dict[str, LpHedgeError] = {}
        for name in names:
            try:
                view = await self._discover(name)
                self._check_wallet(view, self._active({**self._views, **found}))
            except (Refused, ConfigurationError, ChainUnavailable) as error:
                wrong[name] = error
            else:
                found[name] = view
        return found, wrong

    def _take_in(self, found: Mapping[str, HedgeView], refused: Mapping[str, LpHedgeError]) -> None:
        self._refused = {name: error for name, error in self._refused.items() if name not in found} | dict(refused)
        self._views |= found
        active = self._active(self._views)
        self._cycle = Cycle(self._chain, active) if active else None

    def _active(self, views: Mapping[str, HedgeView]) -> list[HedgeView]:
        return [views[name] for name in self._hedges if name in views and name not in self._refused]

    def _active_besides(self, names: Sequence[str]) -> list[HedgeView]:
        return [view for view in self._active(self._views) if view.name not in names]

    async def _ask_cycle(self) -> _Answer:
        if self._cycle is None:
            raise next(iter(self._refused.values()), InvariantBroken("the chain was read before it was prepared"))
        views, as_of = self._cycle.views, self._clock.now()
        found, stamped = await self._blocks.read(self._cycle.wanted, self._cycle.decode, _is_whole)
        self._unread = {
            v.name: each for v, each in zip(views, found, strict=True) if isinstance(each, ChainUnavailable)
        }
        readings = tuple((v, each) for v, each in zip(views, found, strict=True) if isinstance(each, HedgeReading))
        return _Answer(readings, stamped, as_of)

    async def _discover(self, name: str, more_ids: Sequence[int] | None = None) -> HedgeView:
        hedge = self._hedges[name]
        await self._check_contract(
            position_manager(self._chain, hedge.amm_type), f"the {hedge.amm_type} position manager"
        )
        if hedge.pool_id is not None:
            await self._check_contract(hedge.pool_id, "pool_id")
        before = self._views.get(name)
        if more_ids is None:
            more_ids = self._followed_ids.get(name, ())
        view = await self._discovery.view(name, hedge, more_ids, before, self._others_ids(name))
        return view if before is None else _with_lost(view, before)

    def _others_ids(self, name: str) -> frozenset[int]:
        """A position that one hedge names is no other hedge's, also where "all" would find it."""
        taken = set(self._named_ids.get(name, ()))
        for other, hedge in self._hedges.items():
            if other != name and hedge.amm_type == self._hedges[name].amm_type:
                taken.update(hedge.named_ids, self._followed_ids.get(other, ()))
        return frozenset(taken)

    async def _check_chain_ids(self) -> None:
        async for chain_id, node in self._nodes.ask_each("eth_chainId", [], _chain_id):
            if chain_id != self._chain.chain_id:
                raise Refused(
                    f"{node} is on chain {chain_id}, but {self._chain.name} is {self._chain.chain_id}: correct "
                    f"{self._chain.name.upper()}_RPC_URL or chain_id in [chains.{self._chain.name}]",
                    code="wrong_chain",
                )

    async def _check_contract(self, address: str, what: str) -> None:
        """Raises Refused where there is none; one that was there once is not looked for again."""
        if address in self._contracts:
            return
        if not await self._nodes.any_says("eth_getCode", [address, "latest"], has_code):
            raise Refused(
                f"there is no contract at {address} on {self._chain.name}, where {what} should be: correct it",
                code="no_contract",
            )
        self._contracts.add(address)

    def _check_wallet(self, view: HedgeView, others: Iterable[HedgeView]) -> None:
        """Two hedges that count one wallet's BASE would hedge it twice: the one that was there first has it."""
        if not self._counts_wallet(view):
            return
        for other in others:
            if other.name != view.name and self._counts_wallet(other) and _same_wallet(view, other):
                raise Refused(
                    f"hedges {other.name} and {view.name} both count the {view.base.symbol} of wallet {view.wallet}: "
                    f"set include_wallet_base in one of them only",
                    code="shared_wallet",
                )

    def _counts_wallet(self, view: HedgeView) -> bool:
        return self._hedges[view.name].include_wallet_base

    async def _read_batch(self, batch: Batch) -> list[CallResult]:
        results, _ = await self._blocks.read(prepared(batch), all_served)
        return results

    async def _next_id(self, manager: str) -> int | None:
        """The id that the manager will give next; None where its storage does not show a plausible one."""
        params = [manager, hex(contracts.NEXT_ID_SLOT), "latest"]
        word = await self._nodes.ask("eth_getStorageAt", params, _number)
        return word & ((1 << contracts.NEXT_ID_BITS) - 1) or None


def _moved(answer: _Answer) -> list[str]:
    """Hedges whose positions are not all those, or not all where, they were found."""
    return [view.name for view, read in answer.readings if read.books_moved or read.changed_ids]


def _check_places(answer: _Answer) -> None:
    """What was just found stands where it was found; a node that says otherwise is not believed."""
    changed = [position_id for _, read in answer.readings for position_id in read.changed_ids]
    if changed:
        raise ChainUnavailable(f"the node's answer for position {changed[0]} is of another range")


def _with_lost(view: HedgeView, before: HedgeView) -> HedgeView:
    """With "all", a position that left the wallet drops out of the list; it must not vanish without a word."""
    here = {*view.missing_ids, *(place.position_id for place in view.places)}
    gone = [place.position_id for place in before.places if place.position_id not in here]
    earlier = [position_id for position_id in before.missing_ids if position_id not in here]
    return replace(view, missing_ids=(*earlier, *view.missing_ids, *gone))


def _is_whole(found: Sequence[HedgeReading | ChainUnavailable]) -> bool:
    return not any(isinstance(each, ChainUnavailable) for each in found)


def _same_wallet(one: HedgeView, other: HedgeView) -> bool:
    """Hedges that count a wallet's BASE have one configured."""
    return addresses_equal(one.wallet or "", other.wallet or "") and addresses_equal(
        one.base.address, other.base.address
    )


def _wallet_base(view: HedgeView, hedge: HedgeReading) -> Decimal | None:
    if hedge.wallet_base_raw is None:
        return None
    return human_amount(hedge.wallet_base_raw, view.base.decimals)


def _number(result: object) -> int:
    """A hex quantity, which nodes write without leading zeros."""
    if not isinstance(result, str):
        raise ChainUnavailable(f"the node answered {kind_of(result)} where a number was expected")
    try:
        return int(result, 16)
    except ValueError:
        raise ChainUnavailable("the node answered a broken number") from None


def _chain_id(result: object) -> int:
    chain_id = _number(result)
    if not 0 < chain_id < 1 << 63:
        raise ChainUnavailable(f"the node answered chain id {chain_id}")
    return chain_id
