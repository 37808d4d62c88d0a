"""The traces of unexpected failures, beside the database: the newest, and no more of them than a person reads."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from bot.owners_file import open_to_append
from storage.files import beside

# Where it is begun anew; the one before is kept.
FULL_BYTES = 1_000_000


def keep_trace(database: Path, trace: str, at: datetime) -> str:
    """Where it is now, as the end of a sentence; `trace` has no secret in it. Never raises."""
    target = database.with_name("lp_hedge-crash.log")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if target.exists() and target.stat().st_size > FULL_BYTES:
            target.replace(beside(target, ".1"))
        with os.fdopen(open_to_append(target), "a", encoding="utf-8") as file:
            file.write(f"{at.isoformat()}\n{trace}\n")
    except OSError as refused:
        return f"and the trace could not be kept in {target} ({refused.strerror})"
    return f"the trace is in {target}"
