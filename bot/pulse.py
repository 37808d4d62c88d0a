"""The sign of life of a running service for whoever looks from outside: a small file beside the database.

Its time stamp is monotonic, which all processes of one machine share: clocks that jump change nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from bot.owners_file import replace_file
from bot.rendering.health import HealthItem, headline, hedges_turn
from core.clock import Clock
from core.errors import ConfigurationError
from storage.files import beside
from storage.lock import is_running

BEAT_S = 10.0
STALE_AFTER_S = 45.0

log = structlog.get_logger(__name__)


class Pulse:
    """Shows `items` every few seconds. `clock`: the machine's own, of which other processes read the same seconds."""

    def __init__(
        self, database: Path, items: Callable[[], Sequence[HealthItem]], *, redact: Callable[[str], str], clock: Clock
    ) -> None:
        self._path = pulse_file(database)
        self._items = items
        self._redact = redact
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled. What cannot be written is logged, and shows itself by growing old."""
        while True:
            shown = self._shown()
            try:
                await asyncio.to_thread(replace_file, self._path, shown)
            except OSError as error:
                log.warning("no sign of life could be written", why=error.strerror)
            await self._clock.sleep(BEAT_S)

    def _shown(self) -> str:
        items = [asdict(item) | {"detail": self._redact(item.detail)} for item in self._items()]
        return json.dumps({"at_s": self._clock.monotonic_s(), "items": items})


@dataclass(frozen=True, slots=True)
class Seen:
    """`turns`: a service runs there and its hedges really turn. `age_s`: of what it last showed; None if nothing."""

    turns: bool
    says: str
    age_s: float | None = None
    items: tuple[HealthItem, ...] = ()


def look(database: Path, clock: Clock) -> Seen:
    """Raises ConfigurationError when the files cannot be read by this user."""
    if not is_running(database):
        return Seen(False, f"Health: no lp-hedge runs on {database}.")
    read = _read(pulse_file(database))
    if read is None:
        return Seen(False, f"Health: lp-hedge on {database} has not begun to hedge yet, or is ending.")
    at_s, items = read
    age_s = clock.monotonic_s() - at_s
    if not 0 <= age_s <= STALE_AFTER_S:
        why = "it hangs, or its disk takes nothing"
        return Seen(False, f"Health: lp-hedge on {database} shows no sign of life for {age_s:.0f} s: {why}.", age_s)
    turns = hedges_turn(items)
    return Seen(turns, _said(items, turns=turns), age_s, items)


def _said(items: Sequence[HealthItem], *, turns: bool) -> str:
    needs = [f"{item.name}: {item.detail.rstrip('.')}" for item in items if item.ok is False]
    says = ". ".join((_what_decides(items, turns=turns), *needs)) + "."
    return f"{says} The hedges turn." if turns and needs else says


def _what_decides(items: Sequence[HealthItem], *, turns: bool) -> str:
    """All well, what needs the operator, or that no hedge has begun to turn."""
    is_early = not turns and not any(item.vital and item.ok is False for item in items)
    return "Health: no hedge turns yet" if is_early else headline(items)


def seen_json(seen: Seen) -> str:
    items = [asdict(item) for item in seen.items]
    return json.dumps({"turns": seen.turns, "says": seen.says, "age_s": seen.age_s, "items": items}, indent=2)


def pulse_file(database: Path) -> Path:
    return beside(database, ".pulse")


def forget_pulse(database: Path) -> None:
    """Before a start, so that what the last run showed is not taken for this one's; holding the database's lock."""
    with contextlib.suppress(OSError):  # what cannot be removed soon grows old
        pulse_file(database).unlink()


def _read(path: Path) -> tuple[float, tuple[HealthItem, ...]] | None:
    try:
        shown = json.loads(path.read_text(encoding="utf-8"))
        return float(shown["at_s"]), tuple(HealthItem(**item) for item in shown["items"])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError):  # of a version that shows something else
        raise ConfigurationError(f"{path} was not written by this version of lp-hedge.") from None
