"""A hedge that does not hedge: told with its reason, and once when it hedges again, whatever the reasons between."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.alerting import Episode, Pace
from bot.lasting import Notice
from bot.loudness import Loudness, repeat_after, set_loudness
from bot.rendering.alerts import recovered_text, suspended_text
from core.config import AlertsConfig
from core.events import Event, EventKind

# Readings that fail often come back by themselves within seconds, and the last two have a message of their own that
# may come a moment later. The rest is told at once.
SETTLING_REASONS = frozenset(
    {"starting", "no_price", "stale_chain", "stale_venue", "implausible_read", "venue_dislocated"}
    | {"position_mismatch", "outcome_unknown"}
)
SETTLE = timedelta(seconds=10)
# The operator's own doing, or told as a change of the LP position.
STOPPED = frozenset({"halted", "paused", "disabled"})
OTHERWISE_TOLD = STOPPED | {"lp_moving"}
FORETELLS = {EventKind.POSITION_MISMATCH: "position_mismatch", EventKind.OUTCOME_UNKNOWN: "outcome_unknown"}
# The key of `[alerts]` where it is another than `suspended`.
SETTINGS: Mapping[str, str] = {
    "no_price": "blind",
    "stale_chain": "blind",
    "stale_venue": "blind",
    "position_mismatch": "mismatch",
    "outcome_unknown": "rejected",
    "low_margin": "margin",
    "low_liquidation_distance": "margin",
}


@dataclass(slots=True)
class Outage:
    """From the first suspension of a hedge to its recovery, whatever the reasons between; mutable."""

    since: datetime
    told_reason: str | None = None


class Suspensions:
    def __init__(self, alerts: Callable[[], AlertsConfig]) -> None:
        self._alerts = alerts
        self._episodes: dict[tuple[str, str], Episode] = {}
        self._details: dict[tuple[str, str], str] = {}
        self._outages: dict[str, Outage] = {}

    def take(self, event: Event, hedge: str, now: datetime) -> tuple[Notice, ...]:
        """What is to be said of it at once: only an end is, for a beginning waits for `due`."""
        match event.kind:
            case EventKind.SUSPENDED:
                self._suspend(hedge, event.data, now)
            case EventKind.RECOVERED:
                return tuple(self._recover(hedge, now))
            case kind if kind in FORETELLS:
                self._episode(hedge, FORETELLS[kind]).foretell(now)
            case _:
                pass
        return ()

    def due(self, now: datetime) -> Iterator[Notice]:
        """Each counts as said when it is yielded."""
        for (hedge, reason), episode in self._episodes.items():
            setting = SETTINGS.get(reason, "suspended")
            if set_loudness(self._alerts(), setting, good=False) is Loudness.OFF:
                continue
            if episode.due(now, repeat_after(self._alerts(), setting)) is None:
                continue
            text = suspended_text(hedge, reason, self._details.get((hedge, reason), ""), times=episode.times)
            episode.was_said(now)
            if hedge in self._outages:
                self._outages[hedge].told_reason = reason
            yield Notice(hedge, "suspended", text, setting, urgent=True, thread=self.thread(hedge))

    def thread(self, hedge: str) -> str:
        """One for the whole outage, whatever its reasons; empty while there is none."""
        outage = self._outages.get(hedge)
        return f"suspended:{hedge}:{outage.since.isoformat()}" if outage else ""

    def _suspend(self, hedge: str, data: Mapping[str, str], now: datetime) -> None:
        """A new reason ends the earlier one without a word: hedging is still suspended."""
        reason = data.get("reason", "")
        for (name, other), episode in self._episodes.items():
            if name == hedge and other != reason:
                episode.end()
        self._outages.setdefault(hedge, Outage(now))
        if reason not in OTHERWISE_TOLD:
            self._details[hedge, reason] = data.get("detail", "")
            self._episode(hedge, reason).arise(now)

    def _recover(self, hedge: str, now: datetime) -> Iterator[Notice]:
        thread = self.thread(hedge)
        told_last = self._end_episodes(hedge)
        outage = self._outages.pop(hedge, None)
        if outage is None:
            return
        reason = outage.told_reason if told_last is None else told_last
        if reason is not None:
            text = recovered_text(hedge, reason, (now - outage.since).total_seconds())
            setting = SETTINGS.get(reason, "suspended")
            yield Notice(hedge, "recovered", text, setting, good=True, thread=thread, ends=True)

    def _end_episodes(self, hedge: str) -> str | None:
        """The reason of the last of them that was told."""
        told_last = None
        for (name, reason), episode in self._episodes.items():
            if name == hedge and episode.end():
                told_last = reason
        return told_last

    def _episode(self, hedge: str, reason: str) -> Episode:
        settle = SETTLE if reason in SETTLING_REASONS else timedelta(0)
        return self._episodes.setdefault((hedge, reason), Episode(Pace(settle)))
