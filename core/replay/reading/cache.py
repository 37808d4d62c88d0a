"""Read markets kept on disk, so that the second run over a year starts at once. Losing any of it loses nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
import tempfile
from collections.abc import Mapping
from typing import IO, NamedTuple

import numpy as np

from core.replay.path import Path

# Part of every key: raise it when the same files are to give other arrays.
READER_VERSION = 1
_MOST_ENTRIES = 20
_SUFFIX = ".market"
_DIGEST, _DIGEST_BYTES, _LENGTH_BYTES = "sha256", 32, 4


class Recording(NamedTuple):
    """A market that was read. `notices`: what a reader of the results must know of the data, a sentence each;
    `step_ms`: between two points; `source`: what was recorded and when, in one line."""

    path: Path
    notices: tuple[str, ...]
    step_ms: int
    source: str


def default_directory(environment: Mapping[str, str]) -> pathlib.Path | None:
    """`lp-hedge/replay` below XDG_CACHE_HOME or ~/.cache; None for a user without a home."""
    given = pathlib.Path(environment.get("XDG_CACHE_HOME", ""))
    try:
        # The standard wants a path from the root; another is to be ignored.
        base = given if given.is_absolute() else pathlib.Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "lp-hedge" / "replay"


def key_of(*parts: object) -> str:
    """A name for what these parts, by their representation, and this version of the readers give."""
    return hashlib.sha256(repr((READER_VERSION, *parts)).encode()).hexdigest()


def load(directory: pathlib.Path, key: str) -> Recording | None:
    """None when there is no entry or it is damaged in any way."""
    file = directory / (key + _SUFFIX)
    try:
        with file.open("rb") as stream:
            if stream.read(_DIGEST_BYTES) != hashlib.file_digest(stream, _DIGEST).digest():
                return None
            stream.seek(_DIGEST_BYTES)
            about = json.loads(stream.read(int.from_bytes(stream.read(_LENGTH_BYTES))))
            path = Path(*(np.load(stream, allow_pickle=False) for _ in Path._fields))
        # The oldest go first.
        file.touch()
    except OSError:
        return None
    return Recording(path, tuple(about["notices"]), about["step_ms"], about["source"])


def store(directory: pathlib.Path, key: str, recording: Recording) -> None:
    """Whole or not at all; a directory that cannot be written to is no error."""
    with contextlib.suppress(OSError):
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=directory, prefix=key, delete=False) as stream:
            written = pathlib.Path(stream.name)
            try:
                _write(stream, recording)
                stream.close()
                written.replace(directory / (key + _SUFFIX))
            finally:
                written.unlink(missing_ok=True)
        _drop_oldest(directory)


def _write(stream: IO[bytes], recording: Recording) -> None:
    """The digest of all that follows, the length of the words, the words, the arrays."""
    about = {"notices": recording.notices, "step_ms": recording.step_ms, "source": recording.source}
    words = json.dumps(about).encode()
    stream.write(bytes(_DIGEST_BYTES) + len(words).to_bytes(_LENGTH_BYTES) + words)
    for each in recording.path:
        np.save(stream, each)
    stream.seek(_DIGEST_BYTES)
    digest = hashlib.file_digest(stream, _DIGEST).digest()  # type: ignore[arg-type]
    stream.seek(0)
    stream.write(digest)


def _drop_oldest(directory: pathlib.Path) -> None:
    """What a writer that was killed left behind counts as an entry."""
    entries = sorted(directory.iterdir(), key=lambda entry: entry.stat().st_mtime, reverse=True)
    for entry in entries[_MOST_ENTRIES:]:
        entry.unlink(missing_ok=True)
