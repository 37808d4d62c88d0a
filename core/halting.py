"""Whom a halt means: one that cannot be understood keeps nothing running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HALT = "halt"
SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Meant:
    """`remark`: a sentence why all are meant though not all were said, else empty; its end is a space."""

    hedges: tuple[str, ...]
    remark: str = ""


def meant_by_halt(words: Sequence[str], names: Sequence[str]) -> Meant:
    """`words`: what was said after it; `names`: the hedges there are."""
    said = tuple(word.lower() for word in words)
    if len(said) == 1 and said[0] in names:
        return Meant(said)
    if said in ((), ("all",)):
        return Meant(tuple(names))
    return Meant(tuple(names), f"{_why_all(words, names)}, so all are halted. ")


def _why_all(words: Sequence[str], names: Sequence[str]) -> str:
    unknown = next((word for word in words if word.lower() not in (*names, "all")), "")
    if not unknown:
        return "One hedge can be named, or all are meant"
    shown = unknown if len(unknown) <= SHOWN_CHARS else f"{unknown[: SHOWN_CHARS - 1]}…"
    return f"I know no hedge {shown!r}"


def is_meant_as_halt(word: str) -> bool:
    """With or without a slash; one letter too many, missing, wrong, or changed places; or more of anything after it."""
    said = word.lower().lstrip("/")
    return said.startswith(HALT) or _is_one_edit_from(said.rstrip("!.,;:?"), HALT)


def _is_one_edit_from(word: str, meant: str) -> bool:
    if len(word) == len(meant):
        return _is_one_wrong_or_swapped(word, meant)
    shorter, longer = sorted((word, meant), key=len)
    return any(longer[:at] + longer[at + 1 :] == shorter for at in range(len(longer)))


def _is_one_wrong_or_swapped(word: str, meant: str) -> bool:
    """Of two words of one length."""
    wrong = [at for at, (one, other) in enumerate(zip(word, meant, strict=True)) if one != other]
    swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and sorted(word) == sorted(meant)
    return len(wrong) <= 1 or swapped
