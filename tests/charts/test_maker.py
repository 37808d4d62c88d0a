"""The process that draws: what it is given, what comes back, and that nothing of it stays."""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from bot.charts.hedge_picture import hedge_picture
from bot.charts.maker import ChartMaker, cache_folder
from bot.charts.picture import Picture, from_json, to_json
from core.errors import Transient
from tests.charts.samples import a_history

ROOT = Path(__file__).parents[2]
SLOW = ("-c", "import time; time.sleep(60)")
# Answers with what it was started with instead of a picture.
TELLS = ("-c", "import json, os, sys; sys.stdin.read(); print(json.dumps([dict(os.environ), os.getcwd()]))")


@pytest.fixture
def picture() -> Picture:
    return hedge_picture(a_history(120), UTC)


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """With a module in it that must not be taken for the library."""
    (tmp_path / "matplotlib.py").write_text("raise SystemExit('not this one')")
    tmp_path.chmod(0o500)
    return tmp_path


def ready(picture: Picture | None) -> Callable[[], Awaitable[Picture | None]]:
    """Composed already."""

    async def compose() -> Picture | None:
        return picture

    return compose


def size_px(png: bytes | None) -> tuple[int, ...]:
    assert png is not None
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


async def test_a_picture_comes_back_readable_on_a_phone_and_small(picture: Picture) -> None:
    """A PNG of a phone's shape, quick to load."""
    png = await ChartMaker().png(ready(picture))
    assert size_px(png) == (1080, 1350)
    assert png is not None
    assert len(png) < 200_000


def test_a_picture_survives_the_way_to_the_process(picture: Picture) -> None:
    """Gaps, marks and every number arrive as they left."""
    assert from_json(to_json(picture)) == picture


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"null", b'{"title": 1}', b'{"ticks": 3, "panels": []}'])
def test_garbage_is_no_picture(garbage: bytes) -> None:
    """Every error is one that the process expects."""
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_json(garbage)


def test_garbage_is_refused_in_one_sentence() -> None:
    """No traceback, no picture, exit code 1."""
    child = [sys.executable, "-m", "bot.charts"]
    done = subprocess.run(child, check=False, input=b'{"title": 1}', capture_output=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"This picture cannot be drawn: ")
    assert done.stderr.count(b"\n") == 1


async def test_no_secret_reaches_the_process(picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the environment only what finds programs and folders; and it works in a folder of its own."""
    monkeypatch.setenv("BINANCE_API_SECRET", "s3cret")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "s3cret")
    environment, folder = json.loads(await ChartMaker(child=TELLS).png(ready(picture)) or b"")
    assert "s3cret" not in json.dumps(environment)
    assert set(environment) <= {
        "PATH", "HOME", "LANG", "LC_CTYPE", "MPLCONFIGDIR", "PYTHONPATH", "OPENBLAS_NUM_THREADS", "PWD",
    }  # fmt: skip
    assert Path(folder) == cache_folder()


async def test_it_draws_where_nothing_can_be_written(
    picture: Picture, unwritable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the working directory nor a module in it matters."""
    monkeypatch.chdir(unwritable)
    assert size_px(await ChartMaker().png(ready(picture))) == (1080, 1350)


async def test_one_that_takes_too_long_is_ended(picture: Picture) -> None:
    """The operator hears a sentence; the next one is drawn."""
    maker = ChartMaker(longest_s=0.05, child=SLOW)
    with pytest.raises(Transient, match="not drawn within"):
        await maker.png(ready(picture))
    assert not _children()


async def test_cancelling_leaves_no_process_behind(picture: Picture) -> None:
    """As when the program ends while a picture is drawn."""
    task = asyncio.create_task(ChartMaker(child=SLOW).png(ready(picture)))
    while not _children():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _children()


async def test_few_may_wait(picture: Picture) -> None:
    """One is drawn, three wait, the fifth is told to come again; afterwards there is room."""
    maker = ChartMaker(child=TELLS)
    answers = await asyncio.gather(*(maker.png(ready(picture)) for _ in range(5)), return_exceptions=True)
    assert [isinstance(answer, Transient) for answer in answers] == [False] * 4 + [True]
    assert await maker.png(ready(picture))


@pytest.mark.parametrize("child", [("-c", "raise SystemExit(3)"), ("-c", "pass"), ("-m", "no_such_module")])
async def test_a_failure_is_a_plain_sentence(
    picture: Picture, child: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is for the log."""
    with pytest.raises(Transient, match=r"^The picture could not be drawn"):
        await ChartMaker(child=child).png(ready(picture))
    assert "was not drawn" in caplog.text


async def test_nothing_to_draw_is_no_failure() -> None:
    """The process that got ready meanwhile is gone."""
    assert await ChartMaker().png(ready(None)) is None
    assert not _children()


async def test_an_error_while_composing_leaves_no_process_behind() -> None:
    """Such as a database that cannot be read."""

    async def compose() -> Picture:
        raise Transient("locked")

    with pytest.raises(Transient, match="locked"):
        await ChartMaker(child=SLOW).png(compose)
    assert not _children()


async def test_names_are_no_formulas(picture: Picture) -> None:
    """A dollar sign, a tag or a brace in a name is a character like others."""
    assert await ChartMaker().png(ready(replace(picture, title="$x^{", subtitle="<b>\\frac", footer="$$")))


def test_the_service_never_loads_the_drawing_library() -> None:
    """Its memory stays small: whatever the program imports to run, matplotlib and numpy are not among it."""
    code = (
        "import sys, bot.assembly, bot.front, bot.cli, bot.compose, bot.telegram.frontend, bot.demo.run\n"
        "print([name for name in ('matplotlib', 'numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_a_cache_folder_of_someone_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What everybody may write to could hold anything."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = cache_folder()
    assert mine.stat().st_mode & 0o777 == 0o700
    mine.chmod(0o777)
    other = cache_folder()
    assert other != mine
    assert other.stat().st_mode & 0o777 == 0o700


def _children() -> list[int]:
    """Those that draw; another test's chain or search workers may run for the whole session."""
    own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return [pid for pid in map(int, own.read_text().split()) if not _is_of_another_test(pid)]


def _is_of_another_test(pid: int) -> bool:
    title = Path(f"/proc/{pid}/cmdline")
    return title.exists() and any(name in title.read_bytes() for name in (b"anvil", b"joblib", b"multiprocessing"))
