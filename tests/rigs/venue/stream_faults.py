"""What goes wrong on a stream: single events, by the order in which the exchange would have told them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tests.rigs.venue.shapes import Json

Matches = Callable[[Json], bool]
# (seconds of delay, event)
Told = list[tuple[float, Json]]
Does = Callable[[Json, str], Told]


@dataclass
class _Armed:
    does: Does
    matches: Matches


class StreamFaults:
    """Each event uses up at most one fault, the oldest that fits: `kind` is the event's "e", None is any."""

    def __init__(self) -> None:
        self._armed: deque[_Armed] = deque()
        self._held: dict[str, Json] = {}

    def drop(self, kind: str | None = None, matches: Matches = lambda event: True) -> None:
        self._arm(kind, matches, lambda event, name: [])

    def duplicate(self, kind: str | None = None, matches: Matches = lambda event: True) -> None:
        self._arm(kind, matches, lambda event, name: [(0.0, event)] * 2)

    def delay(self, seconds: float, kind: str | None = None, matches: Matches = lambda event: True) -> None:
        self._arm(kind, matches, lambda event, name: [(seconds, event)])

    def edit(self, edit: Callable[[Json], Json], kind: str | None = None) -> None:
        self._arm(kind, lambda event: True, lambda event, name: [(0.0, edit(event))])

    def swap(self, kind: str | None = None, matches: Matches = lambda event: True) -> None:
        """It comes after the event that follows it on the same stream."""
        self._arm(kind, matches, self._hold)

    def told(self, event: Json, name: str = "") -> Told:
        """What is told of this event of the stream `name`, and of one that waited for it."""
        behind = self._held.pop(name, None)
        told = [(0.0, event)]
        for armed in self._armed:
            if armed.matches(event):
                self._armed.remove(armed)
                told = armed.does(event, name)
                break
        return told if behind is None else [*told, (0.0, behind)]

    def _arm(self, kind: str | None, matches: Matches, does: Does) -> None:
        self._armed.append(_Armed(does, lambda event: kind in (None, event["e"]) and matches(event)))

    def _hold(self, event: Json, name: str) -> Told:
        self._held[name] = event
        return []
