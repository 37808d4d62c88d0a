"""The configuration in force: the file, and over it what was set from chat, as far as the two still go together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot.chat_settings.keys import ALERTS, Key, is_settable, word_in_file
from bot.chat_settings.takes import raw_of
from bot.config_file import mistakes
from core.config import Config, HedgeConfig
from core.errors import ConfigurationError
from storage.overrides import Override

# Raises ConfigurationError for what no order could ever pass, as the exchange's rules are known at that moment.
Judge = Callable[[HedgeConfig], None]
COUNTS_WALLET = "include_wallet_base"


@dataclass(frozen=True, slots=True)
class Effective:
    """`kept`: what counts, in the order of setting. `outdated`: the file's own value changed since; `refused`: not
    allowed any more, each with a sentence why. What is of a hedge that the file does not have is in none of them.
    """

    config: Config
    kept: tuple[Override, ...] = ()
    outdated: tuple[Override, ...] = ()
    refused: tuple[tuple[Override, str], ...] = ()


def no_judge(_hedge: HedgeConfig) -> None:
    """Before the exchange's rules are known."""


def effective(file: Config, overrides: Iterable[Override], judge: Judge = no_judge) -> Effective:
    """Never fails: what does not go together with the file is left out."""
    known = _of_this_file(file, overrides)
    outdated = tuple(each for each in known if _is_outdated(file, each))
    left = [each for each in known if each not in outdated]
    try:
        return Effective(with_overrides(file, left, judge), tuple(left), outdated)
    except ConfigurationError:
        return _what_fits(file, left, outdated, judge)


def _of_this_file(file: Config, overrides: Iterable[Override]) -> list[Override]:
    """In the order of setting; a hedge that was set may be gone."""
    return [each for each in sorted(overrides, key=_age) if each.hedge in ("", *file.hedges)]


def with_overrides(file: Config, overrides: Sequence[Override], judge: Judge = no_judge) -> Config:
    """Raises ConfigurationError, one sentence, when the whole is not allowed."""
    config = _validated(_laid_over(file, overrides))
    for override in overrides:
        if override.key == COUNTS_WALLET and override.value == "true":
            _refuse_double_count(config, override.hedge)
    for name in sorted({override.hedge for override in overrides} - {""}):
        judge(config.hedges[name])
    return config


def _laid_over(file: Config, overrides: Iterable[Override]) -> dict[str, Any]:
    data: dict[str, Any] = file.model_dump(exclude_unset=True)
    for override in overrides:
        key = key_of(override)
        if not is_settable(key):
            raise ConfigurationError(f"{key.full} is not a setting that can be changed from chat.")
        _section(data, key)[key.field] = raw_of(key, override.value, "")
    return data


def _validated(data: Mapping[str, Any]) -> Config:
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(f"{'; '.join(mistakes(error, Config))}.") from None


def key_of(override: Override) -> Key:
    """Also of one that the file does not allow any more."""
    return Key(override.hedge, override.key)


def _what_fits(file: Config, left: list[Override], outdated: tuple[Override, ...], judge: Judge) -> Effective:
    """One after the other, and again while that helps: some are allowed only beside others."""
    kept: list[Override] = []
    config, refused = file, dict[Override, str]()
    pending = left
    while pending:
        refused = {}
        for override in pending:
            try:
                config = with_overrides(file, [*kept, override], judge)
                kept.append(override)
            except ConfigurationError as error:
                refused[override] = str(error)
        if len(refused) == len(pending):
            break
        pending = list(refused)
    return Effective(config, tuple(sorted(kept, key=_age)), outdated, tuple(refused.items()))


def _is_outdated(file: Config, override: Override) -> bool:
    """What cannot be set from chat at all is not: it is refused instead."""
    key = key_of(override)
    return is_settable(key) and word_in_file(file, key) != override.file_value


def _section(data: dict[str, Any], key: Key) -> dict[str, Any]:
    if key.hedge:
        found: dict[str, Any] = data["hedges"][key.hedge]
        return found
    return data.setdefault(ALERTS, {}) if key.is_alert else data


def _refuse_double_count(config: Config, name: str) -> None:
    """One wallet's BASE counted by two hedges would be hedged twice; whether it is one BASE is found out at a start."""
    this = config.hedges[name]
    for other, hedge in config.hedges.items():
        if other != name and hedge.include_wallet_base and _wallet_of(hedge) == _wallet_of(this):
            raise ConfigurationError(
                f"{other} counts that wallet already: whether {name} may too, hedge.toml and a start decide."
            )


def _wallet_of(hedge: HedgeConfig) -> tuple[str, str]:
    """On which chain, and its address however it is spelled."""
    return hedge.chain, (hedge.wallet or "").lower()


def _age(override: Override) -> tuple[object, ...]:
    return override.set_at, override.hedge, override.key
