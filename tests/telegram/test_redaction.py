"""Secrets stay out of what is written, whichever way they try to get in."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from bot.redaction import REPLACEMENT, Redactor, guard_logging
from tests.rigs.telegram import TOKEN

KEY = "s3cret/key+value"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a handler behind the filter writes, for a logger that hands everything to it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redactor([KEY]))
    logger = logging.getLogger("redaction-test")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"https://api.telegram.org/bot{TOKEN}/getMe",
        f"The token `{TOKEN}` was rejected",
        TOKEN.replace(":", "%3A"),
        f"key={KEY}&x",
        "key=s3cret%2Fkey%2Bvalue&x",
    ],
)
def test_tokens_by_their_shape_and_registered_secrets_in_any_form(text: str) -> None:
    """Plain and percent-encoded."""
    clean = Redactor([KEY]).redact(text)
    assert REPLACEMENT in clean
    assert "loopback-rig-token" not in clean
    assert "s3cret" not in clean


def test_ordinary_text_is_left_alone() -> None:
    """Prices, times, ids and short values are no secrets."""
    text = "2026-05-01T03:10:00 gap 12345:67 0xabc tx 0x" + "f" * 64
    assert Redactor(["abc", ""]).redact(text) == text


def test_the_filter_reaches_arguments_tracebacks_and_stacks(written: io.StringIO) -> None:
    """Wherever the logging module would print it."""
    logger = logging.getLogger("redaction-test")
    logger.info("token %s", TOKEN)
    logger.info("mapping %(token)s", {"token": TOKEN})
    logger.info("stack", stack_info=True)
    try:
        raise ValueError(f"cannot use {KEY}")
    except ValueError:
        logger.exception("failed")
    assert "Traceback" in written.getvalue()
    assert "Stack (most recent call last)" in written.getvalue()
    assert written.getvalue().count(REPLACEMENT) >= 3
    assert "loopback-rig-token" not in written.getvalue()
    assert KEY not in written.getvalue()


def test_a_log_call_with_wrong_arguments_is_still_written(written: io.StringIO) -> None:
    """The filter must not turn a sloppy log line into an exception."""
    sloppy = "%d %d"
    logging.getLogger("redaction-test").warning(sloppy, KEY)
    assert "%d %d" in written.getvalue()
    assert KEY not in written.getvalue()


def test_fields_keep_their_numbers() -> None:
    """Texts are rewritten, and objects only when they would show a secret."""
    fields = {"with": f"a {KEY}", "price": 1.5, "error": ValueError(TOKEN), "n": 3}
    record = logging.makeLogRecord({"msg": "event", "fields": fields})
    assert Redactor([KEY]).filter(record)
    assert record.__dict__["fields"] == {"with": f"a {REPLACEMENT}", "price": 1.5, "error": REPLACEMENT, "n": 3}


def test_guarding_covers_the_root_handlers_once_and_silences_url_logging() -> None:
    """Twice is once; the libraries that log each URL are heard from warnings on."""
    redactor, handler, root = Redactor(), logging.NullHandler(), logging.getLogger()
    root.addHandler(handler)
    try:
        guard_logging(redactor)
        guard_logging(redactor)
        assert handler.filters == [redactor]
        assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    finally:
        for each in root.handlers:
            each.removeFilter(redactor)
        root.removeHandler(handler)
