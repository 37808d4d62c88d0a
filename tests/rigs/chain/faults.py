"""What nodes and what stands before them really answer when they fail. Each is a `Fault` for `RpcProxy`."""

import json
from collections.abc import Callable

from tests.rigs.chain.proxy import Answer, Body, Fault

Forward = Callable[[Body], bytes]


def fixed(body: bytes, *, status: int = 200, **headers: str) -> Fault:
    """Always this answer."""
    return lambda request, forward: Answer(status, body, {name.replace("_", "-"): v for name, v in headers.items()})


def result(value: object) -> Fault:
    """A well-formed answer with this result, whatever was asked."""
    return lambda request, forward: Answer(body=_answer(request, value))


def rpc_error(code: int, message: str) -> Fault:
    """A JSON-RPC error."""
    return lambda request, forward: Answer(
        body=json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}}).encode()
    )


def altered(change: Callable[[bytes], bytes]) -> Fault:
    """The node's own result with its bytes changed."""

    def fault(request: Body, forward: Forward) -> Answer:
        honest = json.loads(forward(request))
        return Answer(body=_answer(request, "0x" + change(bytes.fromhex(honest["result"][2:])).hex()))

    return fault


def stopped_head(block_number: int) -> Fault:
    """A node that stays at one block: every call is answered as of there."""

    def fault(request: Body, forward: Forward) -> Answer:
        parameters = [hex(block_number) if value == "latest" else value for value in request.get("params", [])]
        return Answer(body=forward({**request, "params": parameters}))

    return fault


def only(method: str, fault: Fault) -> Fault:
    """The fault for one method, the truth for all others."""
    return lambda request, forward: (
        fault(request, forward) if request["method"] == method else Answer(body=forward(request))
    )


def slow(seconds_s: float) -> Fault:
    """An honest answer that comes too late."""
    return lambda request, forward: Answer(body=forward(request), hang_s=seconds_s)


def _answer(request: Body, value: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value}).encode()


HTML = fixed(b"<!doctype html><html><title>502 Bad Gateway</title></html>", content_type="text/html")
BAD_GATEWAY = fixed(b"<html>502 Bad Gateway</html>", status=502, content_type="text/html")
GARBAGE = fixed(b"\x00\xff{not json")
EMPTY_BODY = fixed(b"")
RATE_LIMITED = fixed(b'{"error":"too many requests"}', status=429, retry_after="7")
NULL_RESULT = result(None)
EMPTY_RESULT = result("0x")
ZEROS = altered(lambda data: bytes(len(data)))
SHORT = altered(lambda data: data[: len(data) // 2])
DROPPED: Fault = lambda request, forward: Answer(drop=True)  # noqa: E731
