"""What the exchange's key may do and who can read it, and that nobody reaches the service from the network."""

from __future__ import annotations

import os

import psutil

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage
from tests.rigs.secrets import secrets_in

PATIENCE_S = 60.0
RISK = "the key of the exchange is at risk"


def listening(pid: int) -> list[str]:
    """Where the process and its children can be reached from the network, TCP and UDP."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    sockets = [each for process in family for each in process.net_connections(kind="inet")]
    open_to_all = [each for each in sockets if each.status == psutil.CONN_LISTEN or not each.raddr]
    return [f"{each.type.name} {each.laddr}" for each in open_to_all]


def refused(stage: Stage, code: int, *arguments: str) -> str:
    done = stage.call("run", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_key_or_a_file_at_risk_is_refused_while_nothing_is_held(stage: Stage) -> None:
    """Each with what to do, before anything is traded."""
    stage.configure(BY_ITSELF)
    stage.venue.exchange.permissions = {"enableWithdrawals": True}
    assert "it may withdraw: take that right away at Binance, or say --allow-withdrawal-key" in refused(stage, 3)
    stage.venue.exchange.permissions = {"enableFutures": False}
    assert "it may not trade futures" in refused(stage, 3, "--allow-withdrawal-key")
    env = stage.folder / ".env"
    env.write_text(f"BINANCE_API_SECRET={stage.venue.credentials.secret}\n")
    env.chmod(0o640)
    assert "run `chmod 600 .env`" in refused(stage, 2)
    checked = stage.call("check")
    assert checked.returncode == 3
    assert "FIX   configuration" in checked.stdout
    assert stage.orders_sent() == 0


def test_the_service_shows_itself_to_nobody_else(stage: Stage) -> None:
    """No port, no secret in a title. With a key that may withdraw when that is allowed, and works from any address,
    which is only said."""
    stage.configure(BY_ITSELF)
    stage.venue.exchange.permissions = {"enableWithdrawals": True, "ipRestrict": False}
    with Service(stage, arguments=("--allow-withdrawal-key",)) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        assert listening(service.process.pid) == []
        assert listening(os.getpid()), "the rigs in this process do listen"
        shown = psutil.Process(service.process.pid).cmdline()
        assert "run" in shown and secrets_in(" ".join(shown)) == []
        assert service.stop() == 0, service.output()
    assert "it works from any address" in service.output()
    assert stage.telegram.messages(OPERATOR, RISK) == []


def test_rights_that_cannot_be_read_are_said_and_stop_nothing(stage: Stage) -> None:
    """The spot host alone tells them, and hedging does not need it."""
    stage.configure(BY_ITSELF, {"BINANCE_SPOT_URL": "http://127.0.0.1:9"})
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    assert "its rights could not be read" in service.output()


def test_a_key_at_risk_while_a_short_is_held_is_told_on_the_phone(stage: Stage) -> None:
    """A short is not left alone over it: the service starts, hedges on, and says it aloud."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        stage.telegram.wait_message(OPERATOR, "SELL", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    held = stage.short()
    stage.venue.exchange.permissions = {"enableWithdrawals": True}
    env = stage.folder / ".env"
    env.write_text("LP_HEDGE_LOG_LEVEL=INFO\n")
    env.chmod(0o604)
    stage.set_price(1900)
    with Service(stage, "again") as service:
        stage.telegram.wait_for(lambda: len(stage.telegram.messages(OPERATOR, RISK)) == 2, timeout_s=PATIENCE_S)
        stage.telegram.wait_for(lambda: stage.short() > held, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    about = "\n".join(message.text for message in stage.telegram.messages(OPERATOR, RISK))
    assert "it may withdraw" in about and "chmod 600" in about
