"""The HTTP side of the rig: one thread per connection, HTTP/1.1 keep-alive, answers in Telegram's envelope."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast

from tests.rigs.telegram import chats, methods, registry
from tests.rigs.telegram.errors import ApiError
from tests.rigs.telegram.faults import Drop, Fault
from tests.rigs.telegram.wire import Params, parse_body, read_body
from tests.rigs.telegram.world import UPLOADED, Call, Json, World

_PATH = re.compile(r"/bot(?P<token>[^/]+)/(?P<method>\w+)")


# What these modules serve, they register when they are imported.
_SERVED = (chats, methods)


class _Dropped(Exception):
    """The connection must end without an answer."""


class BotApiServer(ThreadingHTTPServer):
    """Listens on loopback; `stop` also cuts the connections that are open, as a machine that dies does."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128  # more clients than connect at once while this thread has no turn

    def __init__(self, world: World, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.world = world
        self.stopping = False
        self.connections: set[socket.socket] = set()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.stopping = True
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            _cut(connection)
        with self.world.changed:
            self.world.changed.notify_all()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is ordinary here; anything else must be seen."""
        if not self.stopping and not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(cast(socket.socket, request), client_address)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: BotApiServer

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)
        if self.server.stopping:  # `stop` may not have seen it
            _cut(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, *line: object) -> None:
        """Nothing: a log line of the standard library's would print the token."""

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        world, path = self.server.world, _PATH.fullmatch(self.path.partition("?")[0])
        body = read_body(self.rfile, dict(self.headers.items()))
        name = path["method"] if path else ""
        values: Json = {}
        try:
            if path is None or path["token"] != world.token:
                raise ApiError(401, "Unauthorized")
            params = parse_body(self.headers.get("Content-Type", ""), body)
            values = {**params.values, **dict.fromkeys(params.files, UPLOADED)}
            result = self._serve(world, name, params, values)
        except ApiError as refusal:
            _note(world, name, values, refusal.code)
            self._answer(refusal.code, _refused(refusal))
        except _Dropped:
            _note(world, name, values, 0)
            self.close_connection = True
            _cut(self.connection)
        else:
            self._answer(200, {"ok": True, "result": result})

    def _serve(self, world: World, name: str, params: Params, values: Json) -> object:
        """Applies the scripted fault of this call, if any, around its effect. Who sees the effect sees the call too."""
        with world.changed:
            fault = world.faults.take(name, str(params.values))
        if fault is not None:
            _before_effect(fault)
        struck: list[Fault] = []
        with world.changed:
            result = self._poll(world, params, struck) if name == "getUpdates" else registry.call(world, name, params)
            dropped = fault is not None and fault.drop is Drop.AFTER
            if not struck and not dropped:
                _note(world, name, values, 200)
            world.changed.notify_all()
        for late_fault in struck:
            _before_effect(late_fault)
        if struck and not dropped:
            _note(world, name, values, 200)
        if dropped:
            raise _Dropped
        return result

    def _poll(self, world: World, params: Params, struck: list[Fault]) -> object:
        """A fault scripted while the poll waits ends it and is put into `struck`."""

        def broken() -> bool:
            if not struck and (fault := world.faults.take("getUpdates")):
                struck.append(fault)
            return bool(struck) or self.server.stopping

        world.updates.allow(params.structure("allowed_updates"))
        offset, limit = params.integer("offset", 0), params.integer("limit", 100)
        found = world.updates.poll(offset, limit, params.integer("timeout", 0), broken)
        if self.server.stopping:
            raise _Dropped
        return found

    def _answer(self, status: int, envelope: Json) -> None:
        content = json.dumps(envelope).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _before_effect(fault: Fault) -> None:
    if fault.delay_s:
        fault.cleared.wait(fault.delay_s)
    if fault.drop is Drop.BEFORE:
        raise _Dropped
    if fault.code is not None:
        raise ApiError(fault.code, fault.description, retry_after=fault.retry_after)


def _refused(refusal: ApiError) -> dict[str, object]:
    envelope: dict[str, object] = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.retry_after is not None:
        envelope["parameters"] = {"retry_after": refusal.retry_after}
    return envelope


def _note(world: World, name: str, values: dict[str, object], status: int) -> None:
    with world.changed:
        world.calls.append(Call(name, values, status, time.monotonic()))
        world.changed.notify_all()
