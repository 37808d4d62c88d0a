"""No alert lost: what is for people has its message by the rules of docs/alerts.md, and each message is in the chat.

The rules are said again here, not asked of the program: what comes as one event has one message; what lasts has one
when it has lasted long enough to be told in any case, and one when it is over if it was told.
"""

from __future__ import annotations

import json
import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from bot.loudness import OUTCOME_REPLIES, PACED, Loudness, loudness
from core.config import AlertsConfig
from core.events import EventKind
from tests.rigs.telegram.world import Message
from tests.soak.records import Down, reading
from tests.soak.stage import OPERATOR, SoakStage

# Of the machine's own time, on which its threads may stand still.
TOLD_WITHIN_S = 1.0
WRITTEN_WITHIN_S = 10.0
# What comes again within five minutes is told once it has lasted a minute; the edge of a range after five.
LASTED = timedelta(seconds=60)
AT_THE_EDGE = timedelta(seconds=300)
# What is told at most so often.
PACES = {EventKind.LP_STATE_CHANGED: timedelta(seconds=300), EventKind.FOREIGN_TRADE: timedelta(seconds=60)}
HOURLY = timedelta(hours=1)
# Refusals that stop coming are over.
STOPS_COMING = timedelta(minutes=15)
# Reasons of a suspension with another message: the operator's own word, or the event that says the same.
NOT_TOLD_AS_SUSPENDED = ("halted", "paused", "disabled", "lp_moving")
FORETOLD_BY = {"position_mismatch": "position_mismatch", "outcome_unknown": "outcome_unknown"}
# Asked with buttons, under a key of its own.
OFFERED = (EventKind.POSITION_FOUND, EventKind.BASE_DEPARTED)
EDGES = {"in_range", "out_of_range"}


@dataclass(frozen=True, slots=True)
class Course:
    """Something that lasts. `tag`: which of the event's data tells two of them apart."""

    topic: str
    ends: tuple[EventKind, ...]
    tag: str = ""
    quiet_ends_it: bool = False


COURSES: Mapping[EventKind, Course] = {
    EventKind.EXPOSURE_BREACHED: Course("breach", (EventKind.EXPOSURE_RESTORED,)),
    EventKind.BASIS_EXCEEDED: Course("basis", (EventKind.BASIS_RESTORED,)),
    EventKind.CHAIN_ESTIMATED: Course("estimate", (EventKind.CHAIN_READ_AGAIN,)),
    EventKind.ORDER_REFUSED: Course("refused", (EventKind.HEDGE_EXECUTED,), "code", quiet_ends_it=True),
    EventKind.PLAN_FAILED: Course("failed", (EventKind.HEDGE_EXECUTED,), quiet_ends_it=True),
    EventKind.TASK_FAILED: Course("task", (EventKind.TASK_RECOVERED,), "task"),
}


