"""What the operator need not type again: written for the owner's eyes only, and whether it is still so."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path

from bot.whole_file import write_anew
from storage.files import OWNER_ONLY

OTHERS = stat.S_IRWXG | stat.S_IRWXO
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
    write_anew(path, after.encode(), mode=OWNER_ONLY)


def exposure(path: Path) -> str | None:
    """Who else can read or change a file of secrets and what to do, one sentence; None: nobody can.

    Root can in any case, and a file system without modes, such as a USB stick's, cannot tell.
    """
    known = path.stat()
    if known.st_uid not in (os.geteuid(), 0):
        return f"{path} belongs to another user of this machine, who can read and change it: make it your own."
    if stat.S_IMODE(known.st_mode) & OTHERS and _keeps_modes(path.parent):
        return f"{path} can be read by other users of this machine: run `chmod 600 {path}`."
    return None


def _keeps_modes(folder: Path) -> bool:
    """Whether a new file for its owner alone is that; so it is assumed where none can be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".lp_hedge-") as new:
            return not stat.S_IMODE(os.fstat(new.fileno()).st_mode) & OTHERS
    except OSError:
        return True
