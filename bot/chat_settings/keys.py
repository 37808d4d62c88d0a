"""Which setting is meant: its place in the configuration, its value there, and what an operator's words name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic.fields import FieldInfo

from bot.chat_settings.table import NOT_FROM_CHAT, ROWS, SECTIONS_NOT_FROM_CHAT
from bot.config_file import BELONGS_IN_ENV, KNOWN_ELSEWHERE
from bot.rendering.markup import clip
from core.config import AlertsConfig, Config, Frozen, HedgeConfig

ALERTS = "alerts"
UNSET = "unset"
SECTIONS = ("hedges", "alerts", "chains", "paper")
SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """`hedge` is '' for a setting of the whole program, whose `name` is as in the file: "alerts.breach"."""

    hedge: str
    name: str

    @property
    def full(self) -> str:
        """As the file has it: "hedges.bnb.cooldown_seconds"."""
        return f"hedges.{self.hedge}.{self.name}" if self.hedge else self.name

    @property
    def typed(self) -> str:
        """As an operator writes it after /set."""
        return f"{self.hedge} {self.name}" if self.hedge else self.name

    @property
    def field(self) -> str:
        """The name within its model, without the section."""
        return self.name.rpartition(".")[2]

    @property
    def is_alert(self) -> bool:
        """Of the section of alerts, which is the whole program's."""
        return not self.hedge and self.name.startswith(f"{ALERTS}.")


@dataclass(frozen=True, slots=True)
class Named:
    """What was typed, understood. `key` None: of every hedge there is one, and none was named; `name` is then its key.

    `words`: what came after it.
    """

    key: Key | None
    name: str
    words: tuple[str, ...]


def settable_keys(config: Config) -> tuple[Key, ...]:
    """Those of the whole program, then those of each hedge, in the order of their tables."""
    return (*map(_program_key, _program_names()), *(Key(hedge, name) for hedge in config.hedges for name in ROWS))


def alert_keys() -> tuple[Key, ...]:
    """How loud each kind is, then thresholds and paces, in the order of their model."""
    return tuple(_program_key(f"{ALERTS}.{name}") for name in AlertsConfig.model_fields)


def is_settable(key: Key) -> bool:
    """From chat; what only the file may say is not."""
    return key.name in ROWS if key.hedge else key.name in _program_names()


def section_of(config: Config, key: Key) -> Frozen:
    """The model that has the key's field. Raises KeyError for a hedge that is not there."""
    if key.hedge:
        return config.hedges[key.hedge]
    return config.alerts if key.is_alert else config


def field_of(key: Key) -> FieldInfo:
    """Of a settable key."""
    if key.hedge:
        return HedgeConfig.model_fields[key.field]
    return (AlertsConfig if key.is_alert else Config).model_fields[key.field]


def value_in(config: Config, key: Key) -> object:
    """Defaults too: the file need not name it. Raises KeyError for a hedge that is not there."""
    return getattr(section_of(config, key), key.field)


def word_in(config: Config, key: Key) -> str:
    """The same in the one spelling that is stored and compared."""
    return word_of(value_in(config, key))


def word_in_file(file: Config, key: Key) -> str | None:
    """None when the file does not name the key."""
    named = key.field in section_of(file, key).model_fields_set
    return word_in(file, key) if named else None


def word_of(value: object) -> str:
    """A value in one spelling, which is the one that is stored and compared."""
    match value:
        case None:
            return UNSET
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value.normalize():f}" if value else "0"
        case _:
            return str(value)


def named(words: Sequence[str], hedges: Sequence[str]) -> Named | str:
    """The setting that was typed: `KEY`, `NAME KEY`, `NAME.KEY`, `hedges.NAME.KEY`, `alerts.KIND`; or a sentence."""
    typed, rest = _joined(words, hedges)
    if typed in _program_names():
        return Named(_program_key(typed), typed, rest)
    section, dot, name = typed.rpartition(".")
    if section in hedges:
        return _of_a_hedge(name, rest, (section,))
    if dot or name in Config.model_fields:
        return _why_not(typed, section.partition(".")[0] or name, hedges)
    return _of_a_hedge(name, rest, hedges)


def _joined(words: Sequence[str], hedges: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The setting as one word, and what follows; a hedge may be called as a setting is."""
    first, *rest = (words[0].lower().removeprefix("hedges.").replace("-", "_"), *words[1:])
    if first in (*hedges, ALERTS) and rest and not (_known(first) and not _known(rest[0])):
        return f"{first}.{rest[0].lower().replace('-', '_')}", tuple(rest[1:])
    return first, tuple(rest)


def _of_a_hedge(name: str, rest: tuple[str, ...], hedges: Sequence[str]) -> Named | str:
    known = _in_our_words(name)
    if known in NOT_FROM_CHAT:
        return f"{known}: {NOT_FROM_CHAT[known]}"
    if known not in ROWS:
        return _unknown(name, (*ROWS, *_program_names()))
    return Named(Key(hedges[0], known) if len(hedges) == 1 else None, known, rest)


def _why_not(typed: str, section: str, hedges: Sequence[str]) -> str:
    if section in SECTIONS_NOT_FROM_CHAT:
        return f"{clip(typed, SHOWN_CHARS)}: {SECTIONS_NOT_FROM_CHAT[section]}"
    if section in NOT_FROM_CHAT:
        return f"{section}: {NOT_FROM_CHAT[section]}"
    if section in (ALERTS, "hedges"):
        return _unknown(typed, (*_program_names(), *(f"{hedge}.{name}" for hedge in hedges for name in ROWS)))
    return f"I know no hedge {clip(section, SHOWN_CHARS)!r}; there is {', '.join(hedges)}."


def _unknown(typed: str, names: Sequence[str]) -> str:
    said = f"I know no setting {clip(typed, SHOWN_CHARS)!r}"
    plain = {name.rpartition(".")[2]: name for name in names}
    if close := difflib.get_close_matches(typed.rpartition(".")[2], plain, n=1, cutoff=0.6):
        return f"{said}: did you mean {plain[close[0]]}?"
    if BELONGS_IN_ENV.search(typed):
        return f"{said}: secrets and endpoints are in .env, at the machine."
    return f"{said}; /set lists them."


def _known(word: str) -> bool:
    return _in_our_words(word.lower().replace("-", "_")) in {*ROWS, *NOT_FROM_CHAT, *_program_fields()}


def _in_our_words(name: str) -> str:
    """Under the name that another hedger's configuration has for it, too."""
    if name in ROWS or name in NOT_FROM_CHAT:
        return name
    return KNOWN_ELSEWHERE.get(name, re.sub("^hedge_", "", name))


def _program_key(name: str) -> Key:
    return Key("", name)


def _program_fields() -> Mapping[str, str]:
    """Full name by field, of what is settable and no hedge's: the alerts, and what stands above all sections."""
    top = {name: name for name in Config.model_fields if name not in (*SECTIONS, *NOT_FROM_CHAT)}
    return {**top, **{name: f"{ALERTS}.{name}" for name in AlertsConfig.model_fields}}


def _program_names() -> tuple[str, ...]:
    return tuple(_program_fields().values())
