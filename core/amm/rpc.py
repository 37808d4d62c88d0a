"""JSON-RPC to one node: one request a call, no retry, and what went wrong sorted by what helps against it.

A node's URL often holds a key, in any of its parts: messages have a name for it instead, and causes that carry the URL
are cut off.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from aiohttp import ClientError, ClientResponseError, ClientTimeout
from pydantic import SecretStr

from core.amm.abi import AskedTooMuch, ChainUnavailable
from core.amm.node_names import secrets_of, without_secrets
from core.connection_words import why_unconnected

if TYPE_CHECKING:
    from web3 import AsyncHTTPProvider
    from web3.types import RPCEndpoint

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

    def __init__(self, url: SecretStr, name: str, *, timeout_s: float) -> None:
        """`name`: what it is called in messages."""
        self.name = name
        self._secrets = secrets_of(url.get_secret_value())
        self._provider = _provider(url.get_secret_value(), timeout_s)

    async def call(self, method: str, params: Sequence[object]) -> object:
        """The result of one request."""
        try:
            answer: object = await self._provider.make_request(cast("RPCEndpoint", method), list(params))
        except ClientResponseError as error:
            raise self._http_failure(error) from None
        except (ClientError, TimeoutError, OSError) as error:
            raise ChainUnavailable(f"{self.name} did not answer ({why_unconnected(error)})") from None
        except (ValueError, RecursionError):
            raise ChainUnavailable(f"{self.name} answered something that is not JSON") from None
        return self._result(answer)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._provider.disconnect()

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
            wait_s = _retry_after_s(error)
            return RateLimited(f"{self.name} limits our requests (HTTP 429)", retry_after_s=wait_s)
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
        rest_s = _rest_wanted_s(code, message)
        return ChainUnavailable(said) if rest_s is None else RateLimited(said, retry_after_s=rest_s)


def _retry_after_s(error: ClientResponseError) -> float:
    asked = error.headers.get("Retry-After", "") if error.headers else ""
    # A date instead of seconds is rare and depends on its clock: then our own wait holds.
    seconds = asked.isascii() and asked.isdigit()
    return min(float(asked[:9]), QUOTA_REST_S) if seconds else LIMIT_REST_S


def _rest_wanted_s(code: object, message: str) -> float | None:
    """How long the node wants to be left alone; None: its error is of something else."""
    of_quota = _QUOTA.search(message) is not None
    if of_quota and not _PER_SECOND.search(message):
        return QUOTA_REST_S
    if of_quota or str(code) in _LIMIT_CODES or _LIMITED.search(message):
        return LIMIT_REST_S
    return None


def _provider(url: str, timeout_s: float) -> AsyncHTTPProvider:
    """web3 is loaded with the first node: it brings signing and contracts that a request has no use for."""
    from web3 import AsyncHTTPProvider

    # A library that web3 brings raises this so far that an answer of nothing but brackets would overflow the stack.
    sys.setrecursionlimit(1000)
    # web3 writes whole URLs, keys and all, into its informational lines.
    logging.getLogger("web3").setLevel(logging.WARNING)
    timeout = {"timeout": ClientTimeout(total=timeout_s)}
    return AsyncHTTPProvider(url, request_kwargs=timeout, exception_retry_configuration=None)
