"""The pinned message: how all hedges stand, small enough to be read at a glance. No ages of what is fresh, so that it
changes when something has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.rendering.brief import brief_lines
from bot.rendering.markup import bold, esc, lines
from bot.rendering.reasons import words
from bot.rendering.status import overall
from core.status import HedgeStatus

SHOWN = 8
STOPPED = "STOPPED ⚪"
NOTHING_OLD: Mapping[str, Sequence[str]] = {}


def board_text(
    statuses: Sequence[HedgeStatus],
    *,
    mode: str,
    waiting: int,
    old: Mapping[str, Sequence[str]] = NOTHING_OLD,
    stopped: bool = False,
) -> str:
    """Mode and state first, then each hedge; without a stamp. `waiting`: proposals that nobody has answered. `old`: by
    hedge, the sources that are no longer fresh. `stopped`: the program is ending."""
    return lines(
        bold(f"{mode.upper()} · {STOPPED if stopped else overall(statuses)}"),
        "Nothing is hedged until it runs again; the short stays. As it was last seen:" if stopped else None,
        f"⚖️ {waiting} to answer: /pending" if waiting and not stopped else None,
        *_hedges(statuses, old),
    )


def _hedges(statuses: Sequence[HedgeStatus], old: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for status in statuses[:SHOWN]:
        yield _hedge(status, old.get(status.name, ()))
    if len(statuses) > SHOWN:
        yield f"… and {len(statuses) - SHOWN} more, see /status"


def _hedge(status: HedgeStatus, old: Sequence[str]) -> str:
    work = status.work
    share = f" · {work.filled_base / work.quantity_base * 100:.0f} % filled" if work and work.quantity_base else ""
    return lines(
        f"{bold(status.name)} {esc(status.state)}: {esc(words(status.reason).what + share)}",
        *brief_lines(status),
        f"⚠️ {esc(', '.join(old))}" if old else None,
    )
