"""Any number of contract calls at one block: in one request where the node allows it, else in portions of that block.

Every request carries the chain's id, the block's number and time and its parent's hash, so that no answer of another
chain, block or branch is ever put together with the rest.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

from core.amm import contracts
from core.amm.abi import (
    WORD,
    AskedTooMuch,
    Batch,
    Call,
    CallResult,
    ChainUnavailable,
    call_data,
    decode_calls,
    encode_calls,
    hex_bytes,
)
from core.amm.branch import Branch, earlier_number, left_behind
from core.amm.multicall_code import MULTICALL_CODE
from core.amm.nodes import Behind, Nodes
from core.amm.presets import ChainPreset
from core.amm.rpc import Forbidden, Node
from core.clock import Clock
from core.errors import Refused
from core.facts import Block

# Into how many requests a batch is split, one after the other, until the node takes them.
PORTIONS = (1, 4, 16)
# Fewer calls than this are not worth splitting: they fail for another reason.
SMALLEST_SPLIT = 8
# A node that refused large calls is asked for one again after so long.
SPLIT_FOR_S = 3600.0
# One that forbade them is, much sooner: it may have meant the key.
FORBIDDEN_BEFORE_LESS, GUARDED_FOR_S = 2, 600.0
# Blocks may carry a time a little ahead of the clock, or the clock may be a little behind.
AHEAD_S = 60.0
# Block times outside this are no answer of a chain: before any V3 pool, or past the reach of a timestamp.
_FIRST_BLOCK_TIME = 1_600_000_000
_LAST_BLOCK_TIME = 10_000_000_000
# Stands in the encoded request where the number of an earlier block goes.
_EARLIER = int.from_bytes(b"the number of the earlier block.", "big")
_EARLIER_HEX = f"{_EARLIER:064x}"

# No chain makes more blocks a second, and none is that far ahead of what was read in the last minute.
FASTEST_BLOCKS_PER_S, MOST_BLOCKS_AHEAD = 20, 1000

V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)


class Decode(Protocol[V_co]):
    """What the results mean. `final`: asking for less at once would change nothing.

    Raises ChainUnavailable for results that mean nothing, AskedTooMuch for those that may in smaller portions.
    """

    def __call__(self, results: Sequence[CallResult], *, final: bool) -> V_co: ...


class Stamped(NamedTuple):
    """`reorganised_from`: number of a block read earlier that is no longer part of the chain; None: none is known."""

    block: Block
    node: str
    reorganised_from: int | None


class Prepared(NamedTuple):
    """A batch that is asked for again and again: its calls, and their encoding by number of portions."""

    calls: tuple[Call, ...]
    encoded: dict[int, list[tuple[int, str]]]

    @property
    def is_small(self) -> bool:
        """Not worth splitting."""
        return len(self.calls) < SMALLEST_SPLIT


def prepared(batch: Batch) -> Prepared:
    """Nothing is encoded yet: that happens at the first use, once for each number of portions."""
    return Prepared(batch.calls, {})


class _Split(NamedTuple):
    """What a node was found to need. `useless`: smaller portions changed nothing."""

    portions: int
    until_s: float
    useless: bool = False

    def tries(self, wanted: Prepared) -> Sequence[int]:
        """The numbers of portions to ask for, one after the other, until the node takes them."""
        left = PORTIONS[PORTIONS.index(self.portions) :]
        return left[:1] if self.useless or wanted.is_small else left


_UNSPLIT = _Split(PORTIONS[0], until_s=0.0)


class _Question(NamedTuple):
    """`known`: the block whose place in the chain is asked about beside."""

    wanted: Prepared
    known: Block | None


class BlockReader:
    def __init__(self, chain: ChainPreset, nodes: Nodes, clock: Clock, *, oldest_head_s: float) -> None:
        """`oldest_head_s`: a node whose newest block is older than this serves only when no other does."""
        self._chain = chain
        self._nodes = nodes
        self._clock = clock
        self._oldest_head_s = oldest_head_s
        self._branch = Branch(clock)
        self._head = _Head(chain)
        self._splits: dict[Node, _Split] = {}
        self._forbidden: dict[Node, int] = {}
        self._has_multicall = True

    async def prepare(self) -> None:
        """Find out whether the chain has a Multicall3, and if not, whether the node runs our stand-in for it.

        Raises Transient; Refused when there is neither.
        """
        self._has_multicall = await self._nodes.any_says("eth_getCode", [self._chain.multicall, "latest"], has_code)
        if self._has_multicall:
            return
        try:
            await self.read(prepared(Batch()), all_served)
        except ChainUnavailable as error:
            raise Refused(
                f"there is no Multicall3 at {self._chain.multicall} on {self._chain.name}, and the node does not run "
                f"code of ours in its place ({error}): set multicall in [chains.{self._chain.name}] or change node",
                code="no_contract",
            ) from None

    async def read(
        self, wanted: Prepared, decode: Decode[V], whole: Callable[[V], bool] = lambda value: True
    ) -> tuple[V, Stamped]:
        """What `decode` makes of the results, all of one block. One that is not `whole` serves when no node has better.

        Raises ChainUnavailable when no node gives a whole answer that `decode` takes.
        """

        known = self._branch.known

        async def attempt(node: Node) -> tuple[V, Block, int | None]:
            value, block, earlier_hash = await self._in_portions(node, _Question(wanted, known), decode, whole)
            self._check_number(node, block)
            found = (value, block, left_behind(known, block, earlier_hash))
            if why := self._behind(block, found[2]):
                raise Behind(f"{node.name} {why}", found, block=block.number)
            if not whole(value):
                raise Behind(f"{node.name} answered only a part", found, block=block.number)
            return found

        (value, block, reorganised_from), name = await self._nodes.first(attempt)
        self._branch.note(block, reorganised=reorganised_from is not None)
        return value, Stamped(block, name, reorganised_from)

    def _check_number(self, node: Node, block: Block) -> None:
        """A number that the chain cannot have reached would make all honest ones look late."""
        known, newest = self._branch.known, self._branch.newest
        if known is None or newest is None:
            return
        elapsed_s = max(0.0, (self._clock.now() - known.time).total_seconds())
        if block.number > newest + MOST_BLOCKS_AHEAD + FASTEST_BLOCKS_PER_S * elapsed_s:
            raise ChainUnavailable(f"{node.name} claims block {block.number}, but {newest} was read a moment ago")

    def _behind(self, block: Block, reorganised_from: int | None) -> str | None:
        age_s = (self._clock.now() - block.time).total_seconds()
        if age_s > self._oldest_head_s:
            return f"stands at block {block.number}, which is {age_s:.0f} s old"
        if age_s < -AHEAD_S:
            return f"stands at block {block.number}, which is {-age_s:.0f} s in the future"
        newest = self._branch.newest
        if reorganised_from is None and newest is not None and block.number < newest:
            return f"answered with block {block.number}, but block {newest} was read before"
        return None

    async def _in_portions(
        self, node: Node, asked: _Question, decode: Decode[V], whole: Callable[[V], bool]
    ) -> tuple[V, Block, str | None]:
        split = self._split_of(node)
        tries = split.tries(asked.wanted)
        for portions in tries:
            final = portions == tries[-1]
            try:
                results, block, earlier_hash = await self._gather(node, asked, portions)
                value = decode(results, final=final)
            except AskedTooMuch:
                if final:
                    raise
                continue
            except Forbidden:
                self._note_forbidden(node, portions, asked.wanted)
                raise
            self._note_served(node, split, portions, whole=whole(value))
            return value, block, earlier_hash
        raise AssertionError("the last number of portions either serves or raises")

    def _note_served(self, node: Node, split: _Split, portions: int, *, whole: bool) -> None:
        self._forbidden.pop(node, None)
        if portions > split.portions:
            until_s = self._clock.monotonic_s() + SPLIT_FOR_S
            self._splits[node] = _Split(portions, until_s) if whole else _Split(1, until_s, useless=True)

    def _note_forbidden(self, node: Node, portions: int, wanted: Prepared) -> None:
        """A node that forbade twice in a row is asked for less the next time: once may be a quota or a key."""
        if wanted.is_small:
            return
        times = self._forbidden[node] = self._forbidden.get(node, 0) + 1
        if times % FORBIDDEN_BEFORE_LESS == 0:
            until_s = self._clock.monotonic_s() + GUARDED_FOR_S
            self._splits[node] = _Split(_next_after(portions), until_s)

    def _split_of(self, node: Node) -> _Split:
        split = self._splits.get(node, _UNSPLIT)
        return split if split.until_s > self._clock.monotonic_s() else _UNSPLIT

    async def _gather(self, node: Node, asked: _Question, portions: int) -> tuple[list[CallResult], Block, str | None]:
        """The first portion at the newest block, the others at the number that it named."""
        results: list[CallResult] = []
        block, earlier_hash, at = None, None, "latest"
        earlier = f"{earlier_number(asked.known):064x}"
        for count, data in self._encoded(asked.wanted, portions):
            answer = await node.call("eth_call", self._params(data.replace(_EARLIER_HEX, earlier, 1), at))
            part = decode_calls(answer, self._head.count + count)
            part_block, part_earlier = self._head.decode(part)
            if block is None:
                block, earlier_hash, at = part_block, part_earlier, hex(part_block.number)
            elif part_block != block:
                raise ChainUnavailable(f"{node.name} changed block {block.number} while it was read")
            results += part[self._head.count :]
        assert block is not None
        return results, block, earlier_hash

    def _encoded(self, wanted: Prepared, portions: int) -> list[tuple[int, str]]:
        if portions not in wanted.encoded:
            size = max(1, -(-len(wanted.calls) // portions))
            parts = [wanted.calls[at : at + size] for at in range(0, max(1, len(wanted.calls)), size)]
            wanted.encoded[portions] = [(len(part), encode_calls((*self._head.calls, *part))) for part in parts]
        return wanted.encoded[portions]

    def _params(self, data: str, at: str) -> list[object]:
        call = {"to": self._chain.multicall, "data": data}
        if self._has_multicall:
            return [call, at]
        return [call, at, {self._chain.multicall: {"code": MULTICALL_CODE}}]


def all_served(results: Sequence[CallResult], *, final: bool) -> list[CallResult]:
    """The results as they are; of many calls none fails without a word, but for a lack of gas.

    A few calls are questions to what may not know them.
    """
    if not final and any(not each.success and not each.data for each in results):
        raise AskedTooMuch("the node answered that a call failed, as it does when gas runs out")
    return list(results)


def has_code(result: object) -> bool:
    """Of `eth_getCode`. Raises ChainUnavailable for what is no answer to it."""
    return result != "0x" and bool(hex_bytes(result))


class _Head:
    """The calls that stand at the head of every request."""

    def __init__(self, chain: ChainPreset) -> None:
        self._chain = chain
        batch = Batch()
        self._time = batch.add(chain.multicall, contracts.BLOCK_TIME)
        self._chain_id = batch.add(chain.multicall, contracts.CHAIN_ID)
        if chain.arbitrum_blocks:
            self._number = batch.add(contracts.ARB_SYS, contracts.ARB_BLOCK_NUMBER)
        else:
            self._number = batch.add(chain.multicall, contracts.BLOCK_NUMBER)
            self._parent = batch.add(chain.multicall, contracts.PARENT_HASH)
            self._earlier = batch.add(chain.multicall, call_data("getBlockHash(uint256)", _EARLIER))
        self.calls = batch.calls
        self.count = len(self.calls)

    def decode(self, results: Sequence[CallResult]) -> tuple[Block, str | None]:
        """The block, and the hash that its branch has for the earlier block; None where it cannot say."""
        (chain_id,) = results[self._chain_id].words(1, "the chain id")
        if chain_id != self._chain.chain_id:
            raise ChainUnavailable(
                f"the node is on chain {chain_id}, not on {self._chain.name} ({self._chain.chain_id})"
            )
        (number,) = results[self._number].words(1, "the block number")
        (time,) = results[self._time].words(1, "the block time")
        if not (0 < number < 1 << 63 and _FIRST_BLOCK_TIME < time < _LAST_BLOCK_TIME):
            raise ChainUnavailable(f"the node's answer for the block is impossible (number {number}, time {time})")
        at = datetime.fromtimestamp(time, UTC)
        if self._chain.arbitrum_blocks:
            return Block(number, None, at), None
        return Block(number, _hash(results[self._parent]), at), _hash(results[self._earlier])


def _next_after(portions: int) -> int:
    """What to try at the next call: less at once, and after the least all of it again."""
    return next((each for each in PORTIONS if each > portions), PORTIONS[0])


def _hash(result: CallResult) -> str | None:
    """None where the chain does not tell: zeros stand for a block that is not there, or is too long ago."""
    told = result.success and len(result.data) == WORD and any(result.data)
    return "0x" + result.data.hex() if told else None
