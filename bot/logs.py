"""Where log lines go, what they look like, and that no secret goes with them.

structlog's events and the standard library's records take one way: a record, the redactor, one format; out to the
stream and the file, and into the ring of the last ones that `/logs` shows. No colours: a line is the same everywhere.
In the service so do warnings, and the errors that end a thread or that nobody could be told of, which Python itself
would print as they are.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from decimal import Decimal
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal, TextIO

import structlog

from bot.owners_file import open_to_append
from bot.redaction import Redactor, guard_logging
from bot.rendering.markup import clip
from core.errors import ConfigurationError

KEPT_LINES = 500
KEPT_UNITS = 2000
FIELDS = "fields"
MEGABYTE = 1_000_000
# Tells each end of a connection as an error, a clean one too. What ends a stream is told by ours, once.
TOLD_BY_OURS = "binance.ws.reconnecting_websocket"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`level`: a name of the logging module. `file` None: stderr alone; of it `files` older ones of `file_mb` stay.

    `screen_level`: of what goes to stderr, where that is a console that somebody types at; None: as `level`.
    """

    level: str = "INFO"
    screen_level: str | None = None
    shape: Literal["text", "json"] = "text"
    file: Path | None = None
    file_mb: int = 10
    files: int = 5


_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogLine:
    """`level`: the logging module's number. `text` may hold a traceback, of several lines."""

    level: int
    text: str


class LogRing(logging.Handler):
    """The last lines, redacted and clipped, in bounded memory."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: deque[LogLine] = deque(maxlen=KEPT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._kept.append(LogLine(record.levelno, clip(self.format(record), KEPT_UNITS)))
        except (TypeError, ValueError):
            self.handleError(record)

    def last(self, count: int, *, at_least: int) -> tuple[LogLine, ...]:
        """The newest of that level or above, oldest first."""
        found = [line for line in self._kept.copy() if line.level >= at_least]
        return tuple(found[-count:])


class OneFormat(logging.Formatter):
    """`2026-05-01T12:03:04.567Z WARNING core.supervision: task failed task='bnb' after_s=4`, then any traceback."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redactor = redactor

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        fields: MutableMapping[str, object] = getattr(record, FIELDS, {})
        record.message = _on_one_line(record.message)
        return " ".join((super().formatMessage(record), *(f"{key}={_shown(value)}" for key, value in fields.items())))

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.redact(super().format(record))


class JsonFormat(logging.Formatter):
    """One object a line: at, level, logger, event, then the fields, and any traceback as `trace`."""

    converter = staticmethod(time.gmtime)
    default_time_format = OneFormat.default_time_format
    default_msec_format = OneFormat.default_msec_format

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, object] = getattr(record, FIELDS, {})
        known = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_text or record.stack_info:  # the redactor made text of what there was
            known["trace"] = "\n".join(filter(None, (record.exc_text, record.stack_info)))
        named = {f"{key}_" if key in known else key: value for key, value in fields.items()}
        return self._redactor.redact(json.dumps(known | named, default=str))


class OwnersFile(RotatingFileHandler):
    """Begins a new file when the last one is full; each can be read by its owner alone."""

    def _open(self) -> TextIOWrapper:
        return os.fdopen(open_to_append(self.baseFilename), "a", encoding=self.encoding)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """The line is on stderr all the same: a full disk is not to fill the console with traces."""


def configure_logs(settings: LogSettings, redactor: Redactor, stream: TextIO | None = None) -> LogRing:
    """One line an event, to stderr or `stream`, to the file if there is one, and into the ring that is returned.

    Raises ConfigurationError when the file cannot be opened.
    """
    number = logging.getLevelNamesMapping()[settings.level]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _as_record],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    screen = logging.StreamHandler(stream or sys.stderr)
    screen.setLevel(settings.screen_level or logging.NOTSET)
    ring, outs = LogRing(), [screen, *_file_of(settings)]
    ring.setFormatter(OneFormat(redactor))
    for out in outs:
        out.setFormatter(JsonFormat(redactor) if settings.shape == "json" else OneFormat(redactor))
    logging.basicConfig(level=number, handlers=[ring, *outs], force=True)
    guard_logging(redactor)
    logging.getLogger(TOLD_BY_OURS).setLevel(logging.CRITICAL)
    return ring


def take_python_s_words() -> None:
    """For the rest of the process, warnings and lost errors go the way of all log lines."""
    logging.captureWarnings(capture=True)
    threading.excepthook = _thread_ended
    sys.unraisablehook = _nobody_told


def _thread_ended(ended: threading.ExceptHookArgs) -> None:
    if isinstance(error := ended.exc_value, Exception):
        _LOG.error("a thread ended by an error", exc_info=error)


def _nobody_told(lost: sys.UnraisableHookArgs) -> None:
    if isinstance(error := lost.exc_value, Exception):
        _LOG.error("an error that nobody could be told of", exc_info=error)


def _file_of(settings: LogSettings) -> list[logging.Handler]:
    if settings.file is None:
        return []
    try:
        settings.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        largest = settings.file_mb * MEGABYTE
        return [OwnersFile(settings.file, maxBytes=largest, backupCount=settings.files, encoding="utf-8")]
    except OSError as error:
        raise ConfigurationError(f"the log file {settings.file} cannot be opened: {error.strerror}.") from None


def _as_record(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> tuple[tuple[object, ...], dict[str, Any]]:
    """What the standard library's logger is called with."""
    message = event.pop("event", "")
    handed_on = {key: event.pop(key) for key in ("exc_info", "stack_info") if key in event}
    return (message,), {**handed_on, "extra": {FIELDS: dict(event)}}


def _shown(value: object) -> str:
    """Words in quotes, numbers as they are; always on one line."""
    text = str(value)
    return text if isinstance(value, bool | int | float | Decimal | None) else repr(text)


def _on_one_line(text: str) -> str:
    """What was written by others must not look like lines of ours."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
