"""A loopback proxy in front of the node: it counts what is asked, and answers wrongly when told to."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `hang_s`: how long it is held back first; `drop`: close the connection and say nothing."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_s: float = 0
    drop: bool = False


# A fault sees the request and the way to the node, and gives the answer that the client gets.
Fault = Callable[[Body, Callable[[Body], bytes]], Answer]


class RpcProxy:
    """HTTP proxy for JSON-RPC on a free loopback port. Set `fault` to break answers, None to mend them.

    `requests` holds every decoded request body, in order of arrival; a batch counts as many requests as it holds.
    """

    def __init__(self, upstream_url: str) -> None:
        address = urlsplit(upstream_url)
        self._upstream = (address.hostname or "", address.port or 80)
        self.requests: list[Body] = []
        self.fault: Fault | None = None
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def forget(self) -> None:
        """Start counting anew."""
        self.requests.clear()

    def answer(self, raw: bytes) -> Answer:
        """The answer to one HTTP body."""
        decoded = json.loads(raw)
        bodies: list[Body] = decoded if isinstance(decoded, list) else [decoded]
        self.requests.extend(bodies)
        if self.fault is None or isinstance(decoded, list):
            return Answer(body=self.forward(decoded))
        return self.fault(decoded, self.forward)

    def forward(self, body: object) -> bytes:
        """The node's own answer."""
        connection = http.client.HTTPConnection(*self._upstream, timeout=30)
        try:
            connection.request("POST", "/", json.dumps(body), {"content-type": "application/json"})
            return connection.getresponse().read()
        finally:
            connection.close()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "RpcProxy":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # more clients than connect at once while this thread has no turn


def _handler(proxy: RpcProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers["content-length"])
            raw = self.rfile.read(size)
            if len(raw) < size:  # the client hung up within its request
                self.close_connection = True
                return
            answer = proxy.answer(raw)
            if answer.hang_s:
                time.sleep(answer.hang_s)
            if answer.drop:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"content-type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            """Silent: tests look at `requests`."""

    return Handler
