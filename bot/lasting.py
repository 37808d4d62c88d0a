"""Troubles that last, all by one rule: told when they come, when they get materially worse, while they stay, and once
when they are over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from bot.alerting import Episode, Pace, Say, Sense, Threshold
from bot.at_work import Work
from bot.loudness import Loudness, repeat_after, set_loudness
from bot.rendering.alerts import TROUBLES, Course, Facts, Units
from core.config import AlertsConfig


@dataclass(frozen=True, slots=True)
class Notice:
    """`setting`: the key of `[alerts]` that says how loud. `good`: never louder than silent. `urgent`: goes first.

    `thread`: all that is said of one trouble has the same; `ends`: this is the last of it.
    """

    hedge: str | None
    topic: str
    text: str
    setting: str
    good: bool = False
    urgent: bool = False
    thread: str = ""
    ends: bool = False


AT_ONCE = Pace()


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of lasting trouble. `name`: of its words in `TROUBLES`; `setting`: its key in `[alerts]`."""

    name: str
    setting: str
    pace: Pace = AT_ONCE
    sense: Sense = Sense.GROWS
    urgent: bool = False


@dataclass(slots=True)
class Standing:
    """One trouble of one hedge, `hedge` None for the account; mutable. `tag` tells those of one topic apart.

    `count`: how often it happened since it was last said; `seen_at`: when it last did. `worked_on`: in time; `known`:
    the operator knows. `promised`: what they heard last is that it is worked on, which it owes an end. `work`: whose
    time counts; what the program begins anew by itself gets no more.
    """

    topic: Topic
    hedge: str | None
    tag: str
    episode: Episode
    figures: Mapping[str, str] = field(default_factory=dict)
    count: int = 0
    seen_at: datetime | None = None
    worked_on: bool = False
    known: bool = False
    promised: bool = False
    work: Work | None = None

    @property
    def covered(self) -> bool:
        return self.worked_on or self.known

    def promise(self) -> None:
        """By the answer to a command: when the work is over and this is not, that is said aloud."""
        self.worked_on = self.promised = self.episode.quietly = True
        self.work = None

    def look_at_work(self, under_way: Work | None, now: datetime) -> None:
        """`under_way`: what is to close it, in time or not."""
        if under_way is not None and (self.work is None or self.work.since == under_way.since):
            self.work = under_way
        self.worked_on = under_way is not None and self.work is not None and now < self.work.until

    @property
    def thread(self) -> str:
        """The same in every message about this occurrence, another for the next."""
        since = self.episode.since
        return ":".join((self.topic.name, self.hedge or "-", self.tag, since.isoformat() if since else ""))


