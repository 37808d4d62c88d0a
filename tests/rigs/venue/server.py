"""The loopback server: Binance USD-M REST and streams on 127.0.0.1, in this event loop or in a thread of its own."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType

from aiohttp import web

from tests.rigs.venue import account_routes, market_routes, order_routes, refusals
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.faults import Fault, Faults, Stage
from tests.rigs.venue.gate import Credentials, RateLimits, Received, check_key, check_signature, check_time
from tests.rigs.venue.routing import Params, Route, Security
from tests.rigs.venue.streams import StreamHub


@dataclass(frozen=True, slots=True)
class Exchanged:
    """One request in the journal: what was asked, what was answered, and whether it was carried out.

    `code` is the exchange's error code, None when it was carried out; `fault` names what the client saw instead.
    """

    endpoint: str
    params: Params
    status: int
    code: int | None
    fault: str | None
    at_ms: int

    @property
    def carried_out(self) -> bool:
        return self.code is None


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `cut`: headers promise more than `body`, then the line goes dead; `code` is not for the wire."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cut: bool = False
    code: int | None = None

    def wire_headers(self) -> dict[str, str]:
        length = len(self.body.encode()) + (1000 if self.cut else 0)
        return {**self.headers, "Content-Type": self.content_type, "Content-Length": str(length)}


class VenueServer:
    """`url` is the root for REST (`{url}/fapi`), `stream_url` for websockets; both exist after `start`.

    `witnesses` see each request as it arrives, before any fault has its way with it. `answer` is all but the transport.
    `speed`: of the exchange's clock; see `check_time`.
    """

    def __init__(
        self, exchange: Exchange | None = None, credentials: Credentials | None = None, *, speed: float = 1.0
    ) -> None:
        self.exchange = exchange or Exchange()
        self.credentials = credentials or Credentials()
        self.faults = Faults()
        self.limits = RateLimits(lambda: self.exchange.now_ms() / 1000) if speed != 1 else RateLimits()
        self.speed = speed
        self.hub = StreamHub(self.exchange)
        self.journal: list[Exchanged] = []
        self.witnesses: list[Callable[[Received], None]] = []
        self.port = 0
        self._routes: dict[tuple[str, str], Route] = {}
        self._late: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        for route in (*market_routes.ROUTES, *order_routes.ROUTES, *account_routes.ROUTES, *self._listen_key_routes()):
            self._routes[route.method, route.path] = route

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        application = web.Application()
        for root in ("private", "market", "public"):
            application.router.add_get(f"/{root}/{{tail:.*}}", self.hub.serve)
        application.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        for task in self._late:
            task.cancel()
        self.hub.drop_all()
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> "VenueServer":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def requests(self, endpoint: str) -> list[Exchanged]:
        """The journal's entries of one endpoint, "METHOD /path", oldest first."""
        return [entry for entry in self.journal if entry.endpoint == endpoint]

    # -- one request -----------------------------------------------------------------------------------------------

    async def answer(self, received: Received) -> Answer | None:
        """None: the connection is dropped without an answer."""
        for witness in self.witnesses:
            witness(received)
        fault = self.faults.take(received.endpoint, _lenient_params(received)) if self.faults.waiting() else None
        if fault is None:
            return self._carry_out(received, None)
        if fault.stage is Stage.LATE:
            self._carry_out_later(received, fault)
        elif fault.stage is Stage.AFTER or fault.passes:
            answer = self._carry_out(received, fault)
            if fault.passes:
                await asyncio.sleep(fault.hold_s)
                return answer if fault.edit is None else replace(answer, body=fault.edit(answer.body))
        else:
            self._note(received, fault.status or 0, fault.name, fault)
        await asyncio.sleep(fault.hold_s)
        return self._fault_answer(fault)

    def _carry_out_later(self, received: Received, fault: Fault) -> None:
        async def later() -> None:
            await asyncio.sleep(fault.late_s)
            self._carry_out(received, fault)

        task = asyncio.create_task(later())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def _carry_out(self, received: Received, fault: Fault | None) -> Answer:
        with self.exchange.lock:
            try:
                answer = self._answer(received)
            except refusals.Refusal as refusal:
                headers = self.limits.headers(counted_order=False)
                answer = Answer(refusal.status, json.dumps(refusal.body()), headers, code=refusal.code)
            self.hub.settled()
            self._note(received, answer.status, answer.code, fault)  # whoever sees the effect finds it in the journal
        return answer

    def _answer(self, received: Received) -> Answer:
        route = self._routes.get((received.method, received.path))
        if route is None:
            return Answer(404, "<html><body>404 Not found</body></html>", content_type="text/html", code=404)
        self.exchange.cancel_overdue()
        params = received.params()
        self.limits.spend_weight(route.weight_of(params))
        if route.security is not Security.NONE:
            check_key(received, self.credentials)
        if route.security is Security.SIGNED:
            check_time(params, self.exchange.now_ms(), speed=self.speed)
            check_signature(received, self.credentials)
        if route.places_order:
            self.limits.check_orders()
        body = json.dumps(route.handler(self.exchange, params))
        if route.places_order:
            self.limits.count_order()
        return Answer(200, body, self.limits.headers(counted_order=route.places_order))

    def _note(self, received: Received, status: int, code: int | str | None, fault: Fault | None) -> None:
        number = code if isinstance(code, int) or code is None else 0
        entry = Exchanged(
            received.endpoint,
            _lenient_params(received),
            status,
            number,
            fault.name if fault else None,
            self.exchange.now_ms(),
        )
        self.journal.append(entry)

    def _fault_answer(self, fault: Fault) -> Answer | None:
        if fault.status is None:
            return None
        headers = {**self.limits.headers(counted_order=False), **fault.headers}
        return Answer(fault.status, fault.body, headers, content_type=fault.content_type, cut=fault.cut)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        body = (await request.read()).decode()
        answer = await self.answer(Received(request.method, path, query, body, request.headers.get("X-MBX-APIKEY")))
        if answer is None:
            return _hang_up(request)
        if not answer.cut:
            return web.Response(status=answer.status, body=answer.body.encode(), headers=answer.wire_headers())
        stream = web.StreamResponse(status=answer.status, headers=answer.wire_headers())
        await stream.prepare(request)
        await stream.write(answer.body.encode())
        _hang_up(request)
        return stream

    def _listen_key_routes(self) -> tuple[Route, ...]:
        def start(exchange: Exchange, params: Params) -> object:
            return {"listenKey": self.hub.start_listen_key()}

        def keep(exchange: Exchange, params: Params) -> object:
            self.hub.keep_listen_key()
            return {"listenKey": self.hub.listen_key}

        def close(exchange: Exchange, params: Params) -> object:
            self.hub.close_listen_key()
            return {}

        path = "/fapi/v1/listenKey"
        return (
            Route("POST", path, start, 1, Security.KEY),
            Route("PUT", path, keep, 1, Security.KEY),
            Route("DELETE", path, close, 1, Security.KEY),
        )


class VenueThread:
    """The same server in a thread, for synchronous tests and for programs run as separate processes."""

    def __init__(self, server: VenueServer | None = None) -> None:
        self.server = server or VenueServer()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="venue-rig", daemon=True)

    def __enter__(self) -> VenueServer:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(10)
        return self.server

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._wind_up(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _wind_up(self) -> None:
        """Answers that are still held back are never given."""
        await self.server.stop()
        held = asyncio.all_tasks() - {asyncio.current_task()}
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)


def _lenient_params(received: Received) -> Params:
    try:
        return received.params()
    except refusals.Refusal:
        return {}


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
