"""What is typed after a command that shows something."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

# Longer than any number that is meant.
MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class CountAndName:
    """How much is to be shown and of what; `name` empty: none was named."""

    count: int
    name: str


def count_and_name(args: Sequence[str], known: Collection[str], *, usual: int, most: int) -> CountAndName | str:
    """`[N] [NAME]` in any order, the last of each, N brought into 1 to `most`; the first word that is neither."""
    count, name = usual, ""
    for word in args:
        if (number := whole_number(word)) is not None:
            count = max(1, min(most, number))
        elif word.lower() in known:
            name = word.lower()
        else:
            return word
    return CountAndName(count, name)


def whole_number(word: str) -> int | None:
    """Of plain digits, cut where there are too many of them; None for anything else."""
    return int(word[:MOST_DIGITS]) if word.isascii() and word.isdigit() else None
