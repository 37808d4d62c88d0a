"""What a node pushes: its new heads, and the events of the pools that are hedged.

A connection has one life: it is listened to until it fails, falls silent or says what makes no sense, and then a new
one is made. Nothing that it says is ever an amount: it only tells when to read.
"""

import asyncio
import json
from collections.abc import Callable, Collection
from typing import Any

from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from core.amm.abi import ChainUnavailable
from core.amm.node_names import secrets_of, without_secrets
from core.amm.presets import ChainPreset
from core.amm.rpc import MESSAGE_LIMIT
from core.connection_words import why_unconnected
from core.errors import Refused
from core.news_ports import ChainNews

# No chain that is hedged leaves so much time between two blocks, but for the rare slots that Ethereum misses.
SILENT_AFTER_S = 45.0
ANSWER_WITHIN_S = 8.0


class HeadStream:
    """Implements `ChainStream` over one node's WebSocket."""

    def __init__(
        self,
        url: SecretStr,
        chain: ChainPreset,
        *,
        silent_after_s: float = SILENT_AFTER_S,
        answer_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self.name = f"the {chain.name} push node"
        self._url = url
        self._secrets = secrets_of(url.get_secret_value())
        self._chain = chain
        self._silent_after_s = silent_after_s
        self._answer_s = answer_s

    async def listen(self, pools: Collection[str], on_news: Callable[[ChainNews], None]) -> None:
        """As the port says; with `pools` empty, or where the node pushes no events, every head is news."""
        try:
            async with connect(self._url.get_secret_value(), open_timeout=self._answer_s, close_timeout=1) as socket:
                subscriptions = await self._subscribed(socket, pools)
                while True:
                    async with asyncio.timeout(self._silent_after_s):
                        await self._until_a_head(socket, subscriptions, on_news)
        except InvalidHandshake as error:
            raise ChainUnavailable(f"{self.name} refused the push connection ({_why_refused(error)})") from None
        except TimeoutError:
            raise ChainUnavailable(f"{self.name} has pushed no new block for {self._silent_after_s:.0f} s") from None
        except WebSocketException:
            raise ChainUnavailable(f"{self.name} ended the push connection") from None
        except OSError as error:
            raise ChainUnavailable(f"{self.name} did not take the push connection ({why_unconnected(error)})") from None

    async def _subscribed(self, socket: ClientConnection, pools: Collection[str]) -> "_Subscriptions":
        try:
            async with asyncio.timeout(self._answer_s):
                return await self._subscribe(socket, pools)
        except TimeoutError:
            raise ChainUnavailable(f"{self.name} did not answer on its push connection") from None

    async def _subscribe(self, socket: ClientConnection, pools: Collection[str]) -> "_Subscriptions":
        try:
            number = self._number(await self._ask(socket, "eth_chainId"))
        except _Said as said:
            raise ChainUnavailable(f"{self.name} does not say which chain it is on: {said}") from None
        if number != self._chain.chain_id:
            raise Refused(
                f"{self.name} pushes the blocks of chain {number}, but {self._chain.name} is {self._chain.chain_id}: "
                f"correct {self._chain.name.upper()}_WS_URL",
                code="wrong_chain",
            )
        events = None
        if pools:
            try:
                events = await self._ask(socket, "eth_subscribe", "logs", {"address": sorted(pools)})
            except _Said:  # not every node pushes events: then every head is a reason to read
                events = None
        try:
            return _Subscriptions(await self._ask(socket, "eth_subscribe", "newHeads"), events)
        except _Said as said:
            raise ChainUnavailable(f"{self.name} does not push new blocks: {said}") from None

    async def _ask(self, socket: ClientConnection, method: str, *params: object) -> str:
        """The answer to one request; notifications that come before it are passed over: nothing was read yet."""
        number = f"{method} {params[0] if params else ''}".strip()
        await socket.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        while True:
            message = self._message(await socket.recv())
            if message.get("id") != number:
                continue
            if isinstance(result := message.get("result"), str):
                return result
            error = message.get("error")
            raise _Said(self._clean(str(error.get("message", error) if isinstance(error, dict) else error)))

    async def _until_a_head(
        self, socket: ClientConnection, subscriptions: "_Subscriptions", on_news: Callable[[ChainNews], None]
    ) -> None:
        while True:
            params = self._message(await socket.recv()).get("params")
            if not isinstance(params, dict) or not isinstance(pushed := params.get("result"), dict):
                continue
            if params.get("subscription") == subscriptions.events:
                on_news(ChainNews(self._number(pushed.get("blockNumber")), moved=True))
            elif params.get("subscription") == subscriptions.heads:
                on_news(ChainNews(self._number(pushed.get("number")), moved=subscriptions.events is None))
                return

    def _message(self, raw: str | bytes) -> dict[str, Any]:
        try:
            message = json.loads(raw)
        except (ValueError, RecursionError):
            raise ChainUnavailable(f"{self.name} pushed something that is not JSON") from None
        if not isinstance(message, dict):
            raise ChainUnavailable(f"{self.name} pushed something that is not JSON-RPC")
        return message

    def _number(self, text: object) -> int:
        try:
            number = int(text, 16) if isinstance(text, str) else 0
        except ValueError:
            number = 0
        if not 0 < number < 1 << 63:
            raise ChainUnavailable(f"{self.name} said no number where one belongs")
        return number

    def _clean(self, text: str) -> str:
        return without_secrets(text, self._secrets)[:MESSAGE_LIMIT]


def _why_refused(error: InvalidHandshake) -> str:
    return f"HTTP {error.response.status_code}" if isinstance(error, InvalidStatus) else "it does not speak WebSocket"


class _Subscriptions:
    def __init__(self, heads: str, events: str | None) -> None:
        self.heads = heads
        self.events = events


class _Said(Exception):
    """The node's own words for an error."""
