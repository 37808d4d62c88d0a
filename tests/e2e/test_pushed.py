"""A node that pushes its blocks: hedged without waiting for the poll, and by polling when it does not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage
from tests.rigs.chain.rig import ChainRig
from tests.rigs.chain.ws_proxy import UNAUTHORIZED, WsProxy
from tests.rigs.secrets import NODE_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
# A fraction of the poll's quarter of an hour.
SOON_S = 30.0


@pytest.fixture
def ws_proxy(chain: ChainRig) -> Iterator[WsProxy]:
    with WsProxy(chain.ws_url) as proxy:
        yield proxy


@pytest.fixture
def pushed(stage: Stage, ws_proxy: WsProxy) -> Stage:
    """With a poll of a quarter of an hour, whatever happens soon happened because it was pushed."""
    settings = BY_ITSELF | {"poll_seconds": "900", "max_chain_age_seconds": "3600", "max_basis_bps": "0"}
    stage.configure(settings, {"LOCAL_WS_URL": f"{ws_proxy.url}/{NODE_KEY}"})
    return stage


def three_unread_blocks(stage: Stage, ws_proxy: WsProxy) -> bool:
    """Whether the next three that are pushed cost no request; not so while what was traded is looked at."""
    stage.proxy.forget()
    heads = len(ws_proxy.notifications)
    stage.telegram.wait_for(lambda: len(ws_proxy.notifications) >= heads + 3, timeout_s=PATIENCE_S)
    return stage.proxy.requests == []


def test_a_swap_is_hedged_at_once_and_a_quiet_chain_costs_nothing(pushed: Stage, ws_proxy: WsProxy) -> None:
    """The swap's own block wakes the hedge; blocks without one are not even read."""
    with Service(pushed) as service:
        pushed.telegram.wait_for(lambda: pushed.short() > 4, timeout_s=PATIENCE_S)
        pushed.telegram.wait_for(lambda: ws_proxy.subscribed["logs"] == 1, timeout_s=PATIENCE_S)
        pushed.telegram.wait_for(lambda: three_unread_blocks(pushed, ws_proxy), timeout_s=PATIENCE_S)
        for price in (2040, 2000):
            sent = pushed.orders_sent()
            pushed.chain.swap_to_price(pushed.pool, price)
            pushed.telegram.wait_for(lambda sent=sent: pushed.orders_sent() > sent, timeout_s=SOON_S)  # type: ignore[misc]
            time.sleep(2.5)
        health = pushed.telegram.say(OPERATOR, "/health")
        pushed.telegram.wait_message(OPERATOR, "tells its news", timeout_s=PATIENCE_S)
        assert health is not None
        assert service.stop() == 0, service.output()


def test_without_pushed_events_every_block_is_read(pushed: Stage, ws_proxy: WsProxy) -> None:
    """Some nodes push heads only."""
    ws_proxy.refused = frozenset({"logs"})
    with Service(pushed) as service:
        pushed.telegram.wait_for(lambda: pushed.short() > 4, timeout_s=PATIENCE_S)
        pushed.telegram.wait_for(lambda: ws_proxy.subscribed["newHeads"] == 1, timeout_s=PATIENCE_S)
        time.sleep(2.5)
        sent = pushed.orders_sent()
        pushed.chain.swap_to_price(pushed.pool, 2040)
        pushed.telegram.wait_for(lambda: pushed.orders_sent() > sent, timeout_s=SOON_S)
        assert service.stop() == 0, service.output()


def test_when_the_push_fails_polling_goes_on(stage: Stage, ws_proxy: WsProxy) -> None:
    """Dropped, it is connected again; shut out for good, the hedge goes on by its polls."""
    stage.configure(BY_ITSELF, {"LOCAL_WS_URL": f"{ws_proxy.url}/{NODE_KEY}"})
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: ws_proxy.subscribed["newHeads"] == 1, timeout_s=PATIENCE_S)
        ws_proxy.drop_all()
        stage.telegram.wait_for(lambda: ws_proxy.connections >= 2, timeout_s=PATIENCE_S)
        ws_proxy.refuse_connections()
        ws_proxy.drop_all()
        stage.telegram.wait_for(lambda: service.output().count("the push connection") >= 2, timeout_s=PATIENCE_S)
        sent = stage.orders_sent()
        stage.set_price(2040)
        stage.telegram.wait_for(lambda: stage.orders_sent() > sent, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


def test_check_looks_at_the_push(stage: Stage, ws_proxy: WsProxy) -> None:
    """A block that was pushed, a door that is shut, another chain: one line each, and the key in none."""
    stage.configure({}, {"LOCAL_WS_URL": f"{ws_proxy.url}/{NODE_KEY}"})
    good = stage.call("check")
    assert "local: push" in good.stdout and "pushed block" in good.stdout
    ws_proxy.upgrade = UNAUTHORIZED
    shut = stage.call("check")
    assert "refused the push connection (HTTP 401): check the address" in shut.stdout
    assert shut.returncode == good.returncode
    ws_proxy.mend()
    ws_proxy.chain_id = 1
    other = stage.call("check")
    assert other.returncode == 3 and "correct LOCAL_WS_URL" in other.stdout
    assert not any(NODE_KEY in said.stdout + said.stderr for said in (good, shut, other))