@dataclass(frozen=True, slots=True)
class Happened:
    kind: EventKind
    hedge: str | None
    at: datetime
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A message of the outbox; `topic` and `hedge` as its key begins."""

    key: str
    topic: str
    hedge: str
    thread: str
    edits: str | None
    text: str
    made_at: datetime


@dataclass(slots=True)
class Stood:
    """What lasted from `since` to `to`; `over`: an event said so, else the life of the program was over or the time."""

    name: str
    since: datetime
    last: datetime
    to: datetime | None = None
    over: bool = False


@dataclass(slots=True)
class Told:
    """All that was written for people, and until when each life of the program went on.

    `within`: how late a message may be that is due by the clock; `written_within`: one that is written with its event.
    """

    events: Sequence[Happened]
    rows: Sequence[Row]
    life_ends: Sequence[datetime]
    within: timedelta
    written_within: timedelta
    by_topic: dict[tuple[str, str], list[Row]] = field(default_factory=lambda: defaultdict(list))
    moments: dict[tuple[EventKind, str | None], list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for row in self.rows:
            self.by_topic[row.topic, row.hedge].append(row)
        for event in self.events:
            self.moments[event.kind, event.hedge].append(event.at)

    def has(self, topic: str, hedge: str | None, since: datetime, until: datetime, thread: str = "") -> bool:
        """Made in that time."""
        return any(
            since - timedelta(seconds=1) <= row.made_at <= until and row.thread.startswith(thread)
            for row in self.by_topic[topic, hedge or "-"]
        )

    def latest(self, kind: EventKind, hedge: str | None, over_at: datetime) -> datetime:
        """Until when a word may still be about what was over by then: the program may take it in late, and what is made
        after the next beginning is about that."""
        moments = self.moments[kind, hedge]
        following = moments[bisect_right(moments, over_at) :]
        return min([over_at + self.written_within, *following[:1]])

    def lasted(self, since: datetime, to: datetime) -> timedelta:
        """Two allowances less where a life ended, as what came just before need not have been taken in."""
        return to - since - (2 * self.within if to in self.life_ends else timedelta(0))

    def has_end(self, topic: str, hedge: str | None, at: datetime, thread: str = "") -> bool:
        """Written with the event that says it is over."""
        return self.has(topic, hedge, at, at + self.written_within, thread)

    def life_end(self, at: datetime) -> datetime:
        return next(end for end in self.life_ends if end >= at)


def undelivered(stage: SoakStage) -> int:
    """Messages that wait."""
    with reading(stage.database) as database:
        return int(database.execute("SELECT count(*) FROM outbox WHERE finished_at IS NULL").fetchone()[0])


def alerts_lost(stage: SoakStage, downs: Sequence[Down] = ()) -> Iterator[str]:
    """Once nothing waits."""
    now = stage.clock.now()
    with reading(stage.database) as database:
        rows = [_row(each) for each in database.execute("SELECT * FROM outbox ORDER BY seq")]
        deliveries: dict[str, list[int]] = defaultdict(list)
        for each in database.execute("SELECT * FROM deliveries ORDER BY seq"):
            deliveries[each["key"]].append(each["message_id"])
        events = [_event(each) for each in database.execute("SELECT * FROM events ORDER BY seq")]
    ends = [*(down.frm for down in downs), max([now, *(event.at for event in events)])]
    told = Told(events, rows, ends, stage.of_machine(TOLD_WITHIN_S), stage.of_machine(WRITTEN_WITHIN_S))
    yield from _not_in_the_chat(rows, deliveries, stage.telegram.messages(OPERATOR))
    yield from _single_events(told)
    yield from _paced_events(told)
    yield from _questions(told)
    yield from _courses(told)
    yield from _suspensions(told)


# -- messages --------------------------------------------------------------------------------------------------------


def _not_in_the_chat(
    rows: Sequence[Row], deliveries: Mapping[str, Sequence[int]], shown: Sequence[Message]
) -> Iterator[str]:
    """A message is there with its words, or was told together with a later one of its matter, or as its question's
    end; of the edits of a message the last one was shown."""
    screen = {message.message_id: message for message in shown}
    copies = {key: [screen[number] for number in ids if number in screen] for key, ids in deliveries.items()}
    last_edit: dict[str | None, Row] = {row.edits: row for row in rows if row.edits is not None}
    latest: dict[str, int] = {}
    for place, row in enumerate(rows):
        if row.thread and _is_shown(row, copies, last_edit):
            latest[row.thread] = place
    for place, row in enumerate(rows):
        if row.edits is not None:
            if last_edit[row.edits] is row and not _says(copies.get(row.edits, ()), row.text):
                yield f"{row.key} was never shown: its message says something else"
            continue
        together = bool(row.thread) and latest.get(row.thread, -1) > place
        question = row.key.removesuffix(":said")
        asked = question != row.key and any(edit.key == question for edit in last_edit.values())
        if not (_is_shown(row, copies, last_edit) or together or asked):
            yield f"{row.key} was delivered to nobody"


def _is_shown(row: Row, copies: Mapping[str, Sequence[Message]], last_edit: Mapping[str | None, Row]) -> bool:
    """By its own message; one that was changed while it waited came as it was changed to."""
    mine = copies.get(row.key, ())
    return bool(mine) and (row.key in last_edit or _says(mine, row.text))


def _says(messages: Sequence[Message], text: str) -> bool:
    """Or said so: whoever presses a button has the answer in place of it."""
    return any(text in each.source for message in messages for each in message.revisions)


# -- single events ---------------------------------------------------------------------------------------------------


def _is_range(event: Happened) -> bool:
    return event.kind is EventKind.LP_STATE_CHANGED and {event.data.get("frm"), event.data.get("to")} == EDGES


def _is_for_people(event: Happened) -> bool:
    return loudness(event.kind, AlertsConfig()) is not Loudness.OFF and not _is_range(event)


def _single_events(told: Told) -> Iterator[str]:
    """Each has a message of its own, made when it happened or as soon as the database took it."""
    used: dict[tuple[str, str], int] = defaultdict(int)
    for event in told.events:
        if event.kind in (*PACED, *OUTCOME_REPLIES, *OFFERED) or not _is_for_people(event):
            continue
        key = (event.kind.value, event.hedge or "-")
        rows = told.by_topic[key]
        while used[key] < len(rows) and rows[used[key]].made_at < event.at - timedelta(seconds=1):
            used[key] += 1
        if used[key] >= len(rows) or rows[used[key]].made_at > event.at + told.written_within:
            yield _told_to_nobody(event.kind.value, event.hedge, event.at)
        else:
            used[key] += 1


def _paced_events(told: Told) -> Iterator[str]:
    """Of a swarm one is told at a time; the last of it when the pace allows, if the program lives so long."""
    for event in told.events:
        if event.kind not in PACED or not _is_for_people(event):
            continue
        pace = PACES.get(event.kind, HOURLY)
        survived = told.life_end(event.at) > event.at + pace + told.within
        if survived and not told.has(event.kind.value, event.hedge, event.at - pace, event.at + pace + told.within):
            yield _told_to_nobody(event.kind.value, event.hedge, event.at)


def _questions(told: Told) -> Iterator[str]:
    """Asked, each end shown on the question, and said by a message of its own where fills do not say it."""
    keys = {row.key for row in told.rows}
    for event in told.events:
        key = f"approval:{event.data.get('approval_id', '')}"
        if event.kind is EventKind.APPROVAL_ASKED:
            wanted = [key]
        elif event.kind in OUTCOME_REPLIES:
            shown = f"{key}:{event.kind.value.removeprefix('approval_')}"
            said = OUTCOME_REPLIES[event.kind] is not None and event.kind is not EventKind.APPROVAL_DONE
            wanted = [shown, f"{shown}:said"] if said else [shown]
        else:
            continue
        for missing in (each for each in wanted if each not in keys):
            yield f"{missing} was never written"


# -- what lasts ------------------------------------------------------------------------------------------------------


def _courses(told: Told) -> Iterator[str]:
    for kind, course in COURSES.items():
        for (hedge, tag), stood in _stood(told, kind, course):
            thread = f"{course.topic}:{hedge or '-'}:{tag}:"
            yield from _as_lasting(told, course.topic, kind, (hedge, thread), stood)
    for hedge in {event.hedge for event in told.events}:
        for stood in _at_the_edge(told, hedge):
            yield from _as_lasting(told, "out_of_range", EventKind.LP_STATE_CHANGED, (hedge, ""), stood)


def _as_lasting(told: Told, topic: str, kind: EventKind, whose: tuple[str | None, str], stood: Stood) -> Iterator[str]:
    """`whose`: hedge, and how the thread of its messages begins."""
    assert stood.to is not None
    hedge, thread = whose
    at_least = AT_THE_EDGE if kind is EventKind.LP_STATE_CHANGED else LASTED
    if told.has(topic, hedge, stood.since, told.latest(kind, hedge, stood.to), thread):
        if stood.over and not told.has_end(f"{topic}_over", hedge, stood.to, thread):
            yield f"{topic} of {hedge or 'all'} was over at {stood.to:%d %H:%M:%S}, which was told to nobody"
    elif told.lasted(stood.since, stood.to) > at_least + told.within:
        yield _told_to_nobody(stood.name, hedge, stood.since)


def _stood(told: Told, kind: EventKind, course: Course) -> Iterator[tuple[tuple[str | None, str], Stood]]:
    """Each time it lasted, until an event, its silence, or the end of a life."""
    found: dict[tuple[str | None, str], Stood] = {}
    for event in told.events:
        for key in list(found):
            if (stood := _ended(told, course, key, found[key], event)) is not None:
                del found[key]
                yield key, stood
        if event.kind is kind:
            key = (event.hedge, event.data.get(course.tag, "") if course.tag else "")
            found.setdefault(key, Stood(kind.value, event.at, event.at)).last = event.at
    for key, stood in found.items():
        stood.to = _not_later(told, course, stood)
        yield key, stood


def _ended(told: Told, course: Course, key: tuple[str | None, str], stood: Stood, event: Happened) -> Stood | None:
    latest = _not_later(told, course, stood)
    if event.at > latest:
        stood.to = latest
        return stood
    is_it = event.kind in course.ends and event.hedge == key[0]
    if course.topic == "task":
        is_it = is_it and event.data.get("task") == key[1]
    if not is_it:
        return None
    stood.to, stood.over = event.at, True
    return stood


def _not_later(told: Told, course: Course, stood: Stood) -> datetime:
    ends = told.life_end(stood.since)
    return min(ends, stood.last + STOPS_COMING) if course.quiet_ends_it else ends


def _at_the_edge(told: Told, hedge: str | None) -> Iterator[Stood]:
    """Beyond the range, as long as an event says so; a return that is shorter than what is told is none."""
    stood: Stood | None = None
    for event in told.events:
        if event.hedge != hedge or event.kind is not EventKind.LP_STATE_CHANGED:
            continue
        out = event.data.get("to") == "out_of_range"
        if stood is not None and (not out or event.at > told.life_end(stood.since)):
            stood.to = min(stood.to or event.at, event.at, told.life_end(stood.since))
        if not out:
            continue
        if stood is not None and stood.to is not None and event.at - stood.to > AT_THE_EDGE + told.within:
            yield stood
            stood = None
        stood = stood or Stood("out_of_range", event.at, event.at)
        stood.to = None
    if stood is not None:
        stood.to = stood.to or told.life_end(stood.since)
        yield stood


def _suspensions(told: Told) -> Iterator[str]:
    """Each reason that lasts, and the end of an outage of which anything was told."""
    for hedge in {event.hedge for event in told.events}:
        for outage in _outages(told, hedge):
            reasons = [event for event in outage if event.kind is EventKind.SUSPENDED]
            ended = outage[-1].at if outage[-1].kind is EventKind.RECOVERED else told.life_end(outage[-1].at)
            runs = [list(run) for _, run in groupby(reasons, key=lambda event: event.data.get("reason", ""))]
            for run, following in pairwise([*runs, []]):
                yield from _as_suspended(told, run[0], following[0].at if following else ended, ended)
            if reasons and outage[-1] is not reasons[-1] and _is_untold_end(told, hedge, reasons[0].at, ended):
                yield _told_to_nobody("recovered", hedge, ended)


def _outages(told: Told, hedge: str | None) -> Iterator[list[Happened]]:
    """From the first suspension to the recovery, or to the end of a life."""
    outage: list[Happened] = []
    for event in told.events:
        if event.hedge != hedge or event.kind not in (EventKind.SUSPENDED, EventKind.RECOVERED):
            continue
        if outage and event.at > told.life_end(outage[0].at):
            yield outage
            outage = []
        outage.append(event)
        if event.kind is EventKind.RECOVERED:
            yield outage
            outage = []
    if outage:
        yield outage


def _is_untold_end(told: Told, hedge: str | None, since: datetime, at: datetime) -> bool:
    until = told.latest(EventKind.SUSPENDED, hedge, at)
    return told.has("suspended", hedge, since, until) and not told.has_end("recovered", hedge, at)


def _as_suspended(told: Told, event: Happened, to: datetime, ended: datetime) -> Iterator[str]:
    """For one reason until `to`, for others maybe until `ended`."""
    until = told.latest(EventKind.SUSPENDED, event.hedge, ended)
    reason = event.data.get("reason", "")
    if reason in NOT_TOLD_AS_SUSPENDED or told.lasted(event.at, to) <= LASTED + told.within:
        return
    topics = ("suspended", *((FORETOLD_BY[reason],) if reason in FORETOLD_BY else ()))
    if not any(told.has(topic, event.hedge, event.at - LASTED, until) for topic in topics):
        yield _told_to_nobody(f"suspended for {reason}", event.hedge, event.at)


def _told_to_nobody(what: str, hedge: str | None, at: datetime) -> str:
    return f"{what} of {hedge or 'all'} at {at:%d %H:%M:%S} was told to nobody"


def _row(row: sqlite3.Row) -> Row:
    topic, hedge = (*row["key"].split(":"), "")[:2]
    thread = str(json.loads(row["gist"])["thread"]) if row["gist"] else ""
    made_at = datetime.fromisoformat(row["created_at"])
    return Row(row["key"], topic, hedge, thread, row["edits"], row["text"], made_at)


def _event(row: sqlite3.Row) -> Happened:
    at = datetime.fromisoformat(row["at"])
    return Happened(EventKind(row["kind"]), row["hedge"], at, json.loads(row["data"]))
