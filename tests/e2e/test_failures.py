"""What an operator sees of a machine that fails: no room on the disk, no name resolution, a second start, a signal at
an awkward moment."""

from __future__ import annotations

import resource
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage
from tests.rigs.environment import ROOT
from tests.rigs.secrets import NODE_KEY

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 120.0
# As a resolver that nobody answers: it takes its time, in a thread that nobody can end.
NO_RESOLVER = """
import os, socket, time
_resolve = socket.getaddrinfo

def getaddrinfo(host, *arguments, **options):
    while host == "localhost" and os.path.exists({flag!r}):
        time.sleep(0.1)
    return _resolve(host, *arguments, **options)

socket.getaddrinfo = getaddrinfo
"""


def limit_files(service: Service, size: int) -> None:
    """No file of that process grows beyond it, whatever it is: what a full disk does to a log of writes."""
    hard = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, hard))


def waiting(stage: Stage) -> int:
    """Messages that were not delivered, or not noted as such."""
    with sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True) as reader:
        (count,) = reader.execute("SELECT count(*) FROM outbox WHERE finished_at IS NULL").fetchone()
    reader.close()
    return int(count)


def fill_the_disk(stage: Stage, service: Service) -> int:
    """Once it has hedged and all is told. How many orders it had sent by then."""
    stage.telegram.wait_for(lambda: "reason='within_band'" in service.output(), timeout_s=PATIENCE_S)
    stage.telegram.wait_message(OPERATOR, "\nUpdated ", timeout_s=PATIENCE_S)
    stage.telegram.wait_for(lambda: not waiting(stage), timeout_s=PATIENCE_S)
    sent = stage.orders_sent()
    limit_files(service, 4096)
    return sent


def test_a_disk_without_room_stops_the_trading_and_nothing_else(stage: Stage) -> None:
    """The pinned message says so, nothing is traded that could not be written down; with room again it goes on."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        sent = fill_the_disk(stage, service)
        stage.set_price(1900)
        stage.telegram.wait_message(OPERATOR, "SUSPENDED", timeout_s=PATIENCE_S)
        assert service.is_running() and stage.orders_sent() == sent
        limit_files(service, resource.RLIM_INFINITY)
        stage.until_short(stage.base_of(stage.position_id), within=stage.short() / 1000, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    assert stage.orders_sent() == sent + 1
    assert stage.call("db", "check").returncode == 0


def test_a_halt_from_the_phone_needs_no_room_on_the_disk(stage: Stage) -> None:
    """It counts at once and is written down later; what cannot be carried out says so in a sentence."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        sent = fill_the_disk(stage, service)
        stage.telegram.say(OPERATOR, "/pause")
        stage.telegram.wait_message(OPERATOR, "Nothing was done: the database", timeout_s=PATIENCE_S)
        stage.telegram.say(OPERATOR, "/halt")
        stage.telegram.wait_message(OPERATOR, "Halted: eth. Not written down yet", timeout_s=PATIENCE_S)
        stage.set_price(1900)
        limit_files(service, resource.RLIM_INFINITY)
        stage.telegram.wait_message(OPERATOR, "eth: HALTED by", timeout_s=PATIENCE_S)
        assert stage.orders_sent() == sent
        assert service.stop() == 0, service.output()


def test_without_names_it_waits_for_them(stage: Stage) -> None:
    """A node that cannot be found is a reason like any other, and the names' return needs nobody."""
    flag = stage.folder / "no-dns"
    (stage.folder / "sitecustomize.py").write_text(NO_RESOLVER.format(flag=str(flag)))
    url = stage.proxy.url.replace("127.0.0.1", "localhost")
    stage.configure(BY_ITSELF, {"LOCAL_RPC_URL": f"{url}/{NODE_KEY}", "PYTHONPATH": f"{stage.folder}:{ROOT}"})
    flag.touch()
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: "reason='stale_chain'" in service.output(), timeout_s=PATIENCE_S)
        assert stage.orders_sent() == 0
        flag.unlink()
        stage.telegram.wait_for(lambda: "reason='within_band'" in service.output(), timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


def test_a_second_instance_is_refused_and_the_first_goes_on(stage: Stage) -> None:
    """One sentence with the pid of the other, code 2."""
    stage.mode = "paper"
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        service.wait_until_up()
        second = stage.call("run")
        assert second.returncode == 2 and f"(pid {service.process.pid}) already runs" in second.stderr
        assert service.is_running() and service.stop() == 0, service.output()


@pytest.mark.parametrize("after_s", [0.3, 1.0])
def test_a_signal_amid_the_start_is_obeyed(stage: Stage, after_s: float) -> None:
    """From the moment the program has begun to read its command on: code 0, and the lock is free."""
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: _heeds(service.process), timeout_s=PATIENCE_S)
        time.sleep(after_s)
        assert service.stop() == 0, service.output()


def _heeds(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has a handler of its own for SIGTERM, as the kernel says."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:")).split()[1]
    return bool(int(caught, 16) & 1 << (signal.SIGTERM - 1))
