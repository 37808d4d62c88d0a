"""Files that appear whole or not at all, their owner's alone, and whether they could."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot import owners_file
from core.errors import ConfigurationError
from storage.files import OWNER_ONLY


def require_writable(flag: str, target: Path, *, suffix: str, inputs: Sequence[Path]) -> None:
    """Raises ConfigurationError for a target that could not, or should not, be written when the run has ended."""
    if target.suffix.lower() != suffix:
        raise ConfigurationError(f"{flag} {target}: the name must end in {suffix}.")
    if target.exists() and not target.is_file():
        raise ConfigurationError(f"{flag} {target} is there and is no file.")
    if any(each.exists() and target.exists() and each.samefile(target) for each in inputs):
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
    places = {target: _beside(target) for target in contents if not target.exists() or target.is_file()}
    target = next(iter(contents), Path())
    try:
        for target, place in places.items():
            _write(place, contents[target])
        for target, place in places.items():
            place.replace(target.resolve())
        for target in contents.keys() - places.keys():
            target.write_bytes(contents[target])
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        for place in places.values():
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


def write_anew(target: Path, content: bytes, *, mode: int) -> None:
    """A file that is there keeps its mode and owner, a new one has `mode`. Raises ConfigurationError."""
    place = _beside(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(place, content)
        if target.exists():
            known = target.stat()
            mode = stat.S_IMODE(known.st_mode)
            if known.st_uid != os.geteuid():
                os.chown(place, known.st_uid, known.st_gid)
        place.chmod(mode)
        place.replace(target.resolve())
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    """In the folder of the file itself, which a link may lead away from."""
    real = target.resolve()
    return real.with_name(f".{real.name[:100]}.{secrets.token_hex(6)}.part")


def _write(place: Path, content: bytes) -> None:
    with owners_file.create(place) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
