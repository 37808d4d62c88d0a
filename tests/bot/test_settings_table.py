"""Which settings there are, what they take, what raises risk, and what of the chat's goes with a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from bot.chat_settings.contradictions import contradictions
from bot.chat_settings.effective import effective
from bot.chat_settings.keys import Key, Named, named, settable_keys
from bot.chat_settings.risk import dangers
from bot.chat_settings.table import GROUPS, NOT_FROM_CHAT, ROWS, SECTIONS_NOT_FROM_CHAT, ZERO, Riskier
from bot.chat_settings.takes import takes, unit_of
from bot.rendering.settings import ALERTS
from core.config import AlertsConfig, Config, HedgeConfig
from core.errors import ConfigurationError
from storage.overrides import Override
from tests.bot.samples import T0, a_config

SECTIONS = {"hedges", "alerts"}


def changed(config: Config, **values: object) -> Config:
    """With these of the first hedge."""
    name = next(iter(config.hedges))
    data = config.model_dump(exclude_unset=True)
    data["hedges"][name].update(values)
    return Config.model_validate(data)


def an_override(key: str, value: str, *, hedge: str = "bnb", file: str | None = None, minutes: int = 0) -> Override:
    return Override(hedge, key, value, file, "Anna (tg:1)", T0 + timedelta(minutes=minutes))


# the table


def test_every_key_of_a_hedge_is_settable_or_says_why_not_exactly_once() -> None:
    """A new setting must be put into the table, with its risk, or among those that chat cannot set."""
    rows = [row.key for rows in GROUPS.values() for row in rows]
    assert sorted([*rows, *(key for key in NOT_FROM_CHAT if key in HedgeConfig.model_fields)]) == sorted(
        HedgeConfig.model_fields
    )
    assert len(rows) == len(ROWS)
    assert {key for key in NOT_FROM_CHAT if key not in HedgeConfig.model_fields} == {"mode", "timezone"}
    assert {*SECTIONS_NOT_FROM_CHAT, *SECTIONS} < set(Config.model_fields)
    assert set(ZERO) <= set(ROWS)


def test_words_of_the_table_are_the_models() -> None:
    """The order from safest to riskiest names each word that the model takes, and no other."""
    for row in ROWS.values():
        known = takes(Key("bnb", row.key))
        assert isinstance(row.riskier, tuple) <= bool(known.choices), row.key
        if isinstance(row.riskier, tuple):
            assert sorted(row.riskier) == sorted(known.choices), row.key
        assert row.danger or row.riskier is Riskier.NEVER, row.key


def test_alerts_are_taken_from_the_model() -> None:
    """Each of its fields is settable, and nothing beside the hedges' own."""
    names = [key.name for key in settable_keys(a_config("bnb")) if not key.hedge]
    assert [name for name in names if name.startswith("alerts.")] == [
        f"alerts.{name}" for name in AlertsConfig.model_fields
    ]
    assert "alerts.repeat_seconds" in names and "mode" not in names


@pytest.mark.parametrize(
    ("key", "before", "after", "asks"),
    [
        ("max_position_notional", 500, 5000, True),
        ("max_position_notional", 5000, 500, False),
        ("max_position_notional", 500, 0, True),
        ("max_position_notional", None, 500, False),
        ("max_position_notional", 500, None, True),
        ("max_order_quote", 0, 100, False),
        ("max_order_quote", 100, 0, True),
        ("approval_over_quote", 100, 1000, True),
        ("approval_over_quote", 100, "off", True),
        ("approval_over_quote", "off", 100, False),
        ("approval_over_quote", "off", None, False),
        ("approval_over_quote", 100, 0, False),
        ("approval_over_quote", None, 500, False),
        ("approval_over_quote", None, 5000, True),
        ("approval_over_quote", 5000, None, True),
        ("approval_on_timeout", "hold", "partial", True),
        ("approval_on_timeout", "partial", "hold", False),
        ("hedge_ratio", 1, "0.5", True),
        ("max_slippage_bps", 30, 40, True),
        ("max_slippage_bps", 30, 0, True),
        ("max_slippage_bps", 0, 30, False),
        ("min_liquidation_distance_pct", 15, 10, True),
        ("deleverage_below_pct", 5, 0, True),
        ("min_available_balance_quote", 0, 100, False),
        ("max_chain_age_seconds", 30, 60, True),
        ("max_basis_bps", 100, 0, True),
        ("max_jump_pct", 50, 20, False),
        ("on_chain_blind", "hold", "estimate", True),
        ("adopt_external", "ask", "auto", True),
        ("enabled", True, False, True),
        ("enabled", False, True, False),
        ("delta_band_quote", 50, 60, True),
        ("delta_band_quote", 50, 0, False),
        ("delta_band_quote", None, 40, False),
        ("hedge_threshold", None, "0.5", True),
        ("hedge_threshold", "0.5", None, True),
        ("force_rebalance_seconds", 0, 60, True),
        ("force_rebalance_seconds", 60, 0, False),
        ("cooldown_seconds", 30, 0, True),
        ("cooldown_seconds", 30, 60, False),
        ("max_per_hour", 30, 0, True),
        ("price_type", "mid", "mark", False),
    ],
)
def test_what_raises_risk_asks(key: str, before: object, after: object, asks: bool) -> None:
    """0 is the largest cap of all; a band that brings another one back is judged by both."""
    config = a_config("bnb")
    old, new = changed(config, **{key: before}), changed(config, **{key: after})
    assert bool(dangers(Key("bnb", key), old, new)) is asks


