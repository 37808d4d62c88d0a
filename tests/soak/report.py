"""What a soak has shown, in words and figures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tests.soak.records import Records, Weight
from tests.soak.residual import Stretch

SETTLED_AFTER = timedelta(hours=6)
GROWS_AT_MOST_MB_A_DAY = 2.0
RESIDENT_AT_MOST_MB = 160.0
ENDS_WITHIN_S = 5.0
# What a machine that runs other things as well may add.
MACHINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """`findings` empty: every rule held."""

    command: str
    facts: Mapping[str, str]
    findings: Sequence[str]

    def write(self, folder: Path) -> None:
        """As `result.json`, which `tests.soak.publish` makes the page of."""
        everything = {"command": self.command, "facts": dict(self.facts), "findings": list(self.findings)}
        (folder / "result.json").write_text(json.dumps(everything, indent=2))


def time_in_states(lasted: Sequence[Stretch]) -> dict[str, str]:
    """By hedge, the part of the time in each state, the longest first."""
    spent: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for stretch in lasted:
        spent[stretch.hedge][stretch.state] += (stretch.to - stretch.frm).total_seconds()
    shown = {}
    for hedge, states in spent.items():
        total = sum(states.values()) or 1.0
        parts = sorted(states.items(), key=lambda item: -item[1])
        shown[f"time of {hedge} in each state"] = ", ".join(f"{name} {100 * s / total:.1f} %" for name, s in parts)
    return shown


def memory(records: Records) -> dict[str, str]:
    """Resident memory by day, and how it grew within the longest life of one process."""
    by_day: dict[int, list[float]] = defaultdict(list)
    for weight in records.weights:
        by_day[(weight.at - records.weights[0].at).days + 1].append(weight.resident_mb)
    days = ", ".join(f"day {day} {max(seen):.0f}" for day, seen in sorted(by_day.items()))
    life = longest_life(records.weights)
    slope = slope_mb_a_day(life)
    grown = "no life was long enough to tell"
    if slope is not None:
        hours = (life[-1].at - life[0].at).total_seconds() / 3600
        grown = f"{slope:+.2f} MB a day within one life of {hours:.0f} h, the first 6 h apart"
    return {"resident memory at most, MB": days, "growth of memory": grown}


def memory_broken(records: Records) -> Iterator[str]:
    """Too much at any time, or more and more."""
    most = max((weight.resident_mb for weight in records.weights), default=0.0)
    if most > RESIDENT_AT_MOST_MB:
        yield f"{most:.0f} MB were resident, {RESIDENT_AT_MOST_MB:.0f} are allowed"
    slope = slope_mb_a_day(longest_life(records.weights))
    if slope is not None and slope > GROWS_AT_MOST_MB_A_DAY:
        yield f"memory grows by {slope:.2f} MB a day, {GROWS_AT_MOST_MB_A_DAY:.0f} are allowed"


def exits_broken(records: Records) -> Iterator[str]:
    """After SIGTERM: another code than 0, or too late."""
    for each in records.exits:
        if each.code:
            yield f"SIGTERM ended it with {each.code}"
        if each.took_s > ENDS_WITHIN_S + MACHINE_S:
            yield f"SIGTERM ended it after {each.took_s:.1f} s, {ENDS_WITHIN_S:.0f} and {MACHINE_S:.0f} are allowed"


def exits(records: Records) -> dict[str, str]:
    """How many of each kind, and the slowest."""
    ended = [down.how for down in records.downs]
    counts = ", ".join(f"{how} {ended.count(how)}" for how in sorted(set(ended))) or "none"
    slowest = max((each.took_s for each in records.exits), default=0.0)
    return {"ends survived": counts, "the slowest SIGTERM, of the machine's own time": f"{slowest:.1f} s"}


def longest_life(weights: Sequence[Weight]) -> list[Weight]:
    lives: dict[int, list[Weight]] = defaultdict(list)
    for weight in weights:
        lives[weight.pid].append(weight)
    return max(lives.values(), key=lambda life: life[-1].at - life[0].at, default=[])


def slope_mb_a_day(life: Sequence[Weight]) -> float | None:
    """Least squares, without the hours in which caches fill; None for a life too short to tell."""
    settled = [each for each in life if each.at - life[0].at >= SETTLED_AFTER]
    if len(settled) < 10 or settled[-1].at - settled[0].at < timedelta(days=1):
        return None
    days = [(each.at - settled[0].at).total_seconds() / 86400 for each in settled]
    sizes = [each.resident_mb for each in settled]
    mean_day, mean_size = sum(days) / len(days), sum(sizes) / len(sizes)
    above = sum((day - mean_day) * (size - mean_size) for day, size in zip(days, sizes, strict=True))
    return above / sum((day - mean_day) ** 2 for day in days)


def processor(records: Records, elapsed_s: float) -> dict[str, str]:
    """All lives together."""
    last: dict[int, float] = {}
    for weight in records.weights:
        last[weight.pid] = weight.cpu_s
    used_s = sum(last.values())
    part = 100 * used_s / elapsed_s if elapsed_s else 0.0
    share = f"{part:.2f} % of a core, of simulated time"
    return {"processor time": f"{used_s:.0f} s in {elapsed_s / 86400:.1f} simulated days: {share}"}
