"""What stands before every endpoint: key, signature over what was really sent, time window, rate limits."""

import hashlib
import hmac
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tests.rigs.venue import refusals

MAX_WINDOW_MS = 60_000
DEFAULT_WINDOW_MS = 5_000


@dataclass(frozen=True, slots=True)
class Credentials:
    key: str = "rigkey" * 8
    secret: str = "rigsecret" * 6


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire: raw query and raw body, nothing decoded."""

    method: str
    path: str
    query: str
    body: str
    api_key: str | None

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    def params(self) -> dict[str, str]:
        """Raises the refusal of a parameter that was sent twice."""
        pairs = parse_qsl(self.query, keep_blank_values=True) + parse_qsl(self.body, keep_blank_values=True)
        params = dict(pairs)
        if len(params) != len(pairs):
            raise refusals.Refusal(400, -1101, "Duplicate values for a parameter detected.")
        return params


def check_key(received: Received, credentials: Credentials) -> None:
    if not received.api_key:
        raise refusals.refuse(-2014)
    if received.api_key != credentials.key:
        raise refusals.refuse(-2015)


def check_signature(received: Received, credentials: Credentials) -> None:
    """HMAC-SHA256 over query + body exactly as sent, less the signature, which must come last."""
    part = received.body if "signature=" in received.body else received.query
    payload, separator, signature = part.rpartition("&signature=")
    if not separator:
        raise refusals.missing("signature")
    signed = received.query + payload if part is received.body else payload + received.body
    expected = hmac.new(credentials.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        raise refusals.refuse(-1022)


def check_time(params: Mapping[str, str], now_ms: int, *, speed: float = 1.0) -> None:
    """`speed`: of the exchange's clock. No network is faster where that is, so windows are that much wider."""
    stamp, window = params.get("timestamp", ""), params.get("recvWindow", str(DEFAULT_WINDOW_MS))
    if not stamp.isdigit():
        raise refusals.missing("timestamp")
    if not window.isdigit() or int(window) > MAX_WINDOW_MS:
        raise refusals.refuse(-1131)
    if int(stamp) >= now_ms + 1000 * speed:
        text = "Timestamp for this request was 1000ms ahead of the server's time."
        raise refusals.Refusal(400, -1021, text)
    if now_ms - int(stamp) > int(window) * speed:
        raise refusals.refuse(-1021)


@dataclass
class _Window:
    """A sliding sum over the last `seconds`."""

    seconds: float
    limit: int
    monotonic_s: Callable[[], float]
    entries: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def used(self) -> int:
        horizon = self.monotonic_s() - self.seconds
        while self.entries and self.entries[0][0] <= horizon:
            self.total -= self.entries.popleft()[1]
        return self.total

    def add(self, weight: int) -> None:
        self.entries.append((self.monotonic_s(), weight))
        self.total += weight


class RateLimits:
    """2400 weight a minute for the address, 300 orders per 10 s and 1200 per minute for the account."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self.weight = _Window(60.0, 2400, monotonic_s)
        self.orders_10s = _Window(10.0, 300, monotonic_s)
        self.orders_1m = _Window(60.0, 1200, monotonic_s)

    def spend_weight(self, weight: int) -> None:
        if self.weight.used() + weight > self.weight.limit:
            raise refusals.refuse(-1003)
        self.weight.add(weight)

    def check_orders(self) -> None:
        if any(window.used() >= window.limit for window in (self.orders_10s, self.orders_1m)):
            raise refusals.refuse(-1015)

    def count_order(self) -> None:
        self.orders_10s.add(1)
        self.orders_1m.add(1)

    def headers(self, *, counted_order: bool) -> dict[str, str]:
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.weight.used())}
        if counted_order:
            headers["X-MBX-ORDER-COUNT-10S"] = str(self.orders_10s.used())
            headers["X-MBX-ORDER-COUNT-1M"] = str(self.orders_1m.used())
        return headers
