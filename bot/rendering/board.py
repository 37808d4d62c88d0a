"""The pinned message: how all hedges stand, small enough to be read at a glance. No ages of what is fresh, so that it
changes when something has."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rendering.brief import brief_lines
from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import span
from bot.rendering.reasons import words
from bot.rendering.status import overall
from core.status import HedgeStatus

OLD_AFTER_S = 60.0
SHOWN = 8


def board_text(statuses: Sequence[HedgeStatus], *, mode: str, waiting: int) -> str:
    """Mode and state first, then each hedge; without a stamp. `waiting`: proposals that nobody has answered."""
    return lines(
        bold(f"{mode.upper()} · {overall(statuses)}"),
        f"⚖️ {waiting} to answer: /pending" if waiting else None,
        *(_hedge(status) for status in statuses[:SHOWN]),
        f"… and {len(statuses) - SHOWN} more, see /status" if len(statuses) > SHOWN else None,
    )


def _hedge(status: HedgeStatus) -> str:
    old = [
        f"{what} is {span(age_s)} old"
        for what, age_s in (("chain", status.chain_age_s), ("exchange", status.venue_age_s))
        if age_s is not None and age_s > OLD_AFTER_S
    ]
    work = status.work
    share = f" · {work.filled_base / work.quantity_base * 100:.0f} % filled" if work and work.quantity_base else ""
    return lines(
        f"{bold(status.name)} {esc(status.state)}: {esc(words(status.reason).what + share)}",
        *brief_lines(status),
        f"⚠️ {esc(', '.join(old))}" if old else None,
    )
