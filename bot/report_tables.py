"""The CSV files that `lp-hedge report` writes: every fill, and every part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.fills_csv import csv_of
from bot.parts_csv import parts_csv_of
from bot.report import Book
from bot.whole_file import require_writable, write_all
from core.errors import ConfigurationError


def require_tables(fills: Path | None, parts: Path | None, inputs: Sequence[Path]) -> None:
    """Raises ConfigurationError for a file that could not, or should not, be written; `inputs`: what is read."""
    if fills and parts and fills.resolve() == parts.resolve():
        raise ConfigurationError("--csv and --parts name the same file.")
    for flag, target in (("--csv", fills), ("--parts", parts)):
        if target:
            _require_table(flag, target, inputs)


def _require_table(flag: str, target: Path, inputs: Sequence[Path]) -> None:
    """What is there and no file, such as /dev/stdout, takes what it is given."""
    if target.is_file() or not target.exists():
        require_writable(flag, target, suffix=".csv", inputs=inputs)


def write_tables(book: Book, fills: Path | None, parts: Path | None) -> None:
    """All or none. Raises ConfigurationError."""
    files: dict[Path, bytes] = {}
    if fills:
        files[fills] = csv_of(book.fills)
    if parts:
        files[parts] = parts_csv_of(book)
    write_all(files)