def test_an_alert_that_is_switched_off_asks() -> None:
    """Louder or quieter does not, silence does; a threshold of 0 is off."""
    loud, silent, off = (a_config("bnb", alerts={"breach": how}) for how in ("loud", "silent", "off"))
    key = Key("", "alerts.breach")
    assert not dangers(key, loud, silent) and not dangers(key, off, loud) and dangers(key, silent, off)
    never = a_config("bnb", alerts={"repeat_seconds": 0})
    assert dangers(Key("", "alerts.repeat_seconds"), loud, never)


@pytest.mark.parametrize(
    ("key", "words", "unit"),
    [
        ("cooldown_seconds", "a whole number (s), at least 0, at most 31,536,000", "s"),
        ("hedge_ratio", "a number, above 0, at most 1", ""),
        ("poll_seconds", "a number (s), at least 0.2, at most 3,600", "s"),
        ("max_order_size", "a number (BNB), at least 0", "BNB"),
        ("max_position_notional", "a number (USDT), at least 0 or unset", "USDT"),
        ("approval_over_quote", "off or a number (USDT), at least 0 or unset", "USDT"),
        ("order_type", "market, limit, post_only", ""),
        ("enabled", "true, false", ""),
        ("max_slippage_bps", "a number (bps), at least 0, at most 5,000", "bps"),
    ],
)
def test_limits_and_units_are_the_models(key: str, words: str, unit: str) -> None:
    """What may be typed is read off the configuration's own models."""
    place = Key("bnb", key)
    assert unit_of(place, a_config("bnb").hedges) == unit
    assert takes(place).in_words(unit) == words


# what was typed


@pytest.mark.parametrize(
    ("text", "key", "rest"),
    [
        ("cooldown_seconds", Key("bnb", "cooldown_seconds"), ()),
        ("COOLDOWN-seconds 60", Key("bnb", "cooldown_seconds"), ("60",)),
        ("bnb cooldown_seconds 60", Key("bnb", "cooldown_seconds"), ("60",)),
        ("bnb.cooldown_seconds 60", Key("bnb", "cooldown_seconds"), ("60",)),
        ("hedges.bnb.cooldown_seconds 60", Key("bnb", "cooldown_seconds"), ("60",)),
        ("hedge_cooldown_seconds", Key("bnb", "cooldown_seconds"), ()),
        ("rebalance_interval 5", Key("bnb", "poll_seconds"), ("5",)),
        ("alerts.breach off", Key("", "alerts.breach"), ("off",)),
        ("alerts breach off", Key("", "alerts.breach"), ("off",)),
    ],
)
def test_a_setting_is_named_in_many_ways(text: str, key: Key, rest: tuple[str, ...]) -> None:
    """With the hedge before it or not, as in the file, or as other programs call it."""
    assert named(text.split(), ("bnb",)) == Named(key, key.name, rest)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cooldown 60", "did you mean cooldown_seconds?"),
        ("bnb.delta_bnd_quote 60", "did you mean delta_band_quote?"),
        ("alerts.brech", "did you mean alerts.breach?"),
        ("zzz 1", "/set lists them"),
        ("eth.cooldown_seconds 60", "I know no hedge 'eth'; there is bnb."),
        ("mode live", "mode: paper or live is decided at the machine"),
        ("timezone UTC", "timezone: it is read at the start"),
        ("bnb mode live", "mode: paper or live"),
        ("wallet 0x0", "addresses cannot be set from chat"),
        ("hedges.bnb.pool_id 0x0", "addresses cannot be set from chat"),
        ("symbol ETHUSDT", "set it in hedge.toml"),
        ("leverage 20", "only at a start while nothing is held"),
        ("chains.bsc.multicall 0x0", "chains and their addresses cannot be set from chat"),
        ("paper.balance_quote 5", "the paper account begins with it"),
        ("BINANCE_API_KEY x", "secrets and endpoints are in .env"),
        ("hedges", "/set lists them"),
    ],
)
def test_what_cannot_be_set_says_where_instead(text: str, sentence: str) -> None:
    """One sentence, and a likely name where there is one."""
    said = named(text.split(), ("bnb",))
    assert isinstance(said, str) and sentence in said


def test_of_several_hedges_one_must_be_named() -> None:
    """Unless the setting is the whole program's."""
    assert named(["cooldown_seconds", "60"], ("bnb", "eth")) == Named(None, "cooldown_seconds", ("60",))
    assert named(["alerts.lp"], ("bnb", "eth")) == Named(Key("", "alerts.lp"), "alerts.lp", ())


