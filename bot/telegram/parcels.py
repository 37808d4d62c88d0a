"""What is shown of the rows that wait: each as it stands now, and many old ones together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.rendering.digests import Told, digest_text
from bot.rendering.markup import lines
from core.ports import Gist, OutboxMessage

# Rows that have waited so long are told together, when they are so many.
OLD = timedelta(minutes=5)
MANY = 5
# Of old alarms that nothing ended, so many each get a message of their own.
MOST_ALARMS = 6


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message to show, with the keys of the rows that it settles: its own and those of edits that overtook it."""

    message: OutboxMessage
    settles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """A row to be written in the place of those of `keys`."""

    message: OutboxMessage
    keys: tuple[str, ...]


def parcels(rows: Sequence[OutboxMessage]) -> list[Parcel]:
    """Rows in their order, each shown as its latest edit among them would leave it; such edits are not shown again.

    After a long outage a proposal that has expired meanwhile thus arrives once, as expired, without its buttons; and of
    one trouble only the last word, with the first where that says that it is over.
    """
    own, edits = {row.key for row in rows}, _edits_of(rows)
    found: list[Parcel] = []
    for row in rows:
        if row.edits is None:
            found.append(_parcel(row, edits.get(row.key, [])))
        elif row.edits not in own and edits[row.edits][-1] is row:
            found.append(_parcel(row, edits[row.edits][:-1]))
    return _one_a_thread(found)


def digests(found: Sequence[Parcel], now: datetime) -> list[Digest]:
    """Old parcels that may be told together, one digest a hedge; none while they are few.

    What asks for an answer, and the newest alarms that still stand, keep messages of their own.
    """
    merged = _to_be_merged([each for each in found if _may_be_merged(each.message, now)])
    by_hedge: dict[str, list[Parcel]] = {}
    for each in sorted(merged, key=_age):
        by_hedge.setdefault(_gist(each).hedge, []).append(each)
    return [_digest(hedge, together) for hedge, together in by_hedge.items()]


def _edits_of(rows: Sequence[OutboxMessage]) -> dict[str, list[OutboxMessage]]:
    """By the key of the message that they edit."""
    edits: dict[str, list[OutboxMessage]] = {}
    for row in rows:
        if row.edits is not None:
            edits.setdefault(row.edits, []).append(row)
    return edits


def _parcel(row: OutboxMessage, edits: Sequence[OutboxMessage]) -> Parcel:
    """A question that was settled meanwhile makes no sound."""
    settles = (*(edit.key for edit in edits), row.key)
    if row.edits is not None or not edits:
        return Parcel(row, settles)
    last = edits[-1]
    silent = row.silent or not last.buttons
    return Parcel(replace(row, text=last.text, html=last.html, buttons=last.buttons, silent=silent), settles)


def _one_a_thread(found: Sequence[Parcel]) -> list[Parcel]:
    """In the place of the last one of each thread; by time, as rows are sorted by priority first."""
    threads: dict[str, list[Parcel]] = {}
    for each in sorted(found, key=_age):
        if thread := _thread(each):
            threads.setdefault(thread, []).append(each)
    shown: list[Parcel] = []
    for each in found:
        together = threads.get(_thread(each), [each])
        if each is together[-1]:
            shown.append(_joined(together) if len(together) > 1 else each)
    return shown


def _joined(together: Sequence[Parcel]) -> Parcel:
    """What is over is told with what it was; a proposal's own message tells its end already."""
    first, last = together[0].message, together[-1].message
    settles = _settled_by(together)
    if last.gist is None or not last.gist.ends:
        return Parcel(last, settles)
    if len(together[0].settles) > 1:
        return Parcel(replace(first, silent=last.silent), settles)
    text = lines(_title(first), last.text)
    return Parcel(replace(last, text=text, html=first.html and last.html, replies_to=None), settles)


def _may_be_merged(message: OutboxMessage, now: datetime) -> bool:
    """Not what asks, and not what changes a message that is there."""
    alone = message.gist is None or message.edits is not None or bool(message.buttons)
    return not alone and now - message.created_at >= OLD


def _to_be_merged(old: Sequence[Parcel]) -> list[Parcel]:
    alarms = sorted((each for each in old if not each.message.silent), key=_age)
    routine = [each for each in old if each.message.silent]
    merged = routine + alarms[: max(0, len(alarms) - MOST_ALARMS)]
    return merged if len(merged) >= MANY else []


def _digest(hedge: str, together: Sequence[Parcel]) -> Digest:
    newest = together[-1].message
    told = [Told(_gist(each), _told_line(_gist(each), each.message.text)) for each in together]
    keys = _settled_by(together)
    message = OutboxMessage(
        key=f"digest:{hedge or '-'}:{together[0].message.key}:{newest.key}:{len(keys)}",
        text=digest_text(hedge, told),
        html=True,
        priority=1,
        silent=all(each.message.silent for each in together),
        created_at=newest.created_at,
    )
    return Digest(message, keys)


def _told_line(gist: Gist, text: str) -> str:
    """The first line; with the last one where that is how it ended. A proposal's first line is its second."""
    first, *others = text.splitlines()
    if gist.topic == "approval" and len(others) > 1:
        return f"⚖️ {others[0]} → {others[-1]}"
    return f"{first} → {others[-1]}" if gist.ends and others else first


def _settled_by(together: Sequence[Parcel]) -> tuple[str, ...]:
    return tuple(key for each in together for key in each.settles)


def _title(message: OutboxMessage) -> str:
    return message.text.partition("\n")[0]


def _age(parcel: Parcel) -> datetime:
    return parcel.message.created_at


def _gist(parcel: Parcel) -> Gist:
    assert parcel.message.gist is not None
    return parcel.message.gist


def _thread(parcel: Parcel) -> str:
    return parcel.message.gist.thread if parcel.message.gist is not None else ""
