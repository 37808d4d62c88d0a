"""Keeps secrets out of everything that is written down: log lines, tracebacks, chat messages, stored errors.

Bot tokens are known by their shape, all others must be registered before the first line that could hold them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from urllib.parse import quote

REPLACEMENT = "[secret]"
_BOT_TOKEN = re.compile(r"\d{5,}(?::|%3A)[\w-]{30,}", re.IGNORECASE)
_SHORTEST = 6
_CHATTY = ("httpx", "httpcore", "websockets", "binance")


class Redactor(logging.Filter):
    """A logging filter and a plain function over one list of secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets: list[str] = []
        for secret in secrets:
            self.register(secret)

    def register(self, secret: str) -> None:
        """Nothing shorter than six characters: replacing such would make the log unreadable and hide nothing."""
        for form in (secret, quote(secret, safe="")):
            if len(secret) >= _SHORTEST and form not in self._secrets:
                self._secrets.append(form)
        self._secrets.sort(key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Every registered secret, then whatever has the shape of a bot token."""
        for secret in self._secrets:
            text = text.replace(secret, REPLACEMENT)
        return _BOT_TOKEN.sub(REPLACEMENT, text)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites message, fields, traceback and stack of the record; never drops one."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = f"{record.msg} {record.args}"
        record.msg, record.args = self.redact(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            # Without exc_info no formatter can render the traceback anew, unredacted.
            record.exc_text, record.exc_info = self.redact(record.exc_text), None
        if record.stack_info:
            record.stack_info = self.redact(record.stack_info)
        if isinstance(fields := getattr(record, "fields", None), dict):
            record.fields = {key: self._redact_value(value) for key, value in fields.items()}
        return True

    def _redact_value(self, value: object) -> object:
        if isinstance(value, bool | int | None):
            return value
        if isinstance(value, str):
            return self.redact(value)
        shown = str(value)
        clean = self.redact(shown)
        return value if clean == shown else clean


def guard_logging(redactor: Redactor) -> None:
    """Puts the filter on every handler of the root logger and silences the libraries that log each URL.

    Call it again after adding a handler. A filter on a logger would not see the records of its children.
    """
    for handler in logging.getLogger().handlers:
        if redactor not in handler.filters:
            handler.addFilter(redactor)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
