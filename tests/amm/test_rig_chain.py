"""The chain rig does what its tests rely on: staking, reorganisations, and a socket that fails as asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from eth_utils.crypto import keccak
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.rigs.chain import faults, fixtures
from tests.rigs.chain import ws_proxy as sockets
from tests.rigs.chain.artefacts import artefact
from tests.rigs.chain.evm import Contract, Rpc, RpcFailed
from tests.rigs.chain.node import KEPT_STATES, Anvil
from tests.rigs.chain.proxy import Answer, Fault, RpcProxy
from tests.rigs.chain.rig import MULTICALL3, ChainRig, PoolRef
from tests.rigs.chain.ws_proxy import WsProxy

pytestmark = pytest.mark.chain

bare_session, bare_chain, ws_proxy = fixtures.bare_session, fixtures.bare_chain, fixtures.ws_proxy


def farmed_pool(rig: ChainRig) -> PoolRef:
    """A pool at 2000 with other liquidity."""
    pool = rig.create_pool(*rig.pair(quote=("USDT", 6)), price=2000)
    rig.mint_position(pool, 100, 9000, base=100, quote=200_000, owner=rig.other)
    return pool


def custom_error(signature: str) -> str:
    """How a revert with it is reported."""
    return "0x" + keccak(text=signature)[:4].hex()


def staked_ids(rig: ChainRig, user: str) -> list[int]:
    """What the farm enumerates of a user, in its order."""
    assert rig.farm is not None
    (count,) = rig.farm.read("balanceOf", user)
    return [rig.farm.read("tokenOfOwnerByIndex", user, index)[0] for index in range(count)]


def test_staking_changes_the_owner_and_not_the_pay(pancake_chain: ChainRig) -> None:
    """A staked position belongs to the farm, is known to be its staker's, and is owed what it was owed before."""
    rig, pool = pancake_chain, farmed_pool(pancake_chain)
    position_id = rig.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    rig.swap_to_price(pool, 2100)
    before = rig.expected_collect(position_id)
    rig.stake(position_id)
    assert rig.farm is not None
    assert (rig.owner_of(position_id), rig.staker_of(position_id)) == (rig.farm.address, rig.lp)
    assert rig.expected_collect(position_id) == before and before.owed != (0, 0)
    info = rig.farm.read("userPositionInfos", position_id)
    liquidity, (lower, upper) = rig.liquidity_of(position_id), rig.manager.read("positions", position_id)[5:7]
    assert info[:6] == (liquidity, liquidity, lower, upper, 0, 0)
    assert info[7:] == (rig.farm.read("v3PoolAddressPid", pool.address)[0], 10**12)
    rig.unstake(position_id)
    assert (rig.owner_of(position_id), rig.staker_of(position_id)) == (rig.lp, None)
    assert rig.expected_collect(position_id) == before


def test_the_farm_passes_changes_on(pancake_chain: ChainRig) -> None:
    """Increase, decrease, collect and burn of a staked position reach the manager, and the farm's record follows."""
    rig, pool = pancake_chain, farmed_pool(pancake_chain)
    position_id = rig.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    rig.stake(position_id)
    assert rig.farm is not None
    whole = rig.liquidity_of(position_id)
    rig.increase(position_id, pool, base=25, quote=50_000)
    assert rig.farm.read("userPositionInfos", position_id)[0] == rig.liquidity_of(position_id) > whole
    rig.decrease(position_id, share="0.5")
    expected, held = rig.expected_collect(position_id), pool.base.contract.read("balanceOf", rig.lp)[0]
    assert rig.farm.read("userPositionInfos", position_id)[0] == rig.liquidity_of(position_id)
    rig.collect(position_id)
    assert pool.base.contract.read("balanceOf", rig.lp)[0] - held == pool.order.base_is_token0 * expected.owed[0]
    rig.burn(position_id)
    assert rig.staker_of(position_id) is None and staked_ids(rig, rig.lp) == []
    with pytest.raises(RpcFailed, match="nonexistent token"):
        rig.owner_of(position_id)


def test_the_enumeration_swaps_and_pops(pancake_chain: ChainRig) -> None:
    """The last id takes the place of the one that leaves, whoever receives it."""
    rig, pool = pancake_chain, farmed_pool(pancake_chain)
    ids = [rig.mint_position(pool, 1600, 2500, base=1, quote=2000) for _ in range(4)]
    for position_id in ids:
        rig.stake(position_id)
    assert staked_ids(rig, rig.lp) == ids
    rig.unstake(ids[1], to=rig.other)
    assert staked_ids(rig, rig.lp) == [ids[0], ids[3], ids[2]] and staked_ids(rig, rig.other) == []
    assert rig.owner_of(ids[1]) == rig.other
    with pytest.raises(RpcFailed, match="out of bounds"):
        assert rig.farm is None or rig.farm.read("tokenOfOwnerByIndex", rig.lp, 3)


