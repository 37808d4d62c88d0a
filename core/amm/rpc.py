"""JSON-RPC to a chain's nodes: one request a call, no retry here, the next node when one fails.

A node's URL often holds a key: messages name its host only, and causes that carry the URL are cut off.
"""

import logging
import re
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientResponseError, ClientTimeout
from web3 import AsyncHTTPProvider
from web3.types import RPCEndpoint

from core.amm.abi import ChainUnavailable
from core.clock import Clock

TIMEOUT_S = 8.0
# How long a node that failed stands behind the others.
REST_S = 30.0
_TOO_MANY_REQUESTS = 429
_MESSAGE_LIMIT = 160
_SHORTEST_KEY = 6

V = TypeVar("V")


class Node:
    """One URL. `call` raises ChainUnavailable for whatever goes wrong between here and a result."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self.host = urlsplit(url).hostname or "the node"
        self.resting_until_s = 0.0
        self._secrets = _secrets(url)
        timeout = {"timeout": ClientTimeout(total=timeout_s)}
        self._provider = AsyncHTTPProvider(url, request_kwargs=timeout, exception_retry_configuration=None)

    async def call(self, method: str, params: Sequence[object]) -> object:
        """The result of one request."""
        try:
            answer: object = await self._provider.make_request(RPCEndpoint(method), list(params))
        except ClientResponseError as error:
            raise self._http_failure(error) from None
        except (ClientError, TimeoutError, OSError) as error:
            raise ChainUnavailable(f"{self.host} did not answer ({type(error).__name__})") from None
        except ValueError:
            raise ChainUnavailable(f"{self.host} answered something that is not JSON") from None
        return self._result(answer)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._provider.disconnect()

    def _result(self, answer: object) -> object:
        if not isinstance(answer, dict):
            raise ChainUnavailable(f"{self.host} answered something that is not JSON-RPC")
        if answer.get("error") is not None:
            raise self._rpc_failure(answer["error"])
        if answer.get("result") is None:
            raise ChainUnavailable(f"{self.host} answered null")
        result: object = answer["result"]
        return result

    def _http_failure(self, error: ClientResponseError) -> ChainUnavailable:
        if error.status == _TOO_MANY_REQUESTS:
            asked = error.headers.get("Retry-After", "") if error.headers else ""
            retry_after_s = float(asked) if asked.isdigit() else None
            return ChainUnavailable(f"{self.host} limits our requests (HTTP 429)", retry_after_s=retry_after_s)
        return ChainUnavailable(f"{self.host} answered HTTP {error.status}")

    def _rpc_failure(self, error: object) -> ChainUnavailable:
        code, message = "", str(error)
        if isinstance(error, dict):
            code, message = f" {error.get('code', '')}", str(error.get("message", ""))
        for secret in self._secrets:
            message = message.replace(secret, "…")
        return ChainUnavailable(f"{self.host} answered error{code}: {message[:_MESSAGE_LIMIT]}")


class Nodes:
    """The nodes of one chain in the order of preference."""

    def __init__(self, urls: Sequence[str], clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        if not urls:
            raise ValueError("a chain needs at least one RPC URL")
        # web3 writes whole URLs, keys and all, into its informational lines.
        logging.getLogger("web3").setLevel(logging.WARNING)
        self._nodes = [Node(url, timeout_s=timeout_s) for url in urls]
        self._clock = clock

    async def ask(self, method: str, params: Sequence[object], decode: Callable[[object], V]) -> tuple[V, str]:
        """The decoded answer of the first node that gives one, and that node's host.

        An answer that `decode` refuses counts as none. Raises ChainUnavailable when no node gives one.
        """
        failures: list[ChainUnavailable] = []
        for node in self._in_order():
            try:
                value = decode(await node.call(method, params))
            except ChainUnavailable as failure:
                failures.append(failure)
                node.resting_until_s = self._clock.monotonic_s() + REST_S
            else:
                node.resting_until_s = 0.0
                return value, node.host
        raise _combined(failures)

    async def ask_each(self, method: str, decode: Callable[[object], V]) -> list[tuple[V, str]]:
        """The same parameterless question to every node: what those that answer say. Raises as `ask` if none does."""
        answers: list[tuple[V, str]] = []
        failures: list[ChainUnavailable] = []
        for node in self._nodes:
            try:
                answers.append((decode(await node.call(method, [])), node.host))
            except ChainUnavailable as failure:
                failures.append(failure)
        if not answers:
            raise _combined(failures)
        return answers

    async def aclose(self) -> None:
        """Close all connections."""
        for node in self._nodes:
            await node.aclose()

    def _in_order(self) -> list[Node]:
        now_s = self._clock.monotonic_s()
        return sorted(self._nodes, key=lambda node: node.resting_until_s > now_s)


def _secrets(url: str) -> tuple[str, ...]:
    """What of a URL may be a key, longest first: all of it, and every longer piece of what is not the host."""
    parts = urlsplit(url)
    beside_host = f"{parts.path}/{parts.query}/{parts.username or ''}/{parts.password or ''}"
    pieces = {piece for piece in re.split(r"[/=&]", beside_host) if len(piece) >= _SHORTEST_KEY}
    return (url, *sorted(pieces, key=len, reverse=True))


def _combined(failures: Sequence[ChainUnavailable]) -> ChainUnavailable:
    if len(failures) == 1:
        return failures[0]
    waits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
    return ChainUnavailable("; ".join(map(str, failures)), retry_after_s=min(waits, default=None))
