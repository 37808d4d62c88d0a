"""How loud each kind of event is told, and which kinds are held back when they come in swarms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from core.config import AlertsConfig
from core.events import EventKind


class Loudness(StrEnum):
    LOUD = "loud"
    SILENT = "silent"
    OFF = "off"

    @property
    def at_most_silent(self) -> Loudness:
        """OFF stays OFF."""
        return Loudness.OFF if self is Loudness.OFF else Loudness.SILENT


# The key of `[alerts]` that says how loud a kind of event is, and whether it is good news, which is never loud.
BY_SETTING: Mapping[EventKind, tuple[str, bool]] = {
    EventKind.HEDGE_EXECUTED: ("executed", False),
    EventKind.LP_STATE_CHANGED: ("lp", False),
    EventKind.LP_LIQUIDITY_CHANGED: ("lp", False),
    EventKind.BASE_DEPARTED: ("lp", False),
    EventKind.POSITION_FOUND: ("positions", False),
    EventKind.POSITION_GIVEN: ("positions", False),
    EventKind.DELEVERAGING: ("margin", False),
    EventKind.LIQUIDATION_NEAR: ("margin", False),
    EventKind.POSITION_MISMATCH: ("mismatch", False),
    EventKind.FOREIGN_TRADE: ("foreign", False),
    EventKind.OUTCOME_UNKNOWN: ("rejected", False),
    EventKind.OUTCOME_RESOLVED: ("rejected", True),
    EventKind.SLIPPAGE_EXCEEDED: ("rejected", False),
    EventKind.VENUE_NEWS_LOST: ("blind", True),
    EventKind.VENUE_NEWS_BACK: ("blind", True),
    EventKind.NEWS_LOST: ("blind", True),
    EventKind.NEWS_BACK: ("blind", True),
}
ALWAYS_TOLD: Mapping[EventKind, Loudness] = {
    EventKind.HALTED: Loudness.LOUD,
    EventKind.VENUE_BANNED: Loudness.LOUD,
    EventKind.KEY_AT_RISK: Loudness.LOUD,
    EventKind.COMMAND_DROPPED: Loudness.LOUD,
    EventKind.COMMAND_WAITING: Loudness.LOUD,
    EventKind.CRASH_LOOP: Loudness.LOUD,
    EventKind.CRASH_LOOP_OVER: Loudness.SILENT,
    EventKind.STARTED: Loudness.SILENT,
    EventKind.STOPPED: Loudness.SILENT,
    EventKind.PAUSED: Loudness.SILENT,
    EventKind.RESUMED: Loudness.SILENT,
    EventKind.POSITION_ADOPTED: Loudness.SILENT,
    EventKind.POSITION_FOLLOWED: Loudness.SILENT,
    EventKind.DEPARTED_KEPT: Loudness.SILENT,
    EventKind.DEPARTED_CLOSED: Loudness.SILENT,
    EventKind.SETTING_CHANGED: Loudness.SILENT,
    EventKind.ORDER_TAKEN_BACK: Loudness.LOUD,
}
# Kinds that may come in swarms, and the data that makes two of them the same.
PACED: Mapping[EventKind, tuple[str, ...]] = {
    EventKind.SLIPPAGE_EXCEEDED: (),
    EventKind.LP_STATE_CHANGED: (),
    EventKind.FOREIGN_TRADE: ("origin",),
}
# The rest of them: the repeat pace of their loudness.
OWN_PACE: Mapping[EventKind, timedelta] = {
    EventKind.LP_STATE_CHANGED: timedelta(seconds=300),
    EventKind.FOREIGN_TRADE: timedelta(seconds=60),
}
# Worth a sound when they begin; while they last nobody is woken every hour.
UNHURRIED = frozenset({"funding", "out_of_range"})
# How an approval's end is told beside the edit of its message: a yes shows itself by its fills.
OUTCOME_REPLIES: Mapping[EventKind, Loudness | None] = {
    EventKind.APPROVAL_APPROVED: None,
    EventKind.APPROVAL_DONE: Loudness.SILENT,
    EventKind.APPROVAL_EXPLAINED: None,
    EventKind.APPROVAL_REJECTED: Loudness.SILENT,
    EventKind.APPROVAL_EXPIRED: Loudness.SILENT,
    EventKind.APPROVAL_SUPERSEDED: Loudness.SILENT,
    EventKind.APPROVAL_VOIDED: Loudness.SILENT,
    EventKind.APPROVAL_FAILED: Loudness.LOUD,
}


def loudness(kind: EventKind, alerts: AlertsConfig) -> Loudness:
    """OFF also for kinds that are not for people, or are told as a trouble that lasts."""
    if kind not in BY_SETTING:
        return ALWAYS_TOLD.get(kind, Loudness.OFF)
    setting, good = BY_SETTING[kind]
    return set_loudness(alerts, setting, good=good)


def set_loudness(alerts: AlertsConfig, setting: str, *, good: bool) -> Loudness:
    """As `[alerts]` has it under `setting`; what is `good` news never makes a sound."""
    how = Loudness(str(getattr(alerts, setting)))
    return how.at_most_silent if good else how


def repeat_after(alerts: AlertsConfig, setting: str) -> timedelta:
    """After how long a kind that lasts is told again; zero: never."""
    hurried = set_loudness(alerts, setting, good=False) is Loudness.LOUD and setting not in UNHURRIED
    return timedelta(seconds=alerts.repeat_seconds if hurried else alerts.silent_repeat_seconds)
