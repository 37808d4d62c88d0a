"""Files that appear whole or not at all, their owner's alone, and whether they could."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bot import owners_file
from core.errors import ConfigurationError
from storage.files import OWNER_ONLY, are_one_file


def require_writable(flag: str, target: Path, *, suffix: str, inputs: Sequence[Path]) -> None:
    """Raises ConfigurationError for a target that could not, or should not, be written when the run has ended."""
    if target.suffix.lower() != suffix:
        raise ConfigurationError(f"{flag} {target}: the name must end in {suffix}.")
    if _is_no_file(target):
        raise ConfigurationError(f"{flag} {target} is there and is no file.")
    if any(are_one_file(each, target) for each in inputs):
        raise ConfigurationError(f"{flag} {target} would overwrite what is read.")
    try:
        place = _beside(target)
        place.touch(OWNER_ONLY, exist_ok=False)
        place.unlink()
    except OSError as error:
        raise ConfigurationError(f"{flag} {target} cannot be written: {error.strerror}.") from None


def write_all(contents: Mapping[Path, bytes]) -> None:
    """All under other names first, so that a full disk leaves none of them; into what is there and no file, such as
    /dev/stdout, only once those could be. Raises ConfigurationError.
    """
    places = {target: _beside(target) for target in contents if not _is_no_file(target)}
    try:
        for target, place in places.items():
            with _writing(target):
                _write(place, contents[target])
        for target, place in places.items():
            with _writing(target):
                place.replace(target.resolve())
        for target in contents.keys() - places.keys():
            with _writing(target):
                target.write_bytes(contents[target])
    finally:
        _discard(places.values())


def write_anew(target: Path, content: bytes, *, mode: int) -> None:
    """A file that is there keeps its mode and owner, a new one has `mode`. Raises ConfigurationError."""
    place = _beside(target)
    try:
        with _writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(place, content)
            if target.exists():
                known = target.stat()
                mode = stat.S_IMODE(known.st_mode)
                _hand_over(place, known)
            place.chmod(mode)
            place.replace(target.resolve())
    finally:
        _discard((place,))


def _hand_over(place: Path, known: os.stat_result) -> None:
    """To the owner of the file that it replaces."""
    if known.st_uid != os.geteuid():
        os.chown(place, known.st_uid, known.st_gid)


def _is_no_file(target: Path) -> bool:
    """It is there, and something else."""
    return target.exists() and not target.is_file()


def _beside(target: Path) -> Path:
    """In the folder of the file itself, which a link may lead away from."""
    real = target.resolve()
    return real.with_name(f".{real.name[:100]}.{secrets.token_hex(6)}.part")


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Whatever the system refuses within is told of `target`. Raises ConfigurationError."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.") from None


def _write(place: Path, content: bytes) -> None:
    with owners_file.create(place) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _discard(places: Iterable[Path]) -> None:
    """As far as they are still there."""
    for place in places:
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)
