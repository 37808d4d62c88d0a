"""The settings in force, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bot.rendering.listings import Setting, config_text
from bot.rendering.markup import esc
from bot.replies import Reply
from bot.views.sources import Show, Sources
from core.config import Config, Frozen, HedgeConfig
from storage.overrides import Override


class Settings:
    def __init__(self, sources: Sources) -> None:
        self._from = sources

    def shows(self) -> Mapping[str, Show]:
        return {"config": self.config}

    async def config(self, args: tuple[str, ...]) -> Reply:
        hedge = args[0].lower() if args else None
        if hedge is not None and hedge not in self._from.config.file.hedges:
            return Reply(
                f"I know no hedge {esc(hedge)}; there is {esc(', '.join(self._from.config.file.hedges))}.", True
            )
        return Reply(config_text(await self._from.settings(), hedge), True)


class ChatChanges(Protocol):
    async def all(self) -> tuple[Override, ...]: ...


class EffectiveSettings:
    """The file's values, and over them what was changed from chat."""

    def __init__(self, config: Config, changes: ChatChanges) -> None:
        self._config = config
        self._changes = changes

    async def __call__(self) -> tuple[Setting, ...]:
        changed = {_full_key(change): change.value for change in await self._changes.all()}
        return tuple(
            Setting(s.key, changed[s.key], "chat") if s.key in changed else s for s in file_settings(self._config)
        )


def _full_key(change: Override) -> str:
    return f"hedges.{change.hedge}.{change.key}" if change.hedge else change.key


def file_settings(config: Config) -> tuple[Setting, ...]:
    """Every value of the file's models with where it came from; an unset one says what holds instead."""
    found: list[Setting] = [*_settings_of(config, "", skip=("hedges", "paper", "alerts", "chains"))]
    for name, section in (("paper", config.paper), ("alerts", config.alerts)):
        found.extend(_settings_of(section, f"{name}."))
    for name, chain in config.chains.items():
        found.extend(_settings_of(chain, f"chains.{name}."))
    for name, hedge in config.hedges.items():
        found.extend(_settings_of(hedge, f"hedges.{name}."))
    return tuple(found)


def _settings_of(model: Frozen, prefix: str, skip: Sequence[str] = ()) -> list[Setting]:
    return [
        Setting(f"{prefix}{key}", _shown_value(model, key), "file" if key in model.model_fields_set else "default")
        for key in type(model).model_fields
        if key not in skip
    ]


def _shown_value(model: Frozen, key: str) -> str:
    if isinstance(model, HedgeConfig):
        match key:
            case "delta_band_quote":
                return str(model.band_quote)
            case "delta_band_pct":
                return str(model.band_pct)
    value: object = getattr(model, key)
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()  # as the file spells it
    return UNSET.get(key, "unset") if value is None else str(value)


UNSET = {
    "delta_hysteresis_quote": "half the band",
    "approval_over_quote": "the larger of 1000 and 5 bands",
    "alert_over_quote": "2 bands",
}
