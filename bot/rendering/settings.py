"""Settings in words: one of them, a change of it, the question before a risky one, and all that is in force."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.chat_settings.table import GROUPS, NOT_FROM_CHAT, ROWS
from bot.rendering.approvals import person
from bot.rendering.markup import bold, code, esc, italic, lines
from bot.rendering.numbers import moment

# By group, the keys that may be changed from the chat.
SETTABLE: Mapping[str, Sequence[str]] = {group: [row.key for row in rows] for group, rows in GROUPS.items()}
LOUDNESS_SIGNS = {"loud": "🔊", "silent": "🔈", "off": "🔕"}
FIXED = "decided at the start"
OF_A_HEDGE: Mapping[str, Sequence[str]] = {FIXED: tuple(NOT_FROM_CHAT), **SETTABLE}


@dataclass(frozen=True, slots=True)
class Setting:
    """One effective value. `origin`: "default", "file", or "chat" for what an operator changed while it runs; `by` and
    `at`: who did, and when.
    """

    key: str
    value: str
    origin: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """One setting, explained. `now` and `otherwise` with their units; the second is what holds without the chat's."""

    typed: str
    meaning: str
    now: str
    otherwise: str
    setting: Setting
    named_in_file: bool
    allowed: str
    zero: str
    danger: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of one setting, values with their units. `also`: what else is another value by it."""

    typed: str
    meaning: str
    before: str
    after: str
    also: tuple[str, ...]


def detail_text(detail: Detail, zone: tzinfo) -> str:
    """One setting alone: what it means, its value and where that comes from, what it takes, how to change it."""
    source = "hedge.toml" if detail.named_in_file else "default"
    return lines(
        f"⚙️ {bold(detail.typed)}",
        _sentence(detail.meaning),
        f"Now: {bold(detail.now)}, {esc(_origin(detail.setting, zone))}",
        f"Without that: {esc(detail.otherwise)} ({source})" if detail.setting.origin == "chat" else None,
        f"Takes: {esc(detail.allowed)}{esc(f'; 0: {detail.zero}') if detail.zero else ''}",
        _sentence(detail.danger),
        f"{code(f'/set {detail.typed} VALUE')} changes it, {code('default')} takes that back.",
    )


def question_text(turn: Turn, dangers: Sequence[str]) -> str:
    """Asked before a change that has `dangers`; it counts once it is confirmed."""
    return lines(
        f"❓ {bold(f'{turn.typed}: {turn.before} → {turn.after}?')}",
        _sentence(turn.meaning),
        _also(turn),
        f"Then: {esc('; '.join(dangers))}.",
    )


def changed_text(turn: Turn, notes: Sequence[str]) -> str:
    """`notes`: what the change does that one might not expect."""
    return lines(
        f"✅ {bold(turn.typed)}: {esc(turn.before)} → {esc(turn.after)}. It counts from the next look on.",
        _also(turn),
        *(f"⚠️ {esc(note)}." for note in notes),
    )


def which_hedge_text(name: str) -> str:
    return f"❓ {bold(f'{name}: of which hedge?')}"


def list_text(hedge: str, values: Mapping[str, str], marked: Collection[str]) -> str:
    """The settable ones of a hedge; with no hedge in particular their names alone. What else is among the values is of
    the whole program.
    """
    return lines(
        f"⚙️ {bold(f'Settings of {hedge}' if hedge else 'Settings')}",
        *_listed(values, marked),
        "* changed from chat" if marked else None,
        f"{code('/set KEY')} explains one, {code('/set KEY VALUE')} changes it. /alerts has the alerts, /config all.",
    )


def _listed(values: Mapping[str, str], marked: Collection[str]) -> Iterator[str]:
    of_the_program = [key for key in values if key not in ROWS]
    for group, keys in {**SETTABLE, "program": of_the_program}.items():
        if keys:
            yield f"{italic(group)}: {', '.join(_item(key, values, marked) for key in keys)}"


def _item(key: str, values: Mapping[str, str], marked: Collection[str]) -> str:
    star = "*" if key in marked else ""
    return f"{esc(key)}{star} {bold(values[key])}" if key in values else esc(key)


# What each kind tells of; docs/alerts.md has the whole of it.
ALERTS: Mapping[str, str] = {
    "breach": "the missing trade is large",
    "suspended": "hedging stopped by itself",
    "blind": "chain or exchange cannot be read",
    "mismatch": "the position is not what we traded",
    "foreign": "a trade that is not ours",
    "rejected": "orders are refused or fail",
    "margin": "margin or liquidation is near",
    "daily_loss": "the day lost more than its limit",
    "basis": "pool and perpetual disagree",
    "positions": "an LP position was found or given away",
    "funding": "the short pays a lot",
    "out_of_range": "the price left the range",
    "lp": "liquidity was added or removed",
    "executed": "a hedge was traded",
}


def alerts_text(kinds: Mapping[str, str], others: Mapping[str, str]) -> str:
    """`kinds`: how loud each is; `others`: pace and thresholds, with their units."""
    return lines(
        f"🔔 {bold('Alerts')}",
        *(f"{LOUDNESS_SIGNS.get(how, '')} {bold(kind)} {esc(ALERTS.get(kind, how))}" for kind, how in kinds.items()),
        *(f"{esc(name)}: {esc(value)}" for name, value in others.items()),
        "Loud makes a sound, silent does not; off is told in /history only.",
        f"Press a kind, or {code('/alerts KIND loud')}.",
    )


def config_text(settings: Sequence[Setting], hedges: Sequence[str], zone: tzinfo) -> str:
    """Of each of `hedges` everything, what is default in short; of the program what is not."""
    of_the_program = [each for each in settings if not each.key.startswith("hedges.")]
    return lines(
        _block("program", of_the_program, "", zone),
        *(block for hedge in hedges for block in _blocks_of(hedge, settings, zone)),
    )


def changes_text(settings: Sequence[Setting], hedges: Sequence[str], zone: tzinfo) -> str:
    """Of several hedges what is no default."""
    found = _not_default(settings)
    return lines(
        bold("Settings that are not defaults"),
        *(_line(each, "", zone) for each in found),
        *(("none",) if not found else ()),
        f"/config NAME shows all of one: {esc(', '.join(hedges))}.",
    )


def _sentence(clause: str) -> str | None:
    return f"{esc(clause[0].upper() + clause[1:])}." if clause else None


def _also(turn: Turn) -> str | None:
    return f"Also: {esc('; '.join(turn.also))}." if turn.also else None


def _blocks_of(hedge: str, settings: Sequence[Setting], zone: tzinfo) -> Iterator[str]:
    prefix = f"hedges.{hedge}."
    own = {each.key.removeprefix(prefix): each for each in settings if each.key.startswith(prefix)}
    yield f"\n{bold(hedge)}"
    for group, keys in OF_A_HEDGE.items():
        yield _block(group, [own[key] for key in keys if key in own], prefix, zone)


def _block(title: str, settings: Sequence[Setting], prefix: str, zone: tzinfo) -> str:
    rest = [esc(f"{each.key.removeprefix(prefix)} {each.value}") for each in settings if each.origin == "default"]
    return lines(
        italic(title),
        *(_line(each, prefix, zone) for each in _not_default(settings)),
        f"default: {', '.join(rest)}" if rest else None,
    )


def _not_default(settings: Sequence[Setting]) -> list[Setting]:
    return [each for each in settings if each.origin != "default"]


def _line(setting: Setting, prefix: str, zone: tzinfo) -> str:
    shown = code(f"{setting.key.removeprefix(prefix)} = {setting.value}")
    return f"{shown} ← {esc(_origin(setting, zone))}" if setting.origin == "chat" else shown


def _origin(setting: Setting, zone: tzinfo) -> str:
    if setting.origin == "chat" and setting.at is not None:
        return f"from chat by {person(setting.by)}, {moment(setting.at, zone)}"
    return {"file": "from hedge.toml", "default": "the default"}.get(setting.origin, setting.origin)
