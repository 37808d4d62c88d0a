"""A connection that failed is explained without a class name and without its address."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from core.connection_words import why_unconnected


async def failure(url: str, within_s: float = 20.0) -> BaseException:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=within_s)) as session:
        with pytest.raises((aiohttp.ClientError, TimeoutError, OSError)) as failed:
            await session.get(url)
    return failed.value


async def hang_up(reader: asyncio.StreamReader) -> None:
    await reader.readline()


async def stay_silent(reader: asyncio.StreamReader) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", "nothing listens there"),
        ("http://no-such-host.invalid", "no such host name is known here"),
    ],
)
async def test_nobody_there(url: str, words: str) -> None:
    """A wrong port and a wrong name are mended in different places."""
    assert why_unconnected(await failure(url)) == words


@pytest.mark.parametrize(
    ("answer", "within_s", "words"),
    [(hang_up, 20.0, "the connection was cut"), (stay_silent, 0.5, "it took too long")],
)
async def test_somebody_there_who_does_not_answer(
    answer: Callable[[asyncio.StreamReader], Awaitable[None]], within_s: float, words: str
) -> None:
    """Each as the client library meets it."""
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader)
        writer.close()
        await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        error = await failure(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", within_s)
        await gone.wait()
    assert why_unconnected(error) == words


def test_what_is_not_known_is_said_plainly() -> None:
    """Never an empty clause."""
    assert why_unconnected(socket.gaierror(-2, "x")) == "no such host name is known here"
    assert why_unconnected(OSError(101, "x")) == "there is no way to it: is this machine's network up?"
    assert why_unconnected(ConnectionResetError()) == "the connection was cut"
    assert why_unconnected(web.HTTPException()) == "the connection failed"
