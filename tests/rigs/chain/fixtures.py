"""Pytest fixtures: one node for the whole session, its state restored after each test."""

from collections.abc import Iterator

import pytest

from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig
from tests.rigs.chain.ws_proxy import WsProxy


@pytest.fixture(scope="session")
def chain_session() -> Iterator[ChainRig]:
    """The node of the session, with contracts but without pools."""
    with ChainRig() as rig:
        yield rig


@pytest.fixture(scope="session")
def pancake_session() -> Iterator[ChainRig]:
    """A second node, with PancakeSwap's pools."""
    with ChainRig(amm_type="pancakeswap_v3") as rig:
        yield rig


@pytest.fixture(scope="session")
def bare_session() -> Iterator[ChainRig]:
    """A node whose chain has no Multicall3."""
    with ChainRig(multicall=False) as rig:
        yield rig


@pytest.fixture
def bare_chain(bare_session: ChainRig) -> Iterator[ChainRig]:
    """The node without Multicall3; what the test does to the chain is undone afterwards."""
    before = bare_session.snapshot()
    bare_session.sync_clock()
    yield bare_session
    bare_session.revert(before)


@pytest.fixture
def pancake_chain(pancake_session: ChainRig) -> Iterator[ChainRig]:
    """The node with PancakeSwap's pools; what the test does to it is undone afterwards."""
    before = pancake_session.snapshot()
    pancake_session.sync_clock()
    yield pancake_session
    pancake_session.revert(before)


@pytest.fixture
def chain(chain_session: ChainRig) -> Iterator[ChainRig]:
    """The session's node; what the test does to the chain is undone afterwards."""
    before = chain_session.snapshot()
    chain_session.sync_clock()
    yield chain_session
    chain_session.revert(before)


@pytest.fixture
def chain_proxy(chain: ChainRig) -> Iterator[RpcProxy]:
    """A counting proxy in front of the session's node."""
    with RpcProxy(chain.rpc_url) as proxy:
        yield proxy


@pytest.fixture
def ws_proxy(chain: ChainRig) -> Iterator[WsProxy]:
    """A proxy in front of the session's node's WebSocket."""
    with WsProxy(chain.ws_url) as proxy:
        yield proxy
