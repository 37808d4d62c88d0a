"""How long what is kept and how large it grows: as docs/storage.md and docs/deployment.md say."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.console import written
from bot.replies import Attachment
from bot.tidying import EVERY_READING_FOR, KEPT_FOR, Tidying
from core.clock import ManualClock
from storage.store import Store
from tests.storage.lived import SCOPE, Life

DOCS = Path(__file__).parents[2] / "docs"
WEEK, YEAR = 7, 365
HEDGES = 5


def days_of(what: str) -> timedelta:
    (days,) = re.findall(rf"^\| {what}[^|]* \| (\d+) days", (DOCS / "storage.md").read_text(), re.MULTILINE)
    return timedelta(days=int(days))


def test_the_days_are_those_of_the_page() -> None:
    """What is gone is gone for good: neither changes without the other."""
    assert days_of("readings") == EVERY_READING_FOR
    assert days_of("changes of a hedge") == days_of("delivered messages") == KEPT_FOR


async def test_a_year_stays_below_what_the_page_allows(tmp_path: Path) -> None:
    """Of one hedge four weeks are lived and tidied week by week; what the last one added goes on to the year's end, as
    if nothing but readings were ever forgotten; five hedges are five times that.
    """
    life, sizes = Life(tmp_path / "lived.db", hedges=1), {0: 0}
    await life.begin()
    while life.days < 4 * WEEK:
        life.go_on(WEEK)
        clock = ManualClock(life.now, sleep_advances=True)
        async with await Store.open(life.path, scope=SCOPE, clock=clock) as store:
            await Tidying(store.database, clock).turn()
        sizes[life.days] = size_of(life.path)
    a_day = (sizes[4 * WEEK] - sizes[3 * WEEK]) / WEEK
    year_mb = HEDGES * (sizes[4 * WEEK] + a_day * (YEAR - 4 * WEEK)) / 1_000_000
    page = (DOCS / "deployment.md").read_text()
    (most_mb,) = re.findall(r"up to (\d+) MB for the database after a year of five hedges", page)
    assert 100 < year_mb < int(most_mb) == 500


def size_of(path: Path) -> int:
    return path.stat().st_size


def test_an_export_at_the_terminal_is_its_owner_s_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is held."""
    monkeypatch.chdir(tmp_path)
    assert written(Attachment("fills.csv", b"holdings")) == f"Written to {tmp_path / 'fills.csv'}"
    assert (tmp_path / "fills.csv").stat().st_mode & 0o777 == 0o600
