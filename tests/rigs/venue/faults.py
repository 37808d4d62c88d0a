"""Faults to order: what goes wrong, at which endpoint, how many times, and whether the request was carried out.

The texts are the exchange's own; which of them leave the outcome open is the program's business, not the rig's.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

PLACE = "POST /fapi/v1/order"
QUERY = "GET /fapi/v1/order"
CANCEL = "DELETE /fapi/v1/order"
OPEN_ORDERS = "GET /fapi/v1/openOrders"
TRADES = "GET /fapi/v1/userTrades"
POSITION = "GET /fapi/v3/positionRisk"
DEPTH = "GET /fapi/v1/depth"
PREMIUM = "GET /fapi/v1/premiumIndex"
ANY = "*"


class Stage(Enum):
    """BEFORE: the request is never carried out. AFTER: carried out, the true answer is lost.

    LATE: answered with the fault at once and carried out `late_s` afterwards.
    """

    BEFORE = "before"
    AFTER = "after"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Fault:
    """`status` None: no answer at all; the connection is dropped after `hold_s`. Else the answer comes after `hold_s`.

    `passes`: the true answer is given after all, only `hold_s` late, and as `edit` makes it when there is one. `cut`:
    headers promise more bytes than are sent.
    """

    name: str
    status: int | None = None
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    hold_s: float = 0.0
    passes: bool = False
    cut: bool = False
    stage: Stage = Stage.BEFORE
    late_s: float = 0.0
    edit: Callable[[str], str] | None = None

    def before(self) -> "Fault":
        return replace(self, stage=Stage.BEFORE)

    def after(self) -> "Fault":
        return replace(self, stage=Stage.AFTER)

    def late(self, seconds: float) -> "Fault":
        return replace(self, stage=Stage.LATE, late_s=seconds)


def error(status: int, code: int, text: str, headers: Mapping[str, str] | None = None) -> Fault:
    body = json.dumps({"code": code, "msg": text})
    return Fault(f"{status} {code}", status, body, headers=headers or {})


def drop() -> Fault:
    return Fault("connection dropped")


def hang(seconds: float = 3600.0) -> Fault:
    return Fault("no answer", hold_s=seconds)


def slow(seconds: float) -> Fault:
    return Fault("slow", hold_s=seconds, passes=True)


def edited(edit: Callable[[str], str]) -> Fault:
    """The request is carried out and answered, by a replica that sees it otherwise."""
    return Fault("edited", passes=True, edit=edit)


def cut_body() -> Fault:
    return Fault("body cut short", 200, '{"orderId":', cut=True)


def unknown_503() -> Fault:
    return error(503, -1000, "Unknown error, please check your request or try again later.")


def unavailable_503() -> Fault:
    return error(503, -1000, "Service Unavailable.")


def unavailable_503_plain() -> Fault:
    return Fault("503 plain", 503, "Service Unavailable.", "text/plain")


def unknown_503_plain() -> Fault:
    text = "Unknown error, please check your request or try again later."
    return Fault("503 plain unknown", 503, text, "text/plain")


def internal_503() -> Fault:
    return error(503, -1001, "Internal error; unable to process your request. Please try again.")


def throttled_503() -> Fault:
    text = (
        "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
    )
    return error(503, -1008, text)


def bus_1006() -> Fault:
    return error(400, -1006, "An unexpected response was received from the message bus. Execution status unknown.")


def backend_timeout_1007() -> Fault:
    text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    return error(408, -1007, text)


def timeout_408() -> Fault:
    return Fault("408", 408, "", "text/plain")


def bad_gateway_502() -> Fault:
    return Fault("502", 502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")


def rate_limited_429(retry_after_s: int | None = 7) -> Fault:
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    text = "Too many requests; current limit is 2400 requests per minute."
    return error(429, -1003, text, headers)


def too_many_orders_1015() -> Fault:
    return error(429, -1015, "Too many new orders; current limit is 300 orders per 10 SECOND.")


def banned_418(retry_after_s: int = 120) -> Fault:
    until_ms = time.time_ns() // 1_000_000 + retry_after_s * 1000
    text = f"Way too many requests; IP banned until {until_ms}. "
    text += "Please use the websocket for live updates to avoid bans."
    return error(418, -1003, text, {"Retry-After": str(retry_after_s)})


def firewall_403() -> Fault:
    return Fault("403", 403, "<html><body>403 Forbidden</body></html>", "text/html")


def clock_1021() -> Fault:
    return error(400, -1021, "Timestamp for this request is outside of the recvWindow.")


def engine_clock_5028() -> Fault:
    return error(400, -5028, "Timestamp for this request is outside of the ME recvWindow.")


def no_such_order_2013() -> Fault:
    return error(400, -2013, "Order does not exist.")


def garbage() -> Fault:
    return Fault("garbage", 200, "]]{{ not json")


def html_200() -> Fault:
    return Fault("html", 200, "<html><body>maintenance</body></html>", "text/html")


def null_body(status: int = 200) -> Fault:
    return Fault(f"{status} null", status, "null")


def empty_body(status: int = 200) -> Fault:
    return Fault(f"{status} empty", status, "")


def empty_list(status: int = 200) -> Fault:
    return Fault(f"{status} []", status, "[]")


def body_200(body: object) -> Fault:
    return Fault("other body", 200, json.dumps(body))


Matches = Callable[[Mapping[str, str]], bool]


@dataclass
class _Armed:
    endpoint: str
    fault: Fault
    left: int
    matches: Matches


class Faults:
    """The faults that wait to happen; each request uses up at most one, the oldest that fits."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    def add(self, endpoint: str, fault: Fault, *, times: int = 1, matches: Matches = lambda params: True) -> None:
        """`endpoint` as "METHOD /path", or ANY."""
        with self._lock:
            self._armed.append(_Armed(endpoint, fault, times, matches))

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    def waiting(self, endpoint: str | None = None) -> int:
        """At one endpoint, or at all of them."""
        with self._lock:
            return sum(armed.left for armed in self._armed if endpoint in (None, armed.endpoint))

    def take(self, endpoint: str, params: Mapping[str, str]) -> Fault | None:
        with self._lock:
            for armed in self._armed:
                if armed.left > 0 and armed.endpoint in (endpoint, ANY) and armed.matches(params):
                    armed.left -= 1
                    return armed.fault
            return None
