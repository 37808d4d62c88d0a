"""Where log lines go, and that no secret goes with them."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog

from bot.redaction import Redactor, guard_logging


def configure_logs(level: str, redactor: Redactor, stream: TextIO | None = None) -> None:
    """One line an event, to stderr or `stream`; the standard library's loggers go the same way.

    The redactor is the last step before a line is written.
    """
    target = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redactor,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"], sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=number, handlers=[handler], force=True)
    guard_logging(redactor)
