"""A server on loopback that encrypts with a certificate nobody vouches for: right host name, valid for a century."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from types import TracebackType
from typing import Self

CERTIFICATE = Path(__file__).with_name("untrusted.pem")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Impostor:
    """`called`: connections that were begun. `heard`: what clients said once they had trusted it."""

    def __init__(self) -> None:
        self.called = 0
        self.heard: list[bytes] = []

    @property
    def place(self) -> str:
        """To follow `https://` or `wss://`."""
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        encrypted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        encrypted.load_cert_chain(CERTIFICATE)
        encrypted.sni_callback = self._greeted
        self._server = await asyncio.start_server(self._listen, "127.0.0.1", 0, ssl=encrypted)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def _greeted(self, socket: ssl.SSLSocket | ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        """On every client's first message, whether or not it names a host."""
        self.called += 1

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.read(2**16))
        writer.write(ANSWER)
        writer.close()
