"""One format for every log line, no secret in any, and the last ones for the chat."""

from __future__ import annotations

import errno
import io
import json
import logging
import re
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
from binance.ws import reconnecting_websocket

from bot.logs import KEPT_LINES, KEPT_UNITS, LogRing, LogSettings, OwnersFile, configure_logs
from bot.redaction import REPLACEMENT, Redactor
from bot.rendering.markup import plain, units
from core.errors import ConfigurationError
from tests.bot.conftest import Desk

SECRETS = ("s3cret/key+value", 'it\'s "quoted"\\secret', "two\nlines-of-secret", "123456789:AAF_" + "x" * 32)
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+: \S.*")


class Log:
    """Both ways to write a line, and what came out."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.ring = configure_logs(LogSettings(), Redactor(SECRETS[:-1]), self.stream)
        self.ours = structlog.get_logger("core.ours")
        self.theirs = logging.getLogger("bot.theirs")

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def log(root: logging.Logger) -> Log:
    return Log()


def test_both_kinds_of_logger_write_the_same_line(log: Log) -> None:
    """Time in UTC, level, name, words; then the fields."""
    log.ours.warning("task failed", task="bnb", why="no answer", after_s=4, price=Decimal("1.50"))
    log.theirs.warning("messages wait: %s", "later")
    first, second = log.lines
    assert LINE.fullmatch(first) and LINE.fullmatch(second)
    assert first.endswith(" WARNING core.ours: task failed task='bnb' why='no answer' after_s=4 price=1.50")
    assert second.endswith(" WARNING bot.theirs: messages wait: later")
    assert [line.text for line in log.ring.last(5, at_least=0)] == [first, second]


def test_a_screen_may_be_quieter_than_the_file(root: logging.Logger, tmp_path: Path) -> None:
    """Its level is of what is shown there alone."""
    stream, file = io.StringIO(), tmp_path / "a.log"
    ring = configure_logs(LogSettings(file=file, screen_level="WARNING"), Redactor(()), stream)
    structlog.get_logger("core.ours").info("looked")
    structlog.get_logger("core.ours").warning("failed")
    assert [line.rpartition(" ")[2] for line in stream.getvalue().splitlines()] == ["failed"]
    assert [line.rpartition(" ")[2] for line in file.read_text().splitlines()] == ["looked", "failed"]
    assert len(ring.last(5, at_least=0)) == 2


def test_what_is_under_the_level_is_written_nowhere(log: Log) -> None:
    """Neither out nor into the ring."""
    log.ours.debug("quiet")
    log.theirs.debug("quiet")
    assert not log.lines and not log.ring.last(5, at_least=0)


def test_the_ends_of_connections_are_told_by_ours_alone(log: Log) -> None:
    """The library calls them errors, also the one that Binance makes of every connection each day."""
    logging.getLogger(reconnecting_websocket.__name__).error("ConnectionClosedOK (received 1000 (OK))")
    logging.getLogger("binance.another").error("something else")
    assert [line.rpartition(": ")[2] for line in log.lines] == ["something else"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_comes_out_of_no_corner(log: Log, secret: str) -> None:
    """Words, arguments, fields, objects, bound context, tracebacks, stacks and extras, on both ways."""
    ours = log.ours.bind(bound=secret)
    ours.info(f"in words {secret}")
    ours.info("in a field", key=secret, thing=ValueError(secret), many=[secret])
    log.theirs.info("as an argument %s", secret, stack_info=True)
    log.theirs.info("in a mapping %(key)s", {"key": secret}, extra={"more": secret, "fields": {"key": secret}})
    log.theirs.info("an object %s", ValueError(secret))
    for logger in (ours, log.theirs):
        try:
            raise RuntimeError(f"cannot use {secret}")
        except RuntimeError as error:
            logger.exception("failed")
            logger.error("failed", exc_info=error)
    kept = "\n".join(line.text for line in log.ring.last(100, at_least=0))
    for text in (log.stream.getvalue(), kept):
        assert text.count(REPLACEMENT) >= 8 and "Traceback" in text
        assert secret not in text and repr(secret)[1:-1] not in text


def test_no_way_out_of_the_process_shows_a_secret() -> None:
    """Loggers of libraries, warnings, threads, tasks and callbacks that nobody asks, destructors, a dump of stacks."""
    secrets = ["k" * 64, "v3/key-of-a-node-provider-0123", "123456789:AAF_" + "x" * 32]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bot.talkative"],
        input="\n".join(secrets),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    said = done.stderr
    ways = ("quietly", "from a library", "ours", "a warning of", "in a thread", "lost", "forgotten", "called back")
    assert all(said.count(f"{way} {REPLACEMENT}") >= len(secrets) for way in ways if way not in ("ours", "called back"))
    assert all(said.count(way) >= len(secrets) for way in (*ways, "most recent call first"))
    assert not [secret for secret in secrets if secret in said or secret in done.stdout]


def test_signatures_and_listen_keys_are_hidden_by_their_names(log: Log) -> None:
    """The program makes and gets them by itself, so nobody could register them."""
    log.theirs.warning("GET http://x/fapi/v1/order?symbol=ETHUSDT&signature=%s", "a1" * 32)
    log.theirs.warning("ws://x/ws?listenKey=%s", "Zz9" * 21)
    log.ours.warning("answer", body='{"listenKey": "' + "Zz9" * 21 + '"}')
    said = log.stream.getvalue()
    assert "a1a1" not in said and "Zz9" not in said
    assert f"symbol=ETHUSDT&signature={REPLACEMENT}" in said


def test_words_of_others_cannot_look_like_a_line_of_ours(log: Log) -> None:
    """A name with a line break in it stays on its line."""
    log.theirs.warning("from %s", "Eve\n2026-01-01T00:00:00.000Z INFO core.ours: all well")
    log.ours.warning("from", who="Eve\nINFO")
    assert len(log.lines) == 2


def test_the_ring_is_bounded(log: Log) -> None:
    """The newest stay, and none is endless."""
    for number in range(KEPT_LINES + 5):
        log.ours.info("line", number=number)
    log.ours.info("x" * 10 * KEPT_UNITS)
    kept = log.ring.last(10 * KEPT_LINES, at_least=0)
    assert len(kept) == KEPT_LINES and units(kept[-1].text) <= KEPT_UNITS
    assert kept[0].text.endswith("number=6")


# shapes and files


def test_json_lines_are_whole_objects_without_secrets(root: logging.Logger) -> None:
    """One a line, fields as they are, what was written by others inside its string, and no secret in any escape."""
    stream = io.StringIO()
    ring = configure_logs(LogSettings(shape="json"), Redactor(SECRETS[:-1]), stream)
    ours = structlog.get_logger("core.ours")
    ours.warning("task failed", task="bnb", after_s=4, price=Decimal("1.50"), level="high", who="Eve\nINFO")
    for secret in SECRETS:
        ours.info(f"in words {secret}", key=secret, thing=ValueError(secret), many=[secret])
        try:
            raise RuntimeError(f"cannot use {secret}")
        except RuntimeError:
            logging.getLogger("bot.theirs").exception("failed with %s", secret)
    first, *others = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("at"))
    assert first == {
        "level": "WARNING", "logger": "core.ours", "event": "task failed", "task": "bnb", "after_s": 4,
        "price": "1.50", "level_": "high", "who": "Eve\nINFO",
    }  # fmt: skip
    assert len(others) == 2 * len(SECRETS)
    for said, failed in zip(others[::2], others[1::2], strict=True):
        assert said["event"] == f"in words {REPLACEMENT}" and said["key"] == REPLACEMENT
        assert "RuntimeError: cannot use [secret]" in failed["trace"]
    text = stream.getvalue()
    assert not [secret for secret in SECRETS if secret in text or json.dumps(secret)[1:-1] in text]
    assert LINE.fullmatch(ring.last(99, at_least=0)[0].text)


def test_a_file_is_rotated_and_its_owners_alone(root: logging.Logger, tmp_path: Path) -> None:
    """Size and number are bounded, nothing is coloured, and stderr says the same."""
    path, stream = tmp_path / "made" / "lp_hedge.log", io.StringIO()
    configure_logs(LogSettings(file=path, file_mb=1, files=2), Redactor(SECRETS[:1]), stream)
    for number in range(40):
        structlog.get_logger("core.ours").info("x" * 100_000, number=number, key=SECRETS[0])
    files = sorted(path.parent.iterdir())
    assert [each.name for each in files] == ["lp_hedge.log", "lp_hedge.log.1", "lp_hedge.log.2"]
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o600 and each.stat().st_size <= 1_000_000 for each in files)
    newest = path.read_text()
    assert "number=39" in newest and SECRETS[0] not in newest and "\x1b" not in newest
    assert stream.getvalue().endswith(newest)


class FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_is_a_sentence_at_the_start_and_no_trace_later(
    root: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped place is told at once; a disk that fills up later costs the file's lines only."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="log file .* cannot be opened"):
        configure_logs(LogSettings(file=tmp_path / "file" / "lp_hedge.log"), Redactor())
    stream = io.StringIO()
    configure_logs(LogSettings(file=tmp_path / "lp_hedge.log"), Redactor(), stream)
    (file,) = [handler for handler in root.handlers if isinstance(handler, OwnersFile)]
    monkeypatch.setattr(file, "stream", FullDisk())
    structlog.get_logger("core.ours").info("still told")
    assert "still told" in stream.getvalue() and capsys.readouterr().err == ""


# /logs


def fill(ring: LogRing, *, count: int, level: int = logging.INFO, words: str = "something happened") -> None:
    for number in range(count):
        ring.handle(logging.makeLogRecord({"msg": f"{words} {number}", "levelno": level, "levelname": "INFO"}))


async def test_logs_shows_the_last_lines(desk: Desk) -> None:
    """Twenty, or as many as asked for, the newest at the bottom."""
    assert "none since the start" in (await desk.say("/logs")).text
    fill(desk.logs, count=30)
    twenty = plain((await desk.say("/logs")).text).splitlines()
    assert len(twenty) == 21 and twenty[-1] == "something happened 29"
    assert len(plain((await desk.say("/logs 3")).text).splitlines()) == 4


async def test_logs_of_a_level(desk: Desk) -> None:
    """That level and what is graver, with the number in either place."""
    fill(desk.logs, count=3)
    fill(desk.logs, count=2, level=logging.ERROR, words="<b>broken</b>")
    for text in ("/logs error", "/logs 5 error", "/logs ERROR 5"):
        reply = await desk.say(text)
        assert plain(reply.text).count("<b>broken</b>") == 2 and "something" not in reply.text


async def test_many_log_lines_come_as_a_file(desk: Desk) -> None:
    """What no message holds; 200 at most."""
    fill(desk.logs, count=300)
    reply = await desk.say("/logs 100000")
    assert reply.attachment is not None and reply.attachment.name.endswith(".txt") and not reply.attachment.photo
    assert reply.attachment.content.decode().splitlines()[0] == "something happened 100"
    assert "200 lines" in plain(reply.text)


async def test_a_traceback_is_one_line_in_the_chat(desk: Desk) -> None:
    """Its beginning, and the error at its end."""
    fill(desk.logs, count=1, words="failed\nTraceback (most recent call last):\n  File x\nKeyError: 'q'")
    assert plain((await desk.say("/logs")).text).splitlines()[1] == "failed … KeyError: 'q' 0"


@pytest.mark.parametrize("text", ["/logs many", "/logs -3", "/logs 5 5 loud", "/logs <b>"])
async def test_what_logs_does_not_understand_is_named(desk: Desk, text: str) -> None:
    """With what it takes."""
    assert "takes a number and one of error" in (await desk.say(text)).text
