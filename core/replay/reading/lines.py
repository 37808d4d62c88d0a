"""The lines of a recorded file, plain or compressed with gzip, and the sentence that refuses one."""

from __future__ import annotations

import gzip
import hashlib
import pathlib
import zlib
from collections.abc import Iterator
from typing import IO

from core.errors import ConfigurationError

# A recorded row has a few hundred characters; more without an end is no table.
LONGEST_LINE = 4_096
CHUNK_BYTES = 1 << 20
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def refused(file: pathlib.Path, line: int | None, why: str) -> ConfigurationError:
    """The error that names the file, the line where there is one (the first is 1), and what is wrong."""
    where = str(file) if line is None else f"{file}, line {line}"
    return ConfigurationError(f"{where}: {why}")


def shown(cell: bytes) -> str:
    """What stands in a file as it may be printed: plain characters, cut short."""
    text = cell.decode("ascii", "backslashreplace")
    return "".join(each if each.isprintable() else "?" for each in text[:40])


def chunks(file: pathlib.Path) -> Iterator[list[bytes]]:
    """The lines without their ends, a megabyte at a time. Raises ConfigurationError for what cannot be read."""
    done = 0
    try:
        with _opened(file) as stream:
            for chunk in _split(stream):
                yield _checked(file, chunk, done)
                done += len(chunk)
    except EOFError:
        raise refused(file, None, "the compressed file ends too early; download it again") from None
    except (gzip.BadGzipFile, zlib.error):
        raise refused(file, None, "the compressed file is damaged; download it again") from None
    except OSError as error:
        raise refused(file, None, f"cannot be read ({error.strerror or type(error).__name__})") from None


def digest_of(file: pathlib.Path) -> str:
    """SHA-256 of the content, in hexadecimal. Raises ConfigurationError for what cannot be read."""
    try:
        _require_regular(file)
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise refused(file, None, f"cannot be read ({error.strerror or type(error).__name__})") from None


def _require_regular(file: pathlib.Path) -> None:
    """It is read more than once, which a pipe does not allow."""
    if file.exists() and not file.is_file():
        raise refused(file, None, "this is no regular file; write it to disk first")


def _opened(file: pathlib.Path) -> IO[bytes] | gzip.GzipFile:
    _require_regular(file)
    with file.open("rb") as stream:
        start = stream.read(4)
    if start.startswith(_GZIP):
        return gzip.open(file, "rb")
    if start.startswith(_ZIP):
        raise refused(file, None, "this is a zip archive; unpack it and give the CSV file inside")
    if file.suffix == ".gz" and start:
        raise refused(file, None, "named .gz but not compressed with gzip")
    return file.open("rb")


def _split(stream: IO[bytes] | gzip.GzipFile) -> Iterator[list[bytes]]:
    rest = b""
    while block := stream.read(CHUNK_BYTES):
        block = rest + block
        *lines, rest = block.split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        if lines:
            yield _without_returns(lines) if b"\r" in block else lines
    if rest:
        yield _without_returns([rest])


def _without_returns(lines: list[bytes]) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in lines]


def _checked(file: pathlib.Path, chunk: list[bytes], done: int) -> list[bytes]:
    if done == 0:
        chunk[0] = chunk[0].removeprefix(_BYTE_ORDER_MARK)
    if max(map(len, chunk)) > LONGEST_LINE:
        place = next(place for place, line in enumerate(chunk) if len(line) > LONGEST_LINE)
        raise refused(file, done + place + 1, f"longer than {LONGEST_LINE} characters, so this is no table")
    return chunk
