"""JSON-RPC to one node: one request a call, no retry, and what went wrong sorted by what helps against it.

A node's URL often holds a key, in any of its parts: messages have a name for it instead, and causes that carry the URL
are cut off.
"""

import itertools
import json
import re
from collections.abc import Sequence

from aiohttp import ClientError, ClientResponseError, ClientSession, ClientTimeout, TCPConnector

from core.amm.abi import AskedTooMuch, ChainUnavailable
from core.amm.node_names import secrets_of, without_secrets
from core.connection_words import why_unconnected

TIMEOUT_S = 8.0
# How long a node is left alone that says its quota of the day or month is used up.
QUOTA_REST_S = 300.0
LIMIT_REST_S = 5.0
_TOO_MANY_REQUESTS, _PAYMENT_REQUIRED = 429, 402
# 413 says so; the others are answered to a large call as well, with the reason in a body that is not handed on.
_MAYBE_TOO_LARGE = (400, 413, 414, 500, 503)
_FORBIDDEN = 403
_KEY_REFUSED = (401, _FORBIDDEN)
MESSAGE_LIMIT = 160

# What providers write, in no common form. Sorted by remedy: wait long, wait, ask for less at once.
_QUOTA = re.compile(r"quota|daily|monthly|per (day|month)|billing|payment", re.IGNORECASE)
_PER_SECOND = re.compile(r"(per |/ ?)(sec|min)", re.IGNORECASE)
_LIMITED = re.compile(
    r"rate.?limit|too many requests|requests? (limit|rate)|request count|(per |/)sec|throughput|capacity"
    r"|limit exceeded",
    re.IGNORECASE,
)
_LIMIT_CODES = frozenset({"429", "-32005", "-32029", "-32090"})
_LARGE = re.compile(
    r"out ?of ?gas|gas (limit|cap|required)|exceeds? .*gas|too (large|big|long)"
    r"|exceeding limit|result of length|VM execution error"
    r"|(response|request|payload|data|call).{0,12}size|size (limit|exceeded)|execution (timeout|aborted)|entity|memory",
    re.IGNORECASE,
)


class RateLimited(ChainUnavailable):
    """The node asks to be left alone; `retry_after_s` is always set."""


class Forbidden(ChainUnavailable):
    """HTTP 403: the key is refused, or a guard before the node found the call too large; it does not say which."""


class Node:
    """One URL. `call` raises ChainUnavailable for whatever goes wrong between here and a result."""

    def __init__(self, url: str, name: str, *, timeout_s: float) -> None:
        """`name`: what it is called in messages."""
        self.name = name
        self._url = url
        self._secrets = secrets_of(url)
        self._timeout = ClientTimeout(total=timeout_s)
        self._ids = itertools.count(1)
        self._session: ClientSession | None = None

    async def call(self, method: str, params: Sequence[object]) -> object:
        """The result of one request."""
        try:
            answer = await self._post({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params})
        except ClientResponseError as error:
            raise self._http_failure(error) from None
        except (ClientError, TimeoutError, OSError) as error:
            raise ChainUnavailable(f"{self.name} did not answer ({why_unconnected(error)})") from None
        except (ValueError, RecursionError):
            raise ChainUnavailable(f"{self.name} answered something that is not JSON") from None
        return self._result(answer)

    async def aclose(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, request: object) -> object:
        """Raises what aiohttp raises, ValueError and RecursionError for an answer that is not JSON."""
        if self._session is None:  # made inside the loop that it belongs to
            # A connection each: one kept from the last look may have been closed meanwhile, by whatever is in between.
            self._session = ClientSession(timeout=self._timeout, connector=TCPConnector(force_close=True))
        async with self._session.post(self._url, json=request) as response:
            response.raise_for_status()
            return json.loads(await response.read())

    def _result(self, answer: object) -> object:
        if not isinstance(answer, dict):
            raise ChainUnavailable(f"{self.name} answered something that is not JSON-RPC")
        if answer.get("error") is not None:
            raise self._rpc_failure(answer["error"])
        if answer.get("result") is None:
            raise ChainUnavailable(f"{self.name} answered null")
        result: object = answer["result"]
        return result

    def _http_failure(self, error: ClientResponseError) -> ChainUnavailable:
        if error.status == _TOO_MANY_REQUESTS:
            asked = error.headers.get("Retry-After", "") if error.headers else ""
            # A date instead of seconds is rare and depends on its clock: then our own wait holds.
            seconds = asked.isascii() and asked.isdigit()
            retry_after_s = min(float(asked[:9]), QUOTA_REST_S) if seconds else LIMIT_REST_S
            return RateLimited(f"{self.name} limits our requests (HTTP 429)", retry_after_s=retry_after_s)
        if error.status == _PAYMENT_REQUIRED:
            return RateLimited(f"{self.name} says our quota is used up (HTTP 402)", retry_after_s=QUOTA_REST_S)
        if error.status in _MAYBE_TOO_LARGE:
            return AskedTooMuch(f"{self.name} answered HTTP {error.status}")
        if error.status in _KEY_REFUSED:
            kind = Forbidden if error.status == _FORBIDDEN else ChainUnavailable
            return kind(f"{self.name} does not let us in (HTTP {error.status}): check the key in its URL")
        return ChainUnavailable(f"{self.name} answered HTTP {error.status}")

    def _rpc_failure(self, error: object) -> ChainUnavailable:
        code, message = None, str(error)
        if isinstance(error, dict):
            code, message = error.get("code"), str(error.get("message", ""))
        message = without_secrets(message, self._secrets)
        said = f"{self.name} answered error{'' if code is None else f' {code}'}: {message[:MESSAGE_LIMIT]}"
        if _LARGE.search(message):
            return AskedTooMuch(said)
        if str(code) in _LIMIT_CODES or _LIMITED.search(message) or _QUOTA.search(message):
            used_up = _QUOTA.search(message) and not _PER_SECOND.search(message)
            return RateLimited(said, retry_after_s=QUOTA_REST_S if used_up else LIMIT_REST_S)
        return ChainUnavailable(said)