def test_the_farm_refuses(pancake_chain: ChainRig) -> None:
    """Others' positions, empty ones, and NFTs that are not the manager's."""
    rig, pool = pancake_chain, farmed_pool(pancake_chain)
    position_id = rig.mint_position(pool, 1600, 2500, base=1, quote=2000)
    rig.stake(position_id)
    assert rig.farm is not None
    with pytest.raises(RpcFailed, match=custom_error("NotOwner()")):
        rig.farm.read("withdraw", position_id, rig.other, sender=rig.other)
    with pytest.raises(RpcFailed, match=custom_error("NotPancakeNFT()")):
        rig.farm.read("onERC721Received", rig.lp, rig.lp, position_id, b"", sender=rig.lp)
    with pytest.raises(RpcFailed, match=custom_error("WrongReceiver()")):
        rig.farm.read("withdraw", position_id, rig.farm.address, sender=rig.lp)
    empty = rig.mint_position(pool, 1600, 2500, base=1, quote=2000)
    rig.decrease(empty)
    with pytest.raises(RpcFailed):
        rig.stake(empty)


def test_the_farm_is_in_the_configuration(pancake_chain: ChainRig, chain: ChainRig) -> None:
    """Where there is one."""
    assert pancake_chain.farm is not None and chain.farm is None
    line = f'farms = {{ pancakeswap_v3 = "{pancake_chain.farm.address}" }}\n'
    assert line in pancake_chain.chain_block("rig") and "farms" not in chain.chain_block("rig")


def test_a_node_writes_nothing_to_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It forgets the state of old blocks instead; that of `KEPT_STATES` can be asked for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with Anvil(chain_id=31337, block_time_s=None, genesis_time=1_700_000_000) as node:
        rpc = Rpc(node.url)
        for _ in range(2 * KEPT_STATES + 100):  # beyond what it keeps in memory by itself
            rpc.mine()
        head = int(rpc.call("eth_blockNumber"), 16)
        assert rpc.call("eth_getBalance", MULTICALL3, hex(head - KEPT_STATES)) == "0x0"
        assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_reorg_replaces_blocks(still: ChainRig) -> None:
    """As many blocks with other hashes, without what was in the old ones; those below stay."""
    chain = still
    pool = chain.create_pool(*chain.pair(), price=2000)
    chain.mine()
    head = chain.block_number()
    position_id = chain.mint_position(pool, 1600, 2500, base=1, quote=2000)
    depth = chain.block_number() - head
    numbers = range(head - 2, head + depth + 1)
    before = [chain.block_hash(number) for number in numbers]
    chain.reorg(depth)
    after = [chain.block_hash(number) for number in numbers]
    assert before[:3] == after[:3] and not set(before[3:]) & set(after[3:])
    with pytest.raises(RpcFailed, match="Invalid token ID"):
        chain.liquidity_of(position_id)


def test_a_reorg_stays_above_snapshots(still: ChainRig) -> None:
    """Within what was mined since, the snapshot can be returned to; below it anvil could not, and the rig refuses."""
    before, head = still.snapshot(), still.block_hash()
    still.mine(3)
    with pytest.raises(AssertionError, match="only 3 blocks"):
        still.reorg(4)
    still.reorg(3)
    still.revert(before)
    assert still.block_hash() == head
    still.mine()


def test_a_rollback_lowers_the_head(still: ChainRig) -> None:
    """By so many blocks."""
    still.mine(5)
    head, below = still.block_number(), still.block_hash(still.block_number() - 4)
    still.rollback(4)
    assert (still.block_number(), still.block_hash()) == (head - 4, below)


@pytest.mark.parametrize("block_time_s", [0.2, None])
def test_block_times(block_time_s: float | None) -> None:
    """Below a second, or none at all: then the chain stands still until it is told to mine."""
    with ChainRig(block_time_s=block_time_s) as rig:
        before = rig.block_number()
        rig.rpc.call("web3_clientVersion")
        with connect(rig.ws_url) as socket:
            subscribe(socket, "newHeads")
            if block_time_s is None:
                rig.mine()
            assert int(hear(socket)["params"]["result"]["number"], 16) > before
            assert block_time_s is not None or rig.block_number() == before + 1


