"""Whatever a node answers or pushes: the position as it is, or one of our own errors; never an amount from garbage."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from core.amm.heads import HeadStream
from core.amm.reader import ChainReader
from core.clock import SystemClock, at_ms
from core.errors import LpHedgeError
from core.facts import Block, LpFacts
from core.news_ports import ChainNews
from tests.amm.reading import hedge, preset_of
from tests.fuzz.spoilt import CUTS, JUNK, cut, is_sane, spoils, spoilt
from tests.rigs.chain.proxy import Answer, RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain
EDGES = (0, 1, 2**24, 2**63, 2**127, 2**128 - 1, 2**128, 2**160 - 1, 2**255, 2**256 - 887272, 2**256 - 1)
EPOCH = at_ms(0)
Spoil = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def rig() -> Iterator[ChainRig]:
    with ChainRig() as made:
        yield made


@pytest.fixture(scope="module")
def pool(rig: ChainRig) -> PoolRef:
    return rig.create_pool(*rig.pair(quote=("USDT", 6)), price=2000)


@pytest.fixture(scope="module")
def position_id(rig: ChainRig, pool: PoolRef) -> int:
    return rig.mint_position(pool, 1800, 2200, base=5, quote=10_000)


@pytest.fixture(scope="module")
def proxy(rig: ChainRig) -> Iterator[RpcProxy]:
    with RpcProxy(rig.rpc_url) as made:
        yield made


Read = Callable[[Spoil], LpFacts | None]


@pytest.fixture(scope="module")
def read(rig: ChainRig, pool: PoolRef, position_id: int, proxy: RpcProxy) -> Read:
    """What is read of the position, with a node whose every answer is spoilt; None: one of our own errors."""
    hedges = {"h": hedge([position_id], amm_type=rig.amm_type)}

    async def once() -> LpFacts | None:
        reader = ChainReader(preset_of(rig, pool.quote), hedges, [SecretStr(proxy.url)], SystemClock(), timeout_s=30)
        try:
            await reader.prepare()
            return (await reader.read())["h"]
        except LpHedgeError:
            return None
        finally:
            await reader.aclose()

    def spoilt_once(spoil: Spoil) -> LpFacts | None:
        proxy.fault = lambda body, forward: Answer(body=spoil(forward(body)))
        return asyncio.run(once())

    return spoilt_once


def timeless(facts: LpFacts | None) -> LpFacts | None:
    """The node goes on making blocks."""
    return None if facts is None else replace(facts, as_of=EPOCH, block=Block(1, None, EPOCH))


@pytest.fixture(scope="module")
def truth(read: Read) -> LpFacts:
    facts = timeless(read(lambda answer: answer))
    assert facts is not None and facts.positions[0].base > 4
    return facts


def test_the_truth_is_read_through_the_proxy(truth: LpFacts) -> None:
    """Else what follows would prove nothing."""
    assert truth.price > 1999


@given(spoils())
@settings(max_examples=40)
def test_an_answer_that_is_spoilt_as_json_is_the_truth_or_an_error(
    read: Read, truth: LpFacts, changes: list[tuple[float, object]]
) -> None:
    """No amount comes from an answer that lost a part or has another in its place."""
    spoil: Spoil = lambda answer: json.dumps(spoilt(json.loads(answer), changes)).encode()  # noqa: E731
    assert timeless(read(spoil)) in (truth, None)


@given(CUTS)
@settings(max_examples=40)
def test_an_answer_of_other_bytes_is_sane_or_an_error(read: Read, cuts: list[tuple[float, int, bytes]]) -> None:
    """What is still well-formed may be a lie, which one node's answer alone cannot tell; a wild number it is not."""
    assert is_sane(read(lambda answer: cut(answer, cuts)))


@given(st.floats(0, 1), st.sampled_from(EDGES))
@settings(max_examples=40)
def test_a_word_at_the_edge_of_its_type_is_sane_or_an_error(read: Read, where: float, edge: int) -> None:
    """One word of every large answer replaced by a number that no contract would say there."""

    def spoil(answer: bytes) -> bytes:
        whole = json.loads(answer)
        if isinstance(result := whole.get("result"), str) and len(result) > 2 + 64 * 3:
            words = [result[at : at + 64] for at in range(2, len(result), 64)]
            words[min(int(where * len(words)), len(words) - 1)] = f"{edge:064x}"
            whole["result"] = "0x" + "".join(words)
        return json.dumps(whole).encode()

    facts = read(spoil)
    assert is_sane(facts)
    assert facts is None or all(each.base >= 0 and each.quote >= 0 for each in facts.positions)


def pushed(rig: ChainRig, answers: list[Any]) -> tuple[list[ChainNews], Exception]:
    """What a node leads to that answers each request with the next of these, and then pushes the rest."""

    async def run() -> tuple[list[ChainNews], Exception]:
        async def node(socket: ServerConnection) -> None:
            with suppress(ConnectionClosed):
                left = list(answers)
                async for raw in socket:
                    asked = json.loads(raw)
                    if left:
                        answer = left.pop(0)
                        await socket.send(
                            json.dumps({**answer, "id": asked["id"]} if isinstance(answer, dict) else answer)
                        )
                    if asked["method"] == "eth_subscribe":
                        for message in left:
                            await socket.send(json.dumps(message))
                        return

        news: list[ChainNews] = []
        async with serve(node, "127.0.0.1", 0) as server:
            url = SecretStr(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            stream = HeadStream(url, preset_of(rig, rig.weth), silent_after_s=5, answer_s=5)
            with pytest.raises(LpHedgeError) as ended:
                await stream.listen((), news.append)
        return news, ended.value

    return asyncio.run(run())


@given(spoils(), st.sampled_from(JUNK))
@settings(max_examples=40)
def test_any_push_of_a_node_is_news_of_a_block_or_ends_the_connection(
    rig: ChainRig, changes: list[tuple[float, object]], junk: object
) -> None:
    """Its answers and heads spoilt, and something that is no head."""
    head = {"method": "eth_subscription", "params": {"subscription": "0x1", "result": {"number": "0x10"}}}
    answers = spoilt([{"result": hex(rig.chain_id)}, {"result": "0x1"}, head, head], changes)
    news, _ = pushed(rig, [*(answers if isinstance(answers, list) else [answers]), junk])
    assert all(0 < each.block < 1 << 63 for each in news)
