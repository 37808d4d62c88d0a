"""`python -m bot.charts`: a picture's JSON on standard input, its PNG on standard output.

Exit code 1 with one sentence on standard error when it cannot be drawn.
"""

from __future__ import annotations

import os
import sys

from bot.charts.picture import from_json

# Whatever else runs on this machine is more urgent.
NICENESS = 5


def main() -> int:
    """The exit code; standard output gets nothing but a whole PNG."""
    os.nice(NICENESS)
    try:
        # First, while what is to be drawn is still being gathered.
        from bot.charts.drawing import png

        content = png(from_json(sys.stdin.buffer.read()))
    except Exception as error:  # noqa: BLE001 - border: the library may raise anything
        said = " ".join(f"{type(error).__name__} {error}".split())
        sys.stderr.write(f"This picture cannot be drawn: {said}\n")
        return 1
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