def test_a_chain_without_multicall(bare_chain: ChainRig, chain: ChainRig) -> None:
    """Nothing is at the address, and pools work all the same."""
    assert (
        bare_chain.rpc.call("eth_getCode", MULTICALL3, "latest")
        == "0x"
        != chain.rpc.call("eth_getCode", MULTICALL3, "latest")
    )
    pool = bare_chain.create_pool(*bare_chain.pair(), price=2000)
    assert bare_chain.expected_collect(bare_chain.mint_position(pool, 1600, 2500, base=1, quote=2000)).total != (0, 0)


# -- faults of HTTP ------------------------------------------------------------------------------------------------

DECIMALS = "0x313ce567"


@pytest.fixture
def through(still: ChainRig) -> Iterator[RpcProxy]:
    """A proxy in front of the HTTP of the node that stands still."""
    with RpcProxy(still.rpc_url) as proxy:
        yield proxy


@pytest.mark.parametrize("fault", faults.QUOTAS.values(), ids=faults.QUOTAS.keys())
def test_quotas_are_no_answers(through: RpcProxy, fault: Fault) -> None:
    """By HTTP status, by JSON-RPC error, or by a body that is neither."""
    through.fault = fault
    with pytest.raises((RpcFailed, HTTPError)):
        Rpc(through.url).call("eth_chainId")


def test_too_large(still: ChainRig, through: RpcProxy) -> None:
    """Calls with longer data are refused, others answered."""
    call = {"to": still.weth.address, "data": DECIMALS + "00" * 96}
    for status, refused in ((200, RpcFailed), (413, HTTPError)):
        through.fault = faults.too_large(100, status=status)
        assert int(Rpc(through.url).call("eth_call", call, "latest"), 16) == 18
        with pytest.raises(refused):
            Rpc(through.url).call("eth_call", {**call, "data": call["data"] + "00"}, "latest")


def test_gas_capped(still: ChainRig, through: RpcProxy) -> None:
    """A multicall answers although the dear one of its inner calls runs out of gas, and at last fails altogether."""
    multicall = Contract(Rpc(through.url), MULTICALL3, artefact("Multicall3"))
    cheap = (still.weth.address, True, bytes.fromhex(DECIMALS[2:]))
    dear = (MULTICALL3, True, multicall.data("aggregate3", [cheap] * 200))
    for gas, successes in ((10**8, [True, True]), (650_000, [True, False])):
        through.fault = faults.gas_capped(gas)
        (results,) = multicall.read("aggregate3", [cheap, dear])
        assert [success for success, _ in results] == successes
    through.fault = faults.gas_capped(30_000)
    with pytest.raises(RpcFailed, match="(?i)gas"):
        multicall.read("aggregate3", [cheap, dear])


def test_state_overrides(still: ChainRig, through: RpcProxy) -> None:
    """Obeyed by the node itself, refused, or passed over in silence."""
    call = {"to": still.other, "data": "0x"}
    parameters = ("eth_call", call, "latest", {still.other: {"code": "0x602a60005260206000f3"}})
    rpc = Rpc(through.url)
    assert int(rpc.call(*parameters), 16) == 42
    through.fault = faults.IGNORES_STATE_OVERRIDE
    assert rpc.call(*parameters) == "0x"
    through.fault = faults.NO_STATE_OVERRIDE
    assert rpc.call(*parameters[:3]) == "0x"
    with pytest.raises(RpcFailed, match="-32602"):
        rpc.call(*parameters)


def test_lagging(still: ChainRig, through: RpcProxy) -> None:
    """The newest block is an old one, and what is above it is unknown."""
    still.mine(3)
    rpc, head = Rpc(through.url), still.block_number()
    through.fault = faults.lagging(2)
    assert int(rpc.call("eth_blockNumber"), 16) == head - 2
    assert int(rpc.call("eth_getBlockByNumber", "latest", False)["number"], 16) == head - 2
    assert rpc.call("eth_getBlockByNumber", hex(head), False) is None
    call = {"to": MULTICALL3, "data": "0x42cbb15c"}
    assert int(rpc.call("eth_call", call, "latest"), 16) == head - 2
    for above in (hex(head), {"blockNumber": hex(head)}):
        with pytest.raises(RpcFailed, match="header not found"):
            rpc.call("eth_call", call, above)


# -- the socket ----------------------------------------------------------------------------------------------------


def ask(socket: ClientConnection, method: str, *params: object) -> Any:
    """Send a request and return the next message."""
    socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
    return hear(socket)


