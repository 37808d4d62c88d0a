"""Whoever cannot prove who they are hears nothing: no key, no token, no order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from pydantic import SecretStr

from bot.telegram import TelegramSettings
from bot.telegram.preflight import probe
from core.amm.heads import HeadStream
from core.amm.presets import chain_preset
from core.amm.rpc import Node
from core.clock import SystemClock
from core.errors import LpHedgeError
from core.exchange.binance_client import BinanceAccess, BinanceClient
from core.exchange.binance_market_stream import BinanceMarketStream
from tests.rigs.impostor import Impostor
from tests.rigs.telegram import TOKEN
from tests.rigs.venue import Credentials

Call = Callable[[str], Awaitable[object]]
PATIENCE_S = 20.0


@pytest.fixture
async def impostor() -> AsyncIterator[Impostor]:
    async with Impostor() as impostor:
        yield impostor


async def asks_a_node(place: str) -> None:
    node = Node(SecretStr(f"https://{place}"), "the node", timeout_s=PATIENCE_S)
    try:
        await node.call("eth_chainId", [])
    finally:
        await node.aclose()


async def listens_to_a_node(place: str) -> None:
    stream = HeadStream(SecretStr(f"wss://{place}"), chain_preset("bsc", None), answer_s=PATIENCE_S)
    await stream.listen((), lambda news: None)


async def asks_the_exchange(place: str) -> None:
    known = Credentials()
    access = BinanceAccess(SecretStr(known.key), SecretStr(known.secret), f"https://{place}", timeout_s=PATIENCE_S)
    client = BinanceClient(access, SystemClock())
    try:
        await client.read("account", lambda library: library.futures_account(), lambda answer: answer)
    finally:
        await client.aclose()


async def listens_to_the_exchange(place: str) -> None:
    stream = BinanceMarketStream(lambda symbol: 1, lambda: 0, SystemClock(), stream_url=f"wss://{place}")
    await stream.listen(("ETHUSDT",), lambda symbol: None)


async def asks_telegram(place: str) -> None:
    await probe(TelegramSettings(SecretStr(TOKEN), frozenset({1}), api_url=f"https://{place}"))


@pytest.mark.parametrize(
    "call", [asks_a_node, listens_to_a_node, asks_the_exchange, listens_to_the_exchange, asks_telegram]
)
async def test_a_certificate_that_nobody_vouches_for_is_refused(call: Call, impostor: Impostor) -> None:
    """As an error like any other outage; by then the client has said nothing."""
    with pytest.raises(LpHedgeError):
        await call(impostor.place)
    assert impostor.called
    assert impostor.heard == []


async def test_who_does_not_check_would_be_heard(impostor: Impostor) -> None:
    """So that silence above is the clients' doing."""
    async with (
        aiohttp.ClientSession() as careless,
        careless.get(f"https://{impostor.place}/token", ssl=False) as answer,
    ):
        assert answer.status == 200
    assert b"GET /token" in b"".join(impostor.heard)
