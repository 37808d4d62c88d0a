"""The nodes of one chain in the order of preference, each with its health.

A node that failed is left alone for a while that doubles with every failure in a row; one that asked to be left alone
is, for as long as it asked. When every node rests, nothing is asked at all.
"""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import SecretStr

from core.amm.abi import ChainUnavailable
from core.amm.node_names import node_label
from core.amm.rpc import TIMEOUT_S, Node
from core.clock import Clock

FIRST_REST_S = 1.0
LONGEST_REST_S = 10.0

V = TypeVar("V")


class Behind(ChainUnavailable, Generic[V]):
    """A well-formed answer of a node that is not where the chain is. `value`: what it said, better than nothing."""

    def __init__(self, message: str, value: V, *, block: int) -> None:
        super().__init__(message)
        self.value = value
        self.block = block


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """`trouble` None: its last answer was good. `since`: of the trouble's beginning."""

    name: str
    trouble: str | None
    since: datetime | None


class _Endpoint:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.failures = 0
        self.resting_until_s = float("-inf")
        self.trouble: ChainUnavailable | None = None
        self.since: datetime | None = None


class Nodes:
    def __init__(self, chain: str, urls: Sequence[SecretStr], clock: Clock, *, timeout_s: float = TIMEOUT_S) -> None:
        if not urls:
            raise ValueError("a chain needs at least one RPC URL")
        names = [node_label(chain, number, len(urls)) for number in range(1, len(urls) + 1)]
        self._endpoints = [
            _Endpoint(Node(url, name, timeout_s=timeout_s)) for url, name in zip(urls, names, strict=True)
        ]
        self._clock = clock

    async def first(self, attempt: Callable[[Node], Awaitable[V]]) -> tuple[V, str]:
        """What the attempt makes of the first node that serves it, and that node's name.

        Raises ChainUnavailable when no node does. Of nodes that are merely behind the least so serves then.
        """
        failures: list[ChainUnavailable] = []
        behind: list[tuple[_Endpoint, Behind[V]]] = []
        for endpoint in self._awake():
            try:
                value = await attempt(endpoint.node)
            except Behind as failure:
                self._note(endpoint, failure)
                behind.append((endpoint, failure))
            except ChainUnavailable as failure:
                self._failed(endpoint, failure)
                failures.append(failure)
            else:
                self._served(endpoint)
                for other, late in behind:
                    self._failed(other, late)
                return value, endpoint.node.name
        if behind:
            endpoint, least = max(behind, key=lambda each: each[1].block)
            return least.value, endpoint.node.name
        raise self._none_served(failures)

    async def ask(self, method: str, params: Sequence[object], decode: Callable[[object], V]) -> V:
        """One request; an answer that `decode` refuses counts as none."""

        async def attempt(node: Node) -> V:
            return decode(await node.call(method, params))

        return (await self.first(attempt))[0]

    async def ask_each(
        self, method: str, params: Sequence[object], decode: Callable[[object], V]
    ) -> AsyncGenerator[tuple[V, str], None]:
        """The same question to every node that does not rest, one after the other: what those that answer say.

        Raises as `first` if none does.
        """
        failures, answered = [], False
        for endpoint in self._awake():
            try:
                value = decode(await endpoint.node.call(method, params))
            except ChainUnavailable as failure:
                self._failed(endpoint, failure)
                failures.append(failure)
            else:
                answered = True
                yield value, endpoint.node.name
        if not answered:
            raise self._none_served(failures)

    async def any_says(self, method: str, params: Sequence[object], decode: Callable[[object], bool]) -> bool:
        """Whether any node says yes: the no of one may be that of a node that is not where the chain is.

        Raises ChainUnavailable when there is neither a yes nor a no.
        """
        async with aclosing(self.ask_each(method, params, decode)) as answers:
            async for yes, _ in answers:
                if yes:
                    return True
        return False

    def health(self) -> tuple[NodeHealth, ...]:
        """One for each node, in the order of preference; asks none of them."""
        return tuple(
            NodeHealth(each.node.name, str(each.trouble) if each.trouble else None, each.since)
            for each in self._endpoints
        )

    async def aclose(self) -> None:
        """Ends the connections of all of them, also of those that rest."""
        for endpoint in self._endpoints:
            await endpoint.node.aclose()

    def _awake(self) -> list[_Endpoint]:
        now_s = self._clock.monotonic_s()
        return [each for each in self._endpoints if each.resting_until_s <= now_s]

    def _failed(self, endpoint: _Endpoint, failure: ChainUnavailable) -> None:
        endpoint.failures += 1
        doubled_s = FIRST_REST_S * 2 ** min(endpoint.failures - 1, 10)
        # Cut by up to a half, so that many programs do not come back to a node at one moment.
        rest_s = min(LONGEST_REST_S, doubled_s) * (1 - random.random() / 2)
        endpoint.resting_until_s = self._clock.monotonic_s() + max(rest_s, failure.retry_after_s or 0.0)
        self._note(endpoint, failure)

    def _note(self, endpoint: _Endpoint, failure: ChainUnavailable) -> None:
        endpoint.trouble, endpoint.since = failure, endpoint.since or self._clock.now()

    def _served(self, endpoint: _Endpoint) -> None:
        endpoint.failures, endpoint.trouble, endpoint.since = 0, None, None

    def _none_served(self, failures: Sequence[ChainUnavailable]) -> ChainUnavailable:
        """With no failures all of them rest."""
        return _combined(failures or self._why_resting())

    def _why_resting(self) -> list[ChainUnavailable]:
        """The troubles of those that rest, each with the wait that is left."""
        now_s = self._clock.monotonic_s()
        return [
            ChainUnavailable(f"{each.trouble}; it is asked again soon", retry_after_s=each.resting_until_s - now_s)
            for each in self._endpoints
        ]


def _combined(failures: Sequence[ChainUnavailable]) -> ChainUnavailable:
    if len(failures) == 1:
        return failures[0]
    waits = [failure.retry_after_s for failure in failures if failure.retry_after_s is not None]
    return ChainUnavailable("; ".join(map(str, failures)), retry_after_s=min(waits, default=None))
