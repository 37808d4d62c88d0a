"""A database of an earlier version, lived in, under the real commands: the start brings it up and hedges on it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from storage.schema import newest_version
from tests.e2e.stage import BY_ITSELF, Service, Stage
from tests.storage.lived import Life

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
WAITS = "is of an older version: start `lp-hedge run` once to bring it up"


def lived(path: Path, version: int) -> Path:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()

    async def live() -> None:
        life = Life(path, hedges=1, per_minute=False)
        await life.begin(version)
        life.go_on(2)

    asyncio.run(live())
    return path


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def hedges_on(stage: Stage, name: str) -> None:
    """Trades on paper, and ends well; of the newest schema from then on."""
    with Service(stage, name) as service:
        stage.telegram.wait_for(lambda: "reason='within_band'" in service.output(), timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    assert version_of(stage.database) == newest_version()


def test_every_earlier_database_is_brought_up_by_a_start(stage: Stage) -> None:
    """As it lies there, and as `db restore` puts it there."""
    stage.mode = "paper"
    stage.configure(BY_ITSELF)
    for version in range(1, newest_version()):
        lived(stage.database, version)
        hedges_on(stage, f"of {version}")
    older = lived(stage.folder / "older.db", 1)
    assert stage.call("db", "restore", str(older)).returncode == 0
    assert version_of(stage.database) == 1
    hedges_on(stage, "restored")


def test_what_reads_says_that_it_waits(stage: Stage) -> None:
    """Or goes without: a copy and the health need no newer schema. None of them changes it."""
    stage.mode = "paper"
    stage.write_configuration()
    lived(stage.database, 5)
    for command in (("status",), ("check",), ("report",), ("db", "check")):
        done = stage.call(*command)
        assert (done.returncode, WAITS in done.stderr, done.stdout) == (2, True, ""), done
    assert "no lp-hedge runs" in stage.call("health").stdout
    copy = stage.folder / "copy.db"
    assert stage.call("db", "backup", str(copy)).returncode == 0
    assert (version_of(stage.database), version_of(copy)) == (5, 5)
