"""Backup and restore as an operator does them: beside the running program, then stop, put back, start, and adopt."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    earlier = os.umask(0o022)
    yield
    os.umask(earlier)


def wait(stage: Stage, probe: Callable[[], object]) -> None:
    stage.telegram.wait_for(probe, timeout_s=PATIENCE_S)


def modes(folder: Path) -> dict[str, int]:
    """Of the database and all that lies beside it because of it."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.glob("*.db*")}


def test_backup_beside_the_service_and_back_to_it(stage: Stage) -> None:
    """The copy is made while it hedges. Put back later, it does not know the last trade: the program trades nothing
    and asks; adopted, it hedges on. While the service runs nothing is put back, and no file is anybody else's."""
    stage.configure(BY_ITSELF)
    copy = str(stage.folder / "copy.db")
    with Service(stage) as service:
        wait(stage, lambda: "reason='within_band'" in service.output())
        done = stage.call("db", "backup", copy)
        assert (done.returncode, done.stderr) == (0, "") and "complete copy" in done.stdout
        held = stage.short()
        stage.set_price(1900)
        wait(stage, lambda: stage.short() > held + 1)
        assert {"lp_hedge.db-wal", "lp_hedge.db-shm", "copy.db"} <= modes(stage.folder).keys()
        assert set(modes(stage.folder).values()) == {0o600}
        refused = stage.call("db", "restore", copy)
        assert (refused.returncode, "already runs" in refused.stderr) == (2, True)
        assert stage.call("db", "check").returncode == 0
        service.kill()
    held, sent = stage.short(), stage.orders_sent()
    done = stage.call("db", "restore", copy)
    assert done.returncode == 0 and ".before-" in done.stdout, done
    assert set(modes(stage.folder).values()) == {0o600}
    with Service(stage, "again") as service:
        wait(stage, lambda: "reason='position_mismatch'" in service.output())
        assert stage.telegram.wait_message(OPERATOR, "/adopt", timeout_s=PATIENCE_S)
        assert (stage.short(), stage.orders_sent()) == (held, sent)
        adopted = stage.call("adopt", "eth", "--yes")
        assert adopted.returncode == 0, adopted
        stage.set_price(2000)
        wait(stage, lambda: stage.short() < held - 1)
        assert service.stop() == 0, service.output()
    assert stage.call("db", "check").returncode == 0
