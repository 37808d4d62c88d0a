"""What nodes and what stands before them really answer when they fail. Each is a `Fault` for `RpcProxy`."""

import json
from collections.abc import Callable, Mapping

from tests.rigs.chain.proxy import Answer, Body, Fault

Forward = Callable[[Body], bytes]


def fixed(body: bytes, *, status: int = 200, **headers: str) -> Fault:
    """Always this answer."""
    return lambda request, forward: Answer(status, body, {name.replace("_", "-"): v for name, v in headers.items()})


def result(value: object) -> Fault:
    """A well-formed answer with this result, whatever was asked."""
    return lambda request, forward: Answer(body=_answer(request, value))


def rpc_error(code: int, message: str, *, status: int = 200, **more: object) -> Fault:
    """A JSON-RPC error, under another HTTP status if wanted. `more`: further fields of the error, such as `data`."""
    error = {"code": code, "message": message, **more}
    return lambda request, forward: Answer(
        status, json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}).encode()
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


def lagging(blocks: int) -> Fault:
    """A node that is so many blocks behind: its newest block is an old one, and it does not know those above."""

    def fault(request: Body, forward: Forward) -> Answer:
        head = max(0, _number(forward({**request, "method": "eth_blockNumber", "params": []})) - blocks)
        if request["method"] == "eth_blockNumber":
            return Answer(body=_answer(request, hex(head)))
        parameters = [hex(head) if value == "latest" else value for value in request.get("params", [])]
        if any(_is_above(head, value) for value in parameters):
            unknown = NULL_RESULT if request["method"].startswith("eth_getBlock") else HEADER_NOT_FOUND
            return unknown(request, forward)
        return Answer(body=forward({**request, "params": parameters}))

    return fault


def too_large(limit_bytes: int, *, status: int = 200) -> Fault:
    """Refuses calls whose data is longer: by a JSON-RPC error, with status 413 by a line of text as geth does."""
    refusal = rpc_error(-32600, "request too large")
    if status != 200:
        refusal = fixed(f"content length too large (>{limit_bytes})".encode(), status=status, content_type="text/plain")

    def fault(request: Body, forward: Forward) -> Answer:
        call = request["params"][0] if request["method"] == "eth_call" else {}
        data = call.get("data") or call.get("input") or "0x"
        return refusal(request, forward) if len(data) // 2 - 1 > limit_bytes else Answer(body=forward(request))

    return fault


def gas_capped(gas: int) -> Fault:
    """A node whose `rpc.gascap` is so low: calls run with no more gas than that, whatever they ask for."""

    def fault(request: Body, forward: Forward) -> Answer:
        if request["method"] != "eth_call":
            return Answer(body=forward(request))
        call, *rest = request["params"]
        asked = int(call.get("gas", hex(gas)), 16)
        return Answer(body=forward({**request, "params": [{**call, "gas": hex(min(asked, gas))}, *rest]}))

    return fault


def _no_state_override(request: Body, forward: Forward) -> Answer:
    if request["method"] == "eth_call" and len(request["params"]) > 2:
        return rpc_error(-32602, "too many arguments, want at most 2")(request, forward)
    return Answer(body=forward(request))


def _ignores_state_override(request: Body, forward: Forward) -> Answer:
    if request["method"] == "eth_call":
        request = {**request, "params": request["params"][:2]}
    return Answer(body=forward(request))


def _number(answer: bytes) -> int:
    return int(json.loads(answer)["result"], 16)


def _is_above(head: int, parameter: object) -> bool:
    """Whether a block parameter names a block by a number above the head; a hash, 66 digits long, names none."""
    if isinstance(parameter, dict):
        parameter = parameter.get("blockNumber")
    return isinstance(parameter, str) and parameter[:2] == "0x" and len(parameter) < 20 and int(parameter, 16) > head


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

HEADER_NOT_FOUND = rpc_error(-32000, "header not found")
NO_STATE_OVERRIDE: Fault = _no_state_override
IGNORES_STATE_OVERRIDE: Fault = _ignores_state_override

# How providers say that the quota is used up or the pace too high, in their own words.
QUOTAS: Mapping[str, Fault] = {
    "infura day": rpc_error(
        -32005,
        "daily request count exceeded, request rate limited",
        status=429,
        data={
            "rate": {"allowed_rps": 1, "backoff_seconds": 30, "current_rps": 2.2},
            "see": "https://infura.io/dashboard",
        },
    ),
    "infura day, status 200": rpc_error(-32005, "daily request count exceeded, request rate limited"),
    "infura pace": rpc_error(
        -32005, "project ID request rate exceeded", status=429, data={"see": "https://infura.io/dashboard"}
    ),
    "alchemy pace": rpc_error(
        429,
        "Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely "
        "ignore this message. If not, check out https://docs.alchemy.com/reference/throughput",
        status=429,
    ),
    "alchemy month": rpc_error(
        -32600,
        "Monthly capacity limit exceeded. Visit https://dashboard.alchemyapi.io/settings/billing to upgrade your "
        "scaling policy for continued service.",
        status=403,
    ),
    "onfinality": rpc_error(
        -32029,
        "Too Many Requests, Please apply an OnFinality API key or contact us to receive a higher rate limit",
        status=429,
    ),
    "-32029, status 200": rpc_error(-32029, "Too Many Requests"),
    # Without the envelope of JSON-RPC.
    "quicknode pace": fixed(
        b'{"code":-32007,"message":"100/second request limit reached - reduce calls per second or upgrade your account '
        b'at quicknode.com"}',
        status=429,
    ),
    "quicknode credits": rpc_error(-32012, "credits limited to 6000/sec"),
    "ankr": rpc_error(-31999, "rate limit exceeded", data="You've reached the request limit for free users!"),
    "drpc": rpc_error(30, "Request timeout on the free tier, please upgrade your tier to the paid one", status=408),
    "tenderly": rpc_error(-32005, "rate limit exceeded", status=429),
    "bsc public": rpc_error(-32005, "limit exceeded"),
    "payment required": fixed(b'{"error":"Payment Required"}', status=402),
    "forbidden": fixed(b"<html><title>403 Forbidden</title></html>", status=403, content_type="text/html"),
    "too many requests, no body": fixed(b"", status=429),
    "retry after a date": fixed(b"", status=429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"),
}