def hear(socket: ClientConnection, timeout_s: float = 30) -> Any:
    """The next message; TimeoutError when none comes."""
    return json.loads(socket.recv(timeout=timeout_s))


def subscribe(socket: ClientConnection, *params: object) -> str:
    """The id of a new subscription."""
    return str(ask(socket, "eth_subscribe", *params)["result"])


@contextmanager
def listening(proxy: WsProxy, *params: object) -> Iterator[ClientConnection]:
    """A client with one subscription, new heads unless others are asked for."""
    with connect(proxy.url, close_timeout=0.2, ping_interval=None) as socket:
        subscribe(socket, *(params or ("newHeads",)))
        yield socket


def test_the_proxy_passes_and_counts(still: ChainRig, still_proxy: WsProxy) -> None:
    """Requests and answers, heads and logs; all of it is kept."""
    with listening(still_proxy) as socket:
        assert ask(socket, "eth_chainId")["result"] == hex(still.chain_id)
        subscribe(socket, "logs", {"address": still.weth.address})
        assert still_proxy.subscribed == {"newHeads": 1, "logs": 1}
        still.weth.contract.write("deposit", sender=still.lp, value_raw=1)
        heard = [hear(socket) for _ in range(2)]
    assert heard == still_proxy.notifications
    assert {message["params"]["result"].get("address") for message in heard} == {still.weth.address.lower(), None}
    assert [request["method"] for request in still_proxy.requests] == ["eth_subscribe", "eth_chainId", "eth_subscribe"]
    assert (still_proxy.connections, still_proxy.attempts, len(still_proxy.asked("eth_chainId"))) == (1, 1, 1)


def test_the_session_s_socket(chain: ChainRig, ws_proxy: WsProxy) -> None:
    """The fixture stands before the same node."""
    with connect(ws_proxy.url) as socket:
        assert int(ask(socket, "eth_blockNumber")["result"], 16) <= chain.block_number()
    with urlopen(ws_proxy.url.replace("ws", "http")) as page:
        assert page.status == 200 and b"<html>" in page.read()


def test_a_batch_passes(still: ChainRig, still_proxy: WsProxy) -> None:
    """It counts as what it holds."""
    with connect(still_proxy.url) as socket:
        socket.send(
            json.dumps([{"jsonrpc": "2.0", "id": id_, "method": "eth_chainId", "params": []} for id_ in (1, 2)])
        )
        assert [answer["id"] for answer in hear(socket)] == [1, 2]
    assert len(still_proxy.requests) == 2


@pytest.mark.parametrize("answers_pings", [True, False])
def test_silence(still: ChainRig, still_proxy: WsProxy, *, answers_pings: bool) -> None:
    """Nothing comes any more although the socket is open; pings are answered or not; afterwards it goes on."""
    with listening(still_proxy) as socket:
        still_proxy.silent, still_proxy.answers_pings = True, answers_pings
        still.mine()
        with pytest.raises(TimeoutError):
            ask_within(socket, 0.3)
        assert socket.ping().wait(30 if answers_pings else 0.3) is answers_pings
        assert still_proxy.open_connections == 1
        still_proxy.mend()
        still.mine()
        assert hear(socket)["method"] == "eth_subscription"


def ask_within(socket: ClientConnection, timeout_s: float) -> Any:
    """A request whose answer has so long."""
    socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}))
    return hear(socket, timeout_s)


def test_muted_logs(still: ChainRig, still_proxy: WsProxy) -> None:
    """One kind of notification is lost, the others come."""
    with listening(still_proxy) as socket:
        subscribe(socket, "logs", {})
        still_proxy.muted = frozenset({"logs"})
        still.weth.contract.write("deposit", sender=still.lp, value_raw=1)
        assert "parentHash" in hear(socket)["params"]["result"]
        with pytest.raises(TimeoutError):
            hear(socket, 0.2)


@pytest.mark.parametrize("code", [None, 1001, 1013])
def test_dropped_connections(still_proxy: WsProxy, code: int | None) -> None:
    """All clients are cut, or closed with a code; they may come again."""
    with listening(still_proxy) as one, listening(still_proxy) as two:
        assert still_proxy.open_connections == 2
        still_proxy.drop_all(code)
        for socket in (one, two):
            with pytest.raises(ConnectionClosed) as closed:
                hear(socket)
            assert (closed.value.rcvd.code if closed.value.rcvd else None) == code
    with listening(still_proxy):
        assert still_proxy.connections == 3


