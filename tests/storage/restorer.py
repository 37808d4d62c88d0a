"""Restores copies of a folder over and over, each killed one step later than the one before, until one ends well:
`restorer FOLDER COPY`; leaves FOLDER.0, FOLDER.1 and so on. A step is a file that gets or loses a name.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from itertools import count
from pathlib import Path

from storage.restoring import restore
from tests.storage.samples import T0

STEPS = ("os.link", "os.rename", "os.remove")
KILLED = 9


def restore_killed_at(step: int, path: Path, copy: Path) -> None:
    done = 0

    def kill(event: str, _: object) -> None:
        nonlocal done
        if event in STEPS:
            done += 1
            if done > step:
                os._exit(KILLED)

    sys.addaudithook(kill)
    asyncio.run(restore(path, copy, now=T0))
    os._exit(0)


def main(folder: Path, copy: Path) -> None:
    for step in count():
        tried = shutil.copytree(folder, f"{folder}.{step}")
        child = os.fork()
        if child == 0:
            restore_killed_at(step, Path(tried) / "lp_hedge.db", copy)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != KILLED:
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