def test_a_hedge_may_be_called_as_a_setting_or_a_section_is() -> None:
    """Its settings and those of the same name are all within reach."""
    for name in ("enabled", "alerts"):
        assert named([name, "cooldown_seconds", "60"], (name,)) == Named(
            Key(name, "cooldown_seconds"), "cooldown_seconds", ("60",)
        )
    assert named(["enabled", "false"], ("enabled",)) == Named(Key("enabled", "enabled"), "enabled", ("false",))
    assert named(["alerts", "breach", "off"], ("alerts",)) == Named(Key("", "alerts.breach"), "alerts.breach", ("off",))


# with the file


def test_an_override_wins_until_the_files_value_changes() -> None:
    """Changed, newly named and no longer named all count; another spelling of the same number does not."""
    file = changed(a_config("bnb"), cooldown_seconds=30, delta_band_quote="50.00", max_per_hour=10)
    same = an_override("delta_band_quote", "60", file="50")
    unnamed = an_override("poll_seconds", "5")
    altered = an_override("cooldown_seconds", "60", file="20")
    newly = an_override("max_per_hour", "5")
    gone = an_override("max_retries", "5", file="4")
    found = effective(file, [same, unnamed, altered, newly, gone])
    assert set(found.kept) == {same, unnamed} and set(found.outdated) == {altered, newly, gone}
    assert found.config == changed(file, delta_band_quote=60, poll_seconds=5)


def test_what_is_not_allowed_beside_the_file_is_left_out_alone() -> None:
    """The rest counts; what is allowed only beside another is judged beside it, whatever came first."""
    file = a_config("bnb")
    refused = an_override("cooldown_seconds", "-1")
    unknown = an_override("no_such_key", "1")
    forbidden = an_override("mode", "live", hedge="")
    bands_off = [an_override(key, "0", minutes=1) for key in ("delta_band_quote", "delta_band_pct")]
    threshold = an_override("hedge_threshold", "0.5", minutes=2)
    found = effective(file, [refused, unknown, forbidden, *bands_off, threshold])
    assert {override for override, _ in found.refused} == {refused, unknown, forbidden}
    assert set(found.kept) == {*bands_off, threshold}
    assert found.config.hedges["bnb"].band_quote == 0 == found.config.hedges["bnb"].band_pct


def test_a_hedge_that_is_gone_from_the_file_does_no_harm() -> None:
    """Its settings wait for it, and are no news."""
    found = effective(a_config("eth"), [an_override("cooldown_seconds", "60", file="30")])
    assert found.config == a_config("eth") and not (found.kept or found.outdated or found.refused)


def test_the_exchanges_rules_count_where_they_are_known() -> None:
    """Of the hedges that were changed; what the file itself says is the start's business."""

    def judge(hedge: HedgeConfig) -> None:
        raise ConfigurationError(f"{hedge.symbol} allows none")

    change = an_override("max_order_size", "0.1")
    found = effective(a_config("bnb", "eth"), [change], judge)
    assert found.refused == ((change, "BNBUSDT allows none"),) and found.config == a_config("bnb", "eth")


def test_one_wallet_is_not_counted_twice_from_chat() -> None:
    """Which BASE it would be is found out at a start only."""
    wallet = {"wallet": f"0x{'a' * 40}", "include_wallet_base": True}
    file = changed(a_config("bnb", "eth"), **wallet)
    data = file.model_dump(exclude_unset=True)
    data["hedges"]["eth"]["wallet"] = f"0x{'A' * 40}"
    change = an_override("include_wallet_base", "true", hedge="eth")
    ((_, why),) = effective(Config.model_validate(data), [change]).refused
    assert "bnb counts that wallet already" in why


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"urgent_slippage_bps": 10}, "stricter"),
        ({"max_slippage_bps": 0}, "stricter"),
        ({"twap_interval_seconds": 90}, "nothing is sliced"),
        ({"urgent_band_multiple": "0.5", "order_type": "post_only"}, "every gap urgent"),
        ({"fallback": "none", "limit_timeout_seconds": 0, "order_type": "limit"}, "tried for ever"),
    ],
)
def test_contradictions_are_found(values: Mapping[str, object], word: str) -> None:
    """Each alone, in a clause that names the keys."""
    (clause,) = contradictions(changed(a_config("bnb"), **values).hedges["bnb"])
    assert word in clause and all(key in clause for key in list(values)[:1])


def test_usual_settings_do_not_contradict_each_other() -> None:
    """Neither the defaults nor what is off."""
    off = {"urgent_slippage_bps": 0, "twap_interval_seconds": 90, "twap_over_quote": 0, "urgent_band_multiple": "0.5"}
    assert contradictions(a_config("bnb").hedges["bnb"]) == ()
    assert contradictions(changed(a_config("bnb"), **off).hedges["bnb"]) == ()


def test_every_kind_of_alert_is_explained_in_a_few_words() -> None:
    """In the chat a name such as "foreign" alone says nothing."""
    kinds = {
        name for name, field in AlertsConfig.model_fields.items() if str(field.default) in ("loud", "silent", "off")
    }
    assert kinds == set(ALERTS)