def test_a_closed_port(still: ChainRig, still_proxy: WsProxy) -> None:
    """New clients are refused while it is closed, the old ones stay, and the same URL works again."""
    with listening(still_proxy) as socket:
        still_proxy.refuse_connections()
        with pytest.raises(ConnectionRefusedError), connect(still_proxy.url):
            pass
        still.mine()
        assert hear(socket)["method"] == "eth_subscription"
        still_proxy.refuse_connections(refuse=False)
        with listening(still_proxy):
            assert still_proxy.open_connections == 2


@pytest.mark.parametrize(
    "answer", [sockets.UNAUTHORIZED, sockets.FORBIDDEN, sockets.TOO_MANY_REQUESTS, sockets.NOT_A_SOCKET]
)
def test_an_upgrade_that_is_none(still_proxy: WsProxy, answer: Answer) -> None:
    """The HTTP answer comes instead of a socket."""
    still_proxy.upgrade = answer
    with pytest.raises(InvalidStatus) as refused, connect(still_proxy.url):
        pass
    assert (refused.value.response.status_code, refused.value.response.body) == (answer.status, answer.body)
    assert (still_proxy.attempts, still_proxy.connections) == (1, 0)


@pytest.mark.parametrize(
    ("refused", "answered"),
    [("logs", {"newHeads"}), ("eth_subscribe", set()), ("newHeads", {"logs"}), ("eth_call", {"newHeads", "logs"})],
)
def test_refused_subscriptions(still_proxy: WsProxy, refused: str, answered: set[str]) -> None:
    """By kind, or all of them, with a JSON-RPC error; the connection goes on."""
    still_proxy.refused = frozenset({refused})
    with connect(still_proxy.url) as socket:
        heads, logs = ask(socket, "eth_subscribe", "newHeads"), ask(socket, "eth_subscribe", "logs", {})
        assert {kind for kind, answer in (("newHeads", heads), ("logs", logs)) if "result" in answer} == answered
        assert ask(socket, "eth_chainId")["result"]
        assert still_proxy.subscribed.keys() == answered


def test_another_chain(still_proxy: WsProxy) -> None:
    """Its id is answered instead of the node's."""
    still_proxy.chain_id = 56
    with connect(still_proxy.url) as socket:
        assert ask(socket, "eth_chainId")["result"] == "0x38"


def test_garbage(still: ChainRig, still_proxy: WsProxy) -> None:
    """Any text, any notification, any head."""
    with listening(still_proxy) as socket:
        for text in (sockets.NOT_JSON, *sockets.WRONG_SHAPES):
            assert still_proxy.say(text) == 1
            assert socket.recv(timeout=30) == text
        assert (still_proxy.notify("newHeads", {"number": "0x1"}), still_proxy.notify("logs", {})) == (1, 0)
        assert hear(socket)["params"]["result"] == {"number": "0x1"}
        for bend in sockets.ABSURD_HEADS.values():
            still_proxy.bend_head = bend
            still.mine()
            heard = hear(socket)["params"]["result"]
            assert heard != still.rpc.call("eth_getBlockByNumber", "latest", False)
        assert heard["timestamp"] == "0x174876e800"


def test_late_and_twice(still: ChainRig, still_proxy: WsProxy) -> None:
    """Each message so late, each notification so often."""
    with listening(still_proxy) as socket:
        still_proxy.delay_s, still_proxy.copies = 3.0, 2
        still.mine()
        with pytest.raises(TimeoutError):
            hear(socket, 0.2)
        assert hear(socket) == hear(socket)
        still_proxy.mend()
        assert ask(socket, "eth_chainId")["id"] == 1


def test_a_node_that_is_gone() -> None:
    """Behind the proxy, it is a bad gateway; a dying one takes its clients with it."""
    with ChainRig(block_time_s=None) as rig, WsProxy(rig.ws_url) as proxy:
        with listening(proxy) as socket:
            rig.stop()
            with pytest.raises(ConnectionClosed):
                hear(socket)
        with pytest.raises(InvalidStatus, match="502"), connect(proxy.url):
            pass


@pytest.fixture(scope="module")
def still_session() -> Iterator[ChainRig]:
    """A node that mines only when it is told to, so that every head is the test's own."""
    with ChainRig(block_time_s=None) as rig:
        yield rig


@pytest.fixture
def still(still_session: ChainRig) -> ChainRig:
    """The node that stands still."""
    return still_session


@pytest.fixture
def still_proxy(still: ChainRig) -> Iterator[WsProxy]:
    """A proxy in front of its WebSocket."""
    with WsProxy(still.ws_url) as proxy:
        yield proxy
