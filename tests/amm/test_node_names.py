"""A node's key may stand in any part of its URL: no message, health line or log shows any of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.redaction import Redactor
from core.amm.abi import ChainUnavailable
from core.amm.node_names import node_label, secrets_of, unmistakable, without_secrets
from core.amm.nodes import Nodes
from core.clock import SystemClock

KEYED = (
    "https://sekret-in-host.bsc.provider.example/v2/main",
    "https://node.example/v2/sekret-in-path",
    "https://node.example/?apikey=sekret-in-query&x=1",
    "https://user:sekret%2Din-password@node.example:8545",
    "https://sekret-user@node.example",
)
KEYS = ("sekret-in-host", "sekret-in-path", "sekret-in-query", "sekret-in-password", "sekret-user")


@pytest.mark.parametrize(
    ("url", "key"),
    tuple(zip(KEYED, KEYS, strict=True)),
)
def test_a_nodes_own_words_are_cleaned(url: str, key: str) -> None:
    """It may repeat whatever it was asked with, also decoded."""
    cleaned = without_secrets(f"no capacity left for {key} at {url}", secrets_of(url))
    assert cleaned == "no capacity left for … at …"


@pytest.mark.parametrize("url", [*KEYED, "http://sekret-whole-host"])
async def test_a_node_that_is_not_there_is_named_by_its_place(url: str) -> None:
    """Which one of the configuration it is, and nothing of its address."""
    nodes = Nodes(
        "bsc",
        (
            SecretStr(url.replace("node.example", "node.invalid").replace("provider.example", "x.invalid")),
            SecretStr(url),
        ),
        SystemClock(),
    )
    try:
        with pytest.raises(ChainUnavailable) as failed:
            await nodes.ask("eth_chainId", [], str)
        health = str(nodes.health())
    finally:
        await nodes.aclose()
    assert "bsc node 1 of 2 did not answer (no such host name is known here)" in str(failed.value)
    assert "bsc node 2 of 2" in health
    assert not [word for word in ("sekret", "example", "invalid") if word in str(failed.value) + health]


def test_one_node_alone_has_no_number() -> None:
    """Nothing to tell it from."""
    assert node_label("base", 1, 1) == "the base node"


@pytest.fixture
async def parrot() -> AsyncIterator[str]:
    """A node that repeats in its error whatever it was asked with."""

    async def answer(request: web.Request) -> web.Response:
        said = f"{request.headers['Host']} {request.path_qs} {request.headers.get('Authorization')}"
        return web.json_response({"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": said}})

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_node_that_repeats_its_key_gives_nothing_away(parrot: str) -> None:
    """Path and query as they were sent."""
    nodes = Nodes("bsc", (SecretStr(f"http://{parrot}/v2/sekret-path?key=sekret-query"),), SystemClock())
    try:
        with pytest.raises(ChainUnavailable) as failed:
            await nodes.ask("eth_chainId", [], str)
    finally:
        await nodes.aclose()
    assert "the bsc node answered error -1" in str(failed.value)
    assert "sekret" not in str(failed.value)
    assert "127.0.0.1" not in str(failed.value)


def test_logs_hide_host_password_and_long_pieces_but_no_common_words() -> None:
    """A library's trace names hosts; a chain's name must stay readable everywhere."""
    redactor = Redactor(unmistakable("https://u:sekretpw@sekret.node.example/ethereum/sekret-0123456789abcdef"))
    said = redactor.redact(
        "cannot connect to sekret.node.example with sekretpw; /sekret-0123456789abcdef; ethereum node"
    )
    assert "sekret" not in said
    assert said.endswith("ethereum node")
    assert unmistakable("http://127.0.0.1:8545/v3") == ("http://127.0.0.1:8545/v3",)


@pytest.mark.parametrize("port", ["", ":8545"])
def test_an_address_with_colons_is_hidden_whole(port: str) -> None:
    """Also without a port behind it."""
    url = f"http://[2001:db8::77aa]{port}"
    assert without_secrets("no route to [2001:db8::77aa]", secrets_of(url)) == "no route to …"