class Lasting:
    """What stands now. `due` says what is to be told and counts it as told."""

    def __init__(self, alerts: Callable[[], AlertsConfig], units: Callable[[str | None], Units], zone: tzinfo) -> None:
        self._alerts = alerts
        self._units = units
        self._zone = zone
        self._standing: dict[tuple[str, str | None, str], Standing] = {}

    def of(self, topic: Topic, hedge: str | None, tag: str = "") -> Standing:
        """Made when it is asked for the first time."""
        return self._standing.setdefault(
            (topic.name, hedge, tag), Standing(topic, hedge, tag, Episode(topic.pace, topic.sense))
        )

    def active(self, topic: Topic, hedge: str | None) -> Iterator[Standing]:
        """Those of them that are there now, whatever their tag."""
        for standing in self._standing.values():
            if standing.topic is topic and standing.hedge == hedge and standing.episode.active:
                yield standing

    def arise(
        self,
        topic: Topic,
        hedge: str | None,
        figures: Mapping[str, str],
        now: datetime,
        *,
        size: Decimal | None = None,
        tag: str = "",
    ) -> Standing:
        """It has begun, or is there still: the newest figures count. `size` None leaves its size as it was."""
        standing = self.of(topic, hedge, tag)
        standing.figures, standing.count, standing.seen_at = figures, standing.count + 1, now
        standing.episode.arise(now, size)
        return standing

    def look(
        self,
        topic: Topic,
        hedge: str | None,
        value: Decimal | None,
        threshold: Threshold,
        figures: Mapping[str, str],
        now: datetime,
    ) -> tuple[Notice, ...]:
        """Take in a measure, None where it is not known; the word that it is over, if it is."""
        standing = self.of(topic, hedge)
        if value is not None:
            standing.figures = figures
        over = standing.episode.look(now, value, threshold)
        return (self._over(standing, now),) if over else ()

    def end(
        self, topic: Topic, hedge: str | None, figures: Mapping[str, str], now: datetime, *, tag: str | None = None
    ) -> tuple[Notice, ...]:
        """All of this topic, or the one of that tag."""
        told = []
        for standing in self._standing.values():
            if standing.topic is topic and standing.hedge == hedge and tag in (None, standing.tag):
                standing.figures, standing.count = {**figures, "tag": standing.tag}, 0
                standing.worked_on = standing.known = standing.promised = False
                standing.work = None
                if standing.episode.end():
                    told.append(self._over(standing, now))
        return tuple(told)

    def drop(self, topic: Topic, hedge: str | None) -> None:
        """It ends without a word, because something else tells of it."""
        for standing in self.active(topic, hedge):
            standing.episode.end()

    def due(self, now: datetime) -> Iterator[Notice]:
        """Each counts as said when it is yielded. What is switched off is passed over, and said if it is there still
        when that ends."""
        for standing in self._standing.values():
            topic, episode = standing.topic, standing.episode
            if set_loudness(self._alerts(), topic.setting, good=False) is Loudness.OFF:
                continue
            say = episode.due(now, repeat_after(self._alerts(), topic.setting), covered=standing.covered)
            if say is None:
                continue
            course = Course(say, episode.lasted_s(now), standing.count, covered=standing.covered)
            text = TROUBLES[topic.name].begun(self._facts(standing), course)
            quietly = standing.covered and say is not Say.WORSE
            # Also a loud one that says it is being worked on is followed by another when that was in vain.
            episode.was_said(now, quietly=quietly or standing.worked_on)
            standing.promised = standing.worked_on
            standing.count = 0
            yield Notice(
                standing.hedge,
                topic.name,
                text,
                topic.setting,
                good=quietly,
                urgent=topic.urgent,
                thread=standing.thread,
            )

    def _over(self, standing: Standing, now: datetime) -> Notice:
        lasted_s = standing.episode.lasted_s(now)
        text = TROUBLES[standing.topic.name].over(self._facts(standing), lasted_s)
        topic = standing.topic
        return Notice(
            standing.hedge, f"{topic.name}_over", text, topic.setting, good=True, thread=standing.thread, ends=True
        )

    def _facts(self, standing: Standing) -> Facts:
        return Facts(standing.figures, self._units(standing.hedge), self._zone, standing.hedge)


BREACH = Topic("breach", "breach", Pace(flap_after=2), urgent=True)
BASIS = Topic("basis", "basis", Pace(timedelta(seconds=10)))
ESTIMATE = Topic("estimate", "blind", Pace(timedelta(seconds=10)), urgent=True)
UNREAD = Topic("unread", "blind", Pace(timedelta(seconds=10)), urgent=True)
REFUSED = Topic("refused", "rejected")
FAILED = Topic("failed", "rejected")
# At the edge of a range the price comes and goes.
OUT_OF_RANGE = Topic(
    "out_of_range", "out_of_range", Pace(timedelta(seconds=30), timedelta(seconds=300), timedelta(seconds=3600))
)
# What is measured shrinks towards the end of all margin: the part of the limit that is left.
MARGIN = Topic("margin", "margin", sense=Sense.SHRINKS, urgent=True)
LIQUIDATION = Topic("liquidation", "margin", sense=Sense.SHRINKS, urgent=True)
# The rate of the next payment moves until it is paid.
FUNDING = Topic("funding", "funding", Pace(timedelta(seconds=300), timedelta(seconds=3600), timedelta(seconds=28800)))
# A failure that a second try mends is not worth a sound.
TASK = Topic("task", "suspended", Pace(timedelta(seconds=10)))
DAILY_LOSS = Topic("daily_loss", "daily_loss", urgent=True)
