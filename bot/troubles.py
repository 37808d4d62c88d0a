"""Suspensions and breaches: troubles that last, told when they come, repeated while they stay, told when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.alerting import Episode, Pace, Say
from bot.rendering.alerts import Units, breach_text, recovered_text, restored_text, suspended_text
from bot.rendering.numbers import number
from core.config import AlertsConfig
from core.events import Event, EventKind
from core.status import HedgeStatus

# Readings that fail often come back by themselves within seconds, and the last two have a message of their own that
# may come a moment later. The rest is told at once.
SETTLING_REASONS = frozenset(
    {"starting", "no_price", "stale_chain", "stale_venue", "implausible_read", "venue_dislocated"}
    | {"position_mismatch", "outcome_unknown"}
)
SETTLE = timedelta(seconds=10)
# Each excursion of the exposure is worth an alert; only one that keeps coming back is held back.
BREACHES_BEFORE_FLAPPING = 2
# The operator's own doing, or told as a change of the LP position.
OTHERWISE_TOLD = frozenset({"halted", "paused", "lp_moving", "disabled"})
FORETELLS = {EventKind.POSITION_MISMATCH: "position_mismatch", EventKind.OUTCOME_UNKNOWN: "outcome_unknown"}


@dataclass(frozen=True, slots=True)
class Notice:
    """`setting`: the key of `[alerts]` that says how loud. `good`: never louder than silent. `urgent`: goes first."""

    hedge: str
    topic: str
    text: str
    setting: str
    good: bool = False
    urgent: bool = False


@dataclass(slots=True)
class Outage:
    """From the first suspension of a hedge to its recovery, whatever the reasons between; mutable."""

    since: datetime
    told_reason: str | None = None


class Troubles:
    def __init__(self, alerts: Callable[[], AlertsConfig], units: Mapping[str, Units]) -> None:
        self._alerts = alerts
        self._units = units
        self._suspended: dict[tuple[str, str], Episode] = {}
        self._details: dict[tuple[str, str], str] = {}
        self._outages: dict[str, Outage] = {}
        self._breached: dict[str, Episode] = {}
        self._figures: dict[str, Mapping[str, str]] = {}

    def take(self, event: Event, now: datetime) -> tuple[Notice, ...]:
        """Note an event; what it makes known at once. Troubles that begin come out of `due`."""
        hedge = event.hedge or "all hedges"
        match event.kind:
            case EventKind.SUSPENDED:
                self._suspend(hedge, event.data, now)
            case EventKind.RECOVERED:
                return tuple(self._recover(hedge, now))
            case EventKind.EXPOSURE_BREACHED:
                self._breach(hedge, event.data, now)
            case EventKind.EXPOSURE_RESTORED:
                return tuple(self._restore(hedge, event.data))
            case kind if kind in FORETELLS:
                self._episode(hedge, FORETELLS[kind]).foretell(now)
            case _:
                pass
        return ()

    def measure(self, statuses: Sequence[HedgeStatus], now: datetime) -> None:
        """The present size of breaches that go on."""
        for status in statuses:
            episode = self._breached.get(status.name)
            if episode is not None and episode.active and status.gap_quote is not None:
                episode.arise(now, status.gap_quote)
                self._figures[status.name] = {**self._figures[status.name], **_figures_of(status)}

    def due(self, now: datetime) -> tuple[Notice, ...]:
        """What has lasted long enough to be told, or told again. Counts as told from here on."""
        return (*self._due_suspensions(now), *self._due_breaches(now))

    def _suspend(self, hedge: str, data: Mapping[str, str], now: datetime) -> None:
        """A new reason ends the earlier one without a word: hedging is still suspended."""
        reason = data.get("reason", "")
        for (name, other), episode in self._suspended.items():
            if name == hedge and other != reason:
                episode.end()
        self._outages.setdefault(hedge, Outage(now))
        if reason not in OTHERWISE_TOLD:
            self._details[hedge, reason] = data.get("detail", "")
            self._episode(hedge, reason).arise(now)

    def _recover(self, hedge: str, now: datetime) -> Iterator[Notice]:
        outage = self._outages.pop(hedge, None)
        for (name, reason), episode in self._suspended.items():
            if name == hedge and episode.end() and outage is not None:
                outage.told_reason = reason
        if outage is not None and outage.told_reason is not None:
            text = recovered_text(hedge, outage.told_reason, (now - outage.since).total_seconds())
            yield Notice(hedge, "recovered", text, "suspended", good=True)

    def _due_suspensions(self, now: datetime) -> Iterator[Notice]:
        for (hedge, reason), episode in self._suspended.items():
            if episode.due(now) is None:
                continue
            text = suspended_text(hedge, reason, self._details.get((hedge, reason), ""), times=episode.times)
            episode.was_said(now)
            if hedge in self._outages:
                self._outages[hedge].told_reason = reason
            yield Notice(hedge, "suspended", text, "suspended", urgent=True)

    def _episode(self, hedge: str, reason: str) -> Episode:
        settle = SETTLE if reason in SETTLING_REASONS else timedelta(0)
        return self._suspended.setdefault((hedge, reason), Episode(Pace(settle, repeat=self._repeat_after())))

    def _breach(self, hedge: str, data: Mapping[str, str], now: datetime) -> None:
        self._figures[hedge] = data
        episode = self._breached.setdefault(
            hedge, Episode(Pace(timedelta(0), repeat=self._repeat_after(), flap_after=BREACHES_BEFORE_FLAPPING))
        )
        episode.arise(now, number(data.get("gap_quote")))

    def _restore(self, hedge: str, data: Mapping[str, str]) -> Iterator[Notice]:
        episode = self._breached.get(hedge)
        if episode is not None and episode.end():
            text = restored_text(hedge, data, self._units_of(hedge))
            yield Notice(hedge, "restored", text, "breach", good=True)

    def _due_breaches(self, now: datetime) -> Iterator[Notice]:
        for hedge, episode in self._breached.items():
            if (say := episode.due(now)) is not None:
                text = breach_text(hedge, self._figures[hedge], self._units_of(hedge), again=say is Say.AGAIN)
                episode.was_said(now)
                yield Notice(hedge, "breach", text, "breach", urgent=True)

    def _repeat_after(self) -> timedelta:
        return timedelta(seconds=self._alerts().repeat_seconds)

    def _units_of(self, hedge: str) -> Units:
        return self._units.get(hedge, Units("BASE", "QUOTE"))


def _figures_of(status: HedgeStatus) -> Mapping[str, str]:
    present = {"gap_base": status.gap_base, "gap_quote": status.gap_quote, "band_quote": status.band_quote}
    return {key: _text(value) for key, value in present.items() if value is not None}


def _text(value: Decimal) -> str:
    return f"{value:f}"
