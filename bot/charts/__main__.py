"""`python -m bot.charts`: a picture's JSON on standard input, its PNG on standard output.

Exit code 1 with one sentence on standard error when it cannot be drawn.
"""

from __future__ import annotations

import os
import sys

from bot.charts.picture import from_json

# Whatever else runs on this machine is more urgent.
NICENESS = 5


def main() -> None:
    """Standard output gets nothing but a whole PNG."""
    os.nice(NICENESS)
    # First, while what is to be drawn is still being gathered.
    from bot.charts.drawing import png

    sys.stdout.buffer.write(png(from_json(sys.stdin.buffer.read())))


def _say(kind: type[BaseException], error: BaseException, _: object) -> None:
    """The library may raise anything."""
    said = " ".join(f"{kind.__name__} {error}".split())
    sys.stderr.write(f"This picture cannot be drawn: {said}\n")


if __name__ == "__main__":
    sys.excepthook = _say
    main()
