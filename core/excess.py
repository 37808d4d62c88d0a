"""A figure beyond its limit: told when it gets there, again when it has doubled since, and when it is back."""

from __future__ import annotations

from decimal import Decimal

from core.events import EventKind

# Back is this far below the limit, so that nothing rings for a figure that stays about there.
RESTORED_AT = Decimal("0.8")
WORSE_BY = 2


class Excess:
    """`beyond`, `back`: the kinds of the words. Holds only what was last told."""

    def __init__(self, beyond: EventKind, back: EventKind) -> None:
        self._beyond = beyond
        self._back = back
        self._told: Decimal | None = None

    @property
    def is_told(self) -> bool:
        return self._told is not None

    def news(self, figure: Decimal, *, is_beyond: bool, is_back: bool) -> EventKind | None:
        """What is to be told of it now, and counts as told with this call; None: nothing new."""
        if is_beyond and (self._told is None or figure >= WORSE_BY * self._told):
            self._told = figure
            return self._beyond
        if is_back and self._told is not None:
            self._told = None
            return self._back
        return None
