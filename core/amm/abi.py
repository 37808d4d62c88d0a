"""Call data and answers of the few contract functions that are read, and Multicall3 around them.

Answers are decoded by hand, word by word: it is the work of every cycle, and every length and offset is checked here.
"""

from collections.abc import Sequence
from typing import NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from core.errors import Transient

WORD = 32
_ADDRESS_LIMIT = 1 << 160
# `Panic(uint256)`: how compiled code says that it failed, not that the answer is no.
_PANIC = bytes.fromhex("4e487b71")
_SELECTOR = 4


class ChainUnavailable(Transient):
    """The node gave no answer, or none that can be believed: nothing is known, no amount follows."""


class AskedTooMuch(ChainUnavailable):
    """The node may serve the same calls in smaller portions."""


class Call(NamedTuple):
    """One contract call inside a batch."""

    target: str
    data: bytes


class CallResult(NamedTuple):
    """What one call of a batch answered; of a failed one `data` is its revert data."""

    success: bool
    data: bytes

    @property
    def reverted_with_reason(self) -> bool:
        """The contract itself said no, in words or by an error of its own, as for an id that does not exist.

        Never for a lack of gas, which says nothing at all.
        """
        return not self.success and len(self.data) >= _SELECTOR and not self.data.startswith(_PANIC)

    def words(self, count: int, what: str) -> tuple[int, ...]:
        """The first `count` words; ChainUnavailable when the call failed or the answer is shorter."""
        if not self.success and not self.data:
            raise AskedTooMuch(f"the node answered that {what} failed, as it does when gas runs out")
        if not self.success:
            raise ChainUnavailable(f"the node answered that {what} failed")
        if len(self.data) < count * WORD:
            raise ChainUnavailable(f"the node's answer for {what} is too short ({len(self.data)} bytes)")
        return tuple(int.from_bytes(self.data[i * WORD : (i + 1) * WORD], "big") for i in range(count))

    def address(self, what: str) -> str:
        """A single address, as lower-case hex."""
        return word_as_address(self.words(1, what)[0], what)


def selector(signature: str) -> bytes:
    """The first four bytes of a function's call data."""
    return keccak(text=signature)[:4]


def call_data(signature: str, *arguments: int | str) -> bytes:
    """Call data of a function of addresses and integers, which are all a word each."""
    types = [kind for kind in signature[signature.index("(") + 1 : -1].split(",") if kind]
    return selector(signature) + encode(types, arguments)


_AGGREGATE3 = selector("aggregate3((address,bool,bytes)[])")


class Batch:
    """Calls collected to be read at one block; the same call asked twice is sent once."""

    def __init__(self) -> None:
        self._calls: dict[Call, int] = {}

    def add(self, target: str, data: bytes) -> int:
        """Where the call's answer will stand among the results."""
        return self._calls.setdefault(Call(target.lower(), data), len(self._calls))

    @property
    def calls(self) -> tuple[Call, ...]:
        """In the order of `add`."""
        return tuple(self._calls)


def encode_calls(calls: Sequence[Call]) -> str:
    """`aggregate3` call data, as hex; each call is allowed to fail on its own."""
    each = [(call.target, True, call.data) for call in calls]
    return "0x" + (_AGGREGATE3 + encode(["(address,bool,bytes)[]"], [each])).hex()


def decode_calls(answer: object, count: int) -> list[CallResult]:
    """What each of `count` calls answered. ChainUnavailable when the answer is not exactly that."""
    results = decode_results(hex_bytes(answer))
    if len(results) != count:
        raise ChainUnavailable(f"the node answered {len(results)} of {count} calls")
    return results


def hex_bytes(answer: object) -> bytes:
    """Bytes of a hex string of at least one byte; ChainUnavailable for anything else, null and `0x` first of all."""
    if not isinstance(answer, str) or not answer.startswith("0x"):
        raise ChainUnavailable(f"the node answered {kind_of(answer)} where hex was expected")
    if answer == "0x":
        raise ChainUnavailable("the node answered an empty result")
    try:
        return bytes.fromhex(answer[2:])
    except ValueError:
        raise ChainUnavailable("the node answered broken hex") from None


def kind_of(answer: object) -> str:
    """What JSON calls it."""
    names = {bool: "true or false", str: "text", list: "a list", dict: "an object", type(None): "nothing"}
    return names.get(type(answer), "a number")


def decode_results(data: bytes) -> list[CallResult]:
    """Decode `(bool success, bytes returnData)[]`, laid out as a contract lays it out: each part right behind the last.

    ChainUnavailable when any offset, length or flag is another one, or when something is left over.
    """
    count = _number(data, WORD)
    if _number(data, 0) != WORD or count * 2 * WORD > len(data):
        raise ChainUnavailable("the node's answer is not a list of results")
    start, results = 2 * WORD, []
    at = start + count * WORD
    for index in range(count):
        if _number(data, start + index * WORD) != at - start:
            raise ChainUnavailable("the node's answer is not a list of results")
        result, at = _decode_result(data, at)
        results.append(result)
    if at != len(data):
        raise ChainUnavailable("the node's answer goes on behind its end")
    return results


def _decode_result(data: bytes, at: int) -> tuple[CallResult, int]:
    """The result that begins here, and where the next one does."""
    success, offset, length = _number(data, at), _number(data, at + WORD), _number(data, at + 2 * WORD)
    if success > 1 or offset != 2 * WORD:
        raise ChainUnavailable("the node's answer is not a list of results")
    first = at + 3 * WORD
    after = first + -(-length // WORD) * WORD
    if after > len(data):
        raise ChainUnavailable("the node's answer is cut short")
    return CallResult(success == 1, data[first : first + length]), after


def _number(data: bytes, at: int) -> int:
    """The word at an offset, where offsets and lengths stand: one that no answer could hold is refused."""
    if at + WORD > len(data):
        raise ChainUnavailable("the node's answer is cut short")
    return int.from_bytes(data[at : at + WORD], "big")


def word_as_address(word: int, what: str) -> str:
    """Lower-case hex address; ChainUnavailable when the word holds more than an address."""
    if word >= _ADDRESS_LIMIT:
        raise ChainUnavailable(f"the node's answer for {what} is not an address")
    return f"0x{word:040x}"


def word_as_signed(word: int) -> int:
    """Two's complement of a word, as ticks and net liquidity are kept."""
    return word - (1 << 256) if word >> 255 else word


def below(bits: int, what: str, *words: int) -> None:
    """ChainUnavailable when a word is wider than its type allows: the contract cannot have said it."""
    if any(word >> bits for word in words):
        raise ChainUnavailable(f"the node's answer for {what} is impossible")


def text_of(result: CallResult, what: str) -> str:
    """A `symbol()`, which the oldest tokens keep as bytes32 and all others as a string."""
    if len(result.data) == WORD:
        raw = result.data.rstrip(b"\0")
    else:
        offset = result.words(2, what)[0]
        length = _number(result.data, offset)
        raw = result.data[offset + WORD : offset + WORD + length]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ChainUnavailable(f"the node's answer for {what} is not text") from None
    if not result.success or not text:
        raise ChainUnavailable(f"the node's answer for {what} is empty")
    return text


def addresses_equal(one: str, other: str) -> bool:
    """The same address, whatever the case it is written in."""
    return one.lower() == other.lower()


def contains_address(addresses: Sequence[str], address: str) -> bool:
    """Whether an address is among others, whatever the case."""
    return address.lower() in {known.lower() for known in addresses}
