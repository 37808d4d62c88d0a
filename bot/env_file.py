"""Writing down what the operator need not type again, for the owner's eyes only."""

from __future__ import annotations

import os
import re
from pathlib import Path

from core.errors import ConfigurationError

OWNER_ONLY = 0o600
EMPTY_ENV = """\
# Secrets and endpoints; every name is explained in .env.example. Keep this file to yourself.
TELEGRAM_BOT_TOKEN=
TELEGRAM_OPERATOR_IDS=
"""


def set_variable(path: Path, name: str, value: str) -> None:
    """In the place where the name stands, else at the end; all other lines stay. Raises ConfigurationError."""
    before = path.read_text(encoding="utf-8") if path.exists() else EMPTY_ENV
    line, there = f"{name}={value}", re.compile(rf"^(?:export\s+)?{re.escape(name)}\s*=.*$", re.MULTILINE)
    if there.search(before):
        after = there.sub(lambda _: line, before)
    else:
        after = f"{before}{'' if before.endswith(chr(10)) or not before else chr(10)}{line}\n"
    write_file(path, after, mode=OWNER_ONLY)


def write_file(path: Path, text: str, *, mode: int) -> None:
    """`mode` of a new file; an existing one keeps its own. Raises ConfigurationError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None
