"""Files that only their owner may read or change."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from storage.files import OWNER_ONLY, beside


def open_to_append(path: Path | str) -> int:
    """A handle for writing at the end; a new file is its owner's alone. Raises OSError."""
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, OWNER_ONLY)


def create(path: Path) -> BinaryIO:
    """A new file to write into. Raises FileExistsError, and OSError."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY), "wb")


def replace_file(path: Path, text: str) -> None:
    """Whoever reads sees the one or the other, whole; it need not outlive the machine's power. Raises OSError, and
    leaves then nothing but what was there.
    """
    part = beside(path, ".part")
    try:
        handle = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, OWNER_ONLY)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
