"""A plain synchronous JSON-RPC client and contracts over it, for the rig only: the program under test has its own."""

import json
import time
import urllib.request
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from tests.rigs.chain.artefacts import Artefact


class RpcFailed(AssertionError):
    """The node answered with an error, or a transaction of the rig reverted."""


class Rpc:
    """JSON-RPC by HTTP, one request a call, waiting for the answer.

    `mining_since_s`: of `time.perf_counter`, when the last block that was asked for began to be mined.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.mining_since_s = 0.0

    def call(self, method: str, *params: object) -> Any:
        """The result; RpcFailed when the node answers with an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RpcFailed(f"{method}: {answer['error']}")
        return answer["result"]

    def mine(self) -> None:
        """Mine one block now, whatever the interval."""
        self.mining_since_s = time.perf_counter()
        self.call("evm_mine")

    def send(self, sender: str, to: str | None, data: str, value_raw: int = 0) -> dict[str, Any]:
        """Send from an unlocked account, mine, and return the receipt; RpcFailed when it reverted."""
        transaction = {"from": sender, "data": data, "value": hex(value_raw), "gas": hex(15_000_000)}
        if to is not None:
            transaction["to"] = to
        tx_hash = self.call("eth_sendTransaction", transaction)
        self.mine()
        receipt: dict[str, Any] = self.call("eth_getTransactionReceipt", tx_hash)
        if int(receipt["status"], 16) != 1:
            raise RpcFailed(f"transaction to {to} reverted")
        return receipt


class Contract:
    """A deployed contract: `read` by eth_call, `write` by a transaction mined at once."""

    def __init__(self, rpc: Rpc, address: str, artefact: Artefact) -> None:
        self.address = to_checksum_address(address)
        self._rpc = rpc
        self._functions = [entry for entry in artefact.abi if entry["type"] == "function"]

    def data(self, function: str, *arguments: object) -> bytes:
        """Call data of a function of the interface, of several with one name the one that takes so many arguments."""
        named = [entry["inputs"] for entry in self._functions if entry["name"] == function]
        types = next(types for types in map(_types, named) if len(types) == len(arguments))
        return keccak(text=f"{function}({','.join(types)})")[:4] + encode(types, arguments)

    def outputs(self, function: str, answer: bytes) -> tuple[Any, ...]:
        """Decoded results of a function of the interface."""
        outputs = next(entry["outputs"] for entry in self._functions if entry["name"] == function)
        return tuple(decode(_types(outputs), answer))

    def read(self, function: str, *arguments: object, sender: str | None = None) -> tuple[Any, ...]:
        """All results of an eth_call at the newest block."""
        request = {"to": self.address, "data": "0x" + self.data(function, *arguments).hex()}
        if sender is not None:
            request["from"] = sender
        return self.outputs(function, bytes.fromhex(self._rpc.call("eth_call", request, "latest")[2:]))

    def write(self, function: str, *arguments: object, sender: str, value_raw: int = 0) -> dict[str, Any]:
        """The receipt of a mined transaction."""
        return self._rpc.send(sender, self.address, "0x" + self.data(function, *arguments).hex(), value_raw)


def deploy(rpc: Rpc, artefact: Artefact, sender: str, *arguments: object) -> Contract:
    """Deploy with constructor arguments and mine."""
    constructor = [entry for entry in artefact.abi if entry["type"] == "constructor"]
    types = _types(constructor[0]["inputs"]) if constructor else []
    receipt = rpc.send(sender, None, artefact.bytecode + encode(types, arguments).hex())
    return Contract(rpc, receipt["contractAddress"], artefact)


def _types(parameters: list[dict[str, Any]]) -> list[str]:
    return [collapse_if_tuple(parameter) for parameter in parameters]
