"""One client's connection through the WebSocket proxy: what passes, what is answered here, what is lost."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web

from tests.rigs.chain.proxy import Body

# geth's own words for a method that it does not offer.
REFUSAL: Body = {"code": -32601, "message": "the method eth_subscribe does not exist/is not available"}


class Behaviour(Protocol):
    """What the links look up for each message: the proxy's settings and its journal."""

    silent: bool
    answers_pings: bool
    muted: frozenset[str]
    refused: frozenset[str]
    refusal: Body
    chain_id: int | None
    bend_head: Callable[[Body], object] | None
    delay_s: float
    copies: int
    requests: list[Body]
    notifications: list[Body]


@dataclass(eq=False, slots=True)
class Link:
    """A client's socket and the node's, joined. `subscriptions`: the kind of each subscription id that was granted."""

    behaviour: Behaviour
    client: web.WebSocketResponse
    node: ClientWebSocketResponse
    transport: asyncio.BaseTransport | None
    subscriptions: dict[str, str] = field(default_factory=dict)
    _asked: dict[str, str] = field(default_factory=dict)
    _outgoing: asyncio.Queue[tuple[float, str]] = field(default_factory=asyncio.Queue)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    _close_code: int = WSCloseCode.OK

    async def run(self) -> None:
        """Until one side closes; then both are closed."""
        ways = (self._from_client(), self._from_node(), self._to_client(), self._ended.wait())
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.node.close()
            await self.client.close(code=self._close_code)

    def close_with(self, code: int) -> None:
        """Begin the orderly end of the client's connection, with this WebSocket code."""
        self._close_code = code
        self._ended.set()

    def abort(self) -> None:
        """Cut the client's connection without a word."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def send(self, text: str) -> None:
        """To the client, after what is already on its way, `delay_s` late."""
        due_s = asyncio.get_running_loop().time() + self.behaviour.delay_s
        self._outgoing.put_nowait((due_s, text))

    def notify(self, kind: str, result: object) -> int:
        """A notification for each of the client's subscriptions of that kind; how many there were."""
        ids = [each for each, granted in self.subscriptions.items() if granted == kind]
        for each in ids:
            parameters = {"subscription": each, "result": result}
            self._pass_notification({"jsonrpc": "2.0", "method": "eth_subscription", "params": parameters})
        return len(ids)

    async def _to_client(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s, text = await self._outgoing.get()
            await asyncio.sleep(due_s - loop.time())
            await self.client.send_str(text)

    async def _from_client(self) -> None:
        while (message := await self.client.receive()).type in (WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG):
            if message.type is WSMsgType.PING and self.behaviour.answers_pings:
                await self.client.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                await self._asked_for(message.data)

    async def _asked_for(self, text: str) -> None:
        decoded = json.loads(text)
        bodies: list[Body] = decoded if isinstance(decoded, list) else [decoded]
        self.behaviour.requests.extend(bodies)
        if self.behaviour.silent:
            return
        answer = None if isinstance(decoded, list) else self._own_answer(decoded)
        if answer is not None:
            self.send(json.dumps({"jsonrpc": "2.0", "id": decoded.get("id"), **answer}))
            return
        for body in bodies:
            if body.get("method") == "eth_subscribe":
                self._asked[str(body.get("id"))] = _kind(body)
        await self.node.send_str(text)

    def _own_answer(self, request: Body) -> Mapping[str, object] | None:
        method = request.get("method")
        names = {method, _kind(request)} if method == "eth_subscribe" else {method}
        if self.behaviour.refused & names:
            return {"error": self.behaviour.refusal}
        if method == "eth_chainId" and self.behaviour.chain_id is not None:
            return {"result": hex(self.behaviour.chain_id)}
        return None

    async def _from_node(self) -> None:
        while (message := await self.node.receive()).type is WSMsgType.TEXT:
            decoded = json.loads(message.data)
            if isinstance(decoded, dict):
                self._note_grant(decoded)
            if self.behaviour.silent:
                continue
            if isinstance(decoded, dict) and decoded.get("method") == "eth_subscription":
                self._notified(decoded)
            else:
                self.send(message.data)

    def _note_grant(self, answer: Body) -> None:
        kind = self._asked.pop(str(answer.get("id")), None)
        if kind is not None and isinstance(answer.get("result"), str):
            self.subscriptions[answer["result"]] = kind

    def _notified(self, notification: Body) -> None:
        parameters = notification["params"]
        kind = self.subscriptions.get(parameters["subscription"], "")
        if kind in self.behaviour.muted:
            return
        if kind == "newHeads" and self.behaviour.bend_head is not None:
            bent = self.behaviour.bend_head(dict(parameters["result"]))
            notification = {**notification, "params": {**parameters, "result": bent}}
        self._pass_notification(notification)

    def _pass_notification(self, notification: Body) -> None:
        for _ in range(self.behaviour.copies):
            self.behaviour.notifications.append(notification)
            self.send(json.dumps(notification))


def _kind(request: Body) -> str:
    parameters: Any = request.get("params")
    return str(parameters[0]) if isinstance(parameters, list) and parameters else ""
