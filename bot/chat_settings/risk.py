"""Which changes of a hedge raise its risk, by the table, and what that leads to."""

from __future__ import annotations

from decimal import Decimal

from bot.chat_settings.keys import Key, value_in
from bot.chat_settings.table import ROWS, Riskier, Row
from core.config import Config, HedgeConfig

MOST = Decimal("Infinity")
OFF_OR_NOT = (Riskier.HIGHER_OR_OFF, Riskier.LOWER_BUT_ON)
# What follows from others and is no less than this.
UNSET_AT_LEAST = {"approval_over_quote": Decimal(1000)}
ASKS_WHEN = {
    Riskier.HIGHER: "higher asks first",
    Riskier.HIGHER_OR_OFF: "higher asks first, and 0",
    Riskier.LOWER: "lower asks first",
    Riskier.LOWER_BUT_ON: "lower asks first, but 0",
    Riskier.EITHER: "any change asks first",
    Riskier.NEVER: "",
}
NOT_TOLD = "you are not told of it any more"
TOLD_LATER = "you are told of it later, or never"
# Thresholds and paces of alerts, by the way in which less is told.
TOLD_LESS = {
    "alerts.liquidation_distance_pct": Riskier.LOWER,
    "alerts.margin_ratio_pct": Riskier.HIGHER,
    "alerts.funding_pct_per_day": Riskier.HIGHER,
    "alerts.daily_loss_quote": Riskier.HIGHER,
    "alerts.repeat_seconds": Riskier.HIGHER,
    "alerts.silent_repeat_seconds": Riskier.HIGHER,
}


def dangers(key: Key, before: Config, after: Config) -> tuple[str, ...]:
    """What a change of this setting may lead to; empty when it is no riskier than before.

    A band may change another that follows from it, so that all of a hedge's settings are looked at.
    """
    if not key.hedge:
        return _told_less(key, before, after) if key.is_alert else ()
    old, new = before.hedges[key.hedge], after.hedges[key.hedge]
    found = (row.danger for row in ROWS.values() if is_riskier(row, in_force(old, row.key), in_force(new, row.key)))
    return tuple(dict.fromkeys(found))


def is_riskier(row: Row, before: object, after: object) -> bool:
    """What follows from others (None) can hardly be compared: a change to or from it mostly counts as riskier."""
    if before == after:
        return False
    match row.riskier:
        case tuple(words):
            return words.index(_word(after)) > words.index(_word(before))
        case Riskier.NEVER:
            return False
        case way:
            return _is_riskier_size(row.key, way, _size(way, before), _size(way, after))


def danger_in_words(row: Row) -> str:
    """Which values ask first, and what they lead to; empty when none does."""
    return f"{_asks_when(row)}: {row.danger}" if row.danger else ""


def _asks_when(row: Row) -> str:
    if isinstance(row.riskier, tuple):
        return f"{' and '.join(row.riskier[1:])} asks first"
    return ASKS_WHEN[row.riskier]


def in_force(hedge: HedgeConfig, key: str) -> object:
    """As the decision takes it: bands that vanish are 0, a cap that is not set is none."""
    match key:
        case "hedge_threshold":
            return hedge.threshold_base
        case "delta_band_quote":
            return hedge.band_quote
        case "delta_band_pct":
            return hedge.band_pct
        case "max_position_notional":
            return hedge.max_position_notional or Decimal(0)
    return getattr(hedge, key)


def _is_riskier_size(key: str, way: Riskier, old: Decimal | None, new: Decimal | None) -> bool:
    if old is None:
        return new is None or new > UNSET_AT_LEAST.get(key, -MOST)
    if new is None or way is Riskier.EITHER:
        return old != MOST
    return new < old if way in (Riskier.LOWER, Riskier.LOWER_BUT_ON) else new > old


def _size(way: Riskier, value: object) -> Decimal | None:
    """`off` stands for no limit at all, and so does 0 where the table says so."""
    if value is None:
        return None
    if value == "off":
        return MOST
    size = Decimal(str(value)) if not isinstance(value, bool) else Decimal(int(value))
    return MOST if way in OFF_OR_NOT and not size else size


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _told_less(key: Key, before: Config, after: Config) -> tuple[str, ...]:
    """A kind that is off, or a threshold of 0, which is off too; or one that is passed later."""
    old, new = value_in(before, key), value_in(after, key)
    if old == new:
        return ()
    if _is_off(new):
        return (NOT_TOLD,)
    way = TOLD_LESS.get(key.name)
    if way is None or _is_off(old):
        return ()
    lower = Decimal(str(new)) < Decimal(str(old))
    return (TOLD_LATER,) if lower is (way is Riskier.LOWER) else ()


def _is_off(value: object) -> bool:
    return value == "off" or not value
