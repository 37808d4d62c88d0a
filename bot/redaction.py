"""Keeps secrets out of everything that is written down: log lines, tracebacks, chat messages, stored errors.

Bot tokens, signatures and listen keys are known by their shape, all others must be registered before the first line
that could hold them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Set
from urllib.parse import quote

REPLACEMENT = "[secret]"
_BOT_TOKEN = re.compile(r"\d{5,}(?::|%3A)[\w-]{30,}", re.IGNORECASE)
# What a request or a stream of the exchange carries in its address: good for a minute, or for an hour of listening.
_IN_ADDRESS = re.compile(r"\b(signature|listenKey)((?:=|%3D|['\"]?:\s*['\"]?)+)[\w-]{16,}", re.IGNORECASE)
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
        return _IN_ADDRESS.sub(rf"\1\2{REPLACEMENT}", _BOT_TOKEN.sub(REPLACEMENT, text))

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrites message, fields, traceback and stack of the record; never drops one."""
        record.msg, record.args = self.redact(_message_of(record)), None
        self._redact_traceback(record)
        if record.stack_info:
            record.stack_info = self.redact(record.stack_info)
        if isinstance(fields := getattr(record, "fields", None), dict):
            record.fields = {key: self._redact_value(value) for key, value in fields.items()}
        return True

    def _redact_traceback(self, record: logging.LogRecord) -> None:
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            # Without exc_info no formatter can render the traceback anew, unredacted.
            record.exc_text, record.exc_info = self.redact(record.exc_text), None

    def _redact_value(self, value: object) -> object:
        """Collections by their parts: their own text would show what is in them escaped, and so unknown."""
        if isinstance(value, Mapping):
            return {key: self._redact_value(each) for key, each in value.items()}
        if isinstance(value, list | tuple | Set):
            return [self._redact_value(each) for each in value]
        return self._redact_single(value)

    def _redact_single(self, value: object) -> object:
        """What shows nothing secret stays as it is."""
        if isinstance(value, bool | int | None):
            return value
        if isinstance(value, str):
            return self.redact(value)
        shown = str(value)
        clean = self.redact(shown)
        return value if clean == shown else clean


def _message_of(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit the message
        return f"{record.msg} {record.args}"


def guard_logging(redactor: Redactor) -> None:
    """Puts the filter on every handler of the root logger and silences the libraries that log each URL.

    Call it again after adding a handler. A filter on a logger would not see the records of its children.
    """
    for handler in logging.getLogger().handlers:
        if redactor not in handler.filters:
            handler.addFilter(redactor)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
