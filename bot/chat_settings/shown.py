"""Every effective value, with where it comes from and what an unset one leaves to the program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bot.chat_settings.effective import Effective, key_of
from bot.chat_settings.keys import UNSET, Key, section_of, word_in, word_of
from bot.chat_settings.table import ROWS, ZERO
from bot.chat_settings.takes import explained, unit_of, with_unit
from bot.rendering.settings import Setting
from core.config import Config, Frozen, HedgeConfig
from storage.overrides import Override

UNSET_MEANS = {
    "delta_hysteresis_quote": "half the band",
    "approval_over_quote": "the larger of 1000 and 5 bands",
    "alert_over_quote": "2 bands",
}
# Here unset is the same as 0.
UNSET_IS_ZERO = ("hedge_threshold", "max_position_notional")


def all_settings(file: Config, now: Effective) -> tuple[Setting, ...]:
    """Those of the program, its sections and each hedge, in the models' order."""
    changed = {key_of(each).full: each for each in now.kept}
    return tuple(
        Setting(name, value, *_origin(name, in_file, changed))
        for (name, value, _), (_, _, in_file) in zip(_values(now.config), _values(file), strict=True)
    )


def shown_value(config: Config, key: Key) -> str:
    """Of a settable key, with its unit and what 0 or unset stand for."""
    word, instead = word_in(config, key), held_instead(section_of(config, key), key.field)
    if word == UNSET and key.name in UNSET_IS_ZERO:
        instead = ZERO[key.name]
    unit = unit_of(key, config.hedges)
    return f"unset ({with_unit(instead, unit)})" if instead else explained(key, word, unit)


def consequences(key: Key, before: Config, after: Config) -> tuple[str, ...]:
    """What else of the hedge has another value by a change of this setting."""
    if not key.hedge:
        return ()
    old, new = _all_shown(before, key.hedge), _all_shown(after, key.hedge)
    return tuple(f"{name} {old[name]} → {new[name]}" for name in ROWS if name != key.name and old[name] != new[name])


def held_instead(model: Frozen, field: str) -> str:
    """What holds while a key is unset; empty when it is set, or nothing does."""
    if getattr(model, field) is not None or not isinstance(model, HedgeConfig):
        return ""
    match field:
        case "delta_band_quote":
            return word_of(model.band_quote)
        case "delta_band_pct":
            return word_of(model.band_pct)
        case _:
            return UNSET_MEANS.get(field, "")


def _all_shown(config: Config, hedge: str) -> dict[str, str]:
    return {name: shown_value(config, Key(hedge, name)) for name in ROWS}


def _origin(name: str, in_file: bool, changed: dict[str, Override]) -> tuple[str, str, datetime | None]:
    if (override := changed.get(name)) is not None:
        return "chat", override.actor, override.set_at
    return "file" if in_file else "default", "", None


def _values(config: Config) -> Iterator[tuple[str, str, bool]]:
    """Full key, value as the file would spell it, whether it is named."""
    yield from _of_model(config, "", skip=("hedges", "paper", "alerts", "chains"))
    yield from _of_model(config.paper, "paper.")
    yield from _of_model(config.alerts, "alerts.")
    for name, chain in config.chains.items():
        yield from _of_model(chain, f"chains.{name}.")
    for name, hedge in config.hedges.items():
        yield from _of_model(hedge, f"hedges.{name}.")


def _of_model(model: Frozen, prefix: str, skip: Sequence[str] = ()) -> Iterator[tuple[str, str, bool]]:
    for field in type(model).model_fields:
        if field not in skip:
            value = getattr(model, field)
            text = ", ".join(map(str, value)) if isinstance(value, tuple) else word_of(value)
            yield f"{prefix}{field}", held_instead(model, field) or text, field in model.model_fields_set
