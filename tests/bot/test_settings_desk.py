"""`/set`, `/alerts` and `/config`: what is shown, asked, kept and put in force, over a real store."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.commands import COMMANDS, Does
from bot.operator import Reply
from bot.rendering.markup import plain, units
from core.config import Config, HedgeConfig
from core.errors import ConfigurationError
from core.events import EventKind
from storage.overrides import Override
from storage.store import Store
from tests.bot.conftest import BEN, Desk, make_desk
from tests.bot.samples import T0, a_config


def buttons(reply: Reply) -> dict[str, str]:
    return {button.label: button.data for row in reply.buttons for button in row}


async def said(desk: Desk, text: str, *, key: str | None = None) -> str:
    return plain((await desk.say(text, key=key)).text)


async def confirmed(desk: Desk, text: str) -> str:
    """What the message becomes by a yes."""
    result = await desk.press(buttons(await desk.say(text))["Yes"])
    assert result.edited is not None and not result.edited.buttons
    return plain(result.edited.text)


async def changes(desk: Desk) -> list[dict[str, str]]:
    events = await desk.store.events.recent(hedge=None, limit=99)
    return [dict(event.data) for event in reversed(events) if event.kind is EventKind.SETTING_CHANGED]


def hedge_of(desk: Desk) -> HedgeConfig:
    return desk.live.hedge("bnb")


async def restarted(desk: Desk, config: Config | None = None) -> Desk:
    """A fresh start on the same database a second later, with this file or the same."""
    await desk.clock.sleep(1)
    fresh = make_desk(desk.store, desk.clock, *desk.live.file.hedges, config=config or desk.live.file)
    await fresh.settings.load()
    return fresh


# changing


async def test_a_change_counts_at_once_and_after_a_restart(desk: Desk) -> None:
    """Without a question when it raises no risk: in force, the hedge woken, audited, told."""
    assert await said(desk, "/set cooldown_seconds 60") == (
        "✅ bnb cooldown_seconds: 30 s → 60 s. It counts from the next look on."
    )
    assert hedge_of(desk).cooldown_seconds == 60 and desk.engine.wakes == ["bnb"]
    (entry,) = await desk.store.audit.recent(9)
    assert (entry.actor, entry.source, entry.action) == ("Anna (tg:1)", "test", "set")
    assert entry.detail == "bnb cooldown_seconds 60: 30 s -> 60 s"
    assert await changes(desk) == [{"key": "cooldown_seconds", "value": "60 s", "old": "30 s", "by": "Anna (tg:1)"}]
    assert await desk.texts() == ["⚙️ bnb: setting changed: cooldown_seconds = 60 s (was 30 s), by Anna."]
    assert hedge_of(await restarted(desk)).cooldown_seconds == 60


async def test_a_change_that_raises_risk_asks_first(desk: Desk) -> None:
    """The question shows both values and what it leads to; nothing counts before the yes."""
    reply = await desk.say("/set max_slippage_bps 60")
    text = plain(reply.text)
    assert "bnb max_slippage_bps: 30 bps → 60 bps?" in text and "worse prices are taken" in text
    assert list(buttons(reply)) == ["Yes", "No"] and hedge_of(desk).max_slippage_bps == 30
    result = await desk.press(buttons(reply)["Yes"])
    assert result.toast.startswith("✅ bnb max_slippage_bps: 30 bps → 60 bps")
    assert hedge_of(desk).max_slippage_bps == 60
    (entry,) = await desk.store.audit.recent(9)
    assert entry.source == "button"


@pytest.mark.parametrize(
    "text",
    [
        "max_chain_age_seconds 1",
        "max_price_age_seconds 1",
        "max_per_hour 1",
        "twap_interval_seconds 3600",
        "approval_timeout_seconds 10",
        "alerts.liquidation_distance_pct 0.001",
        "alerts.margin_ratio_pct 99",
        "alerts.funding_pct_per_day 90",
        "alerts.repeat_seconds 31536000",
    ],
)
async def test_what_keeps_it_from_hedging_or_telling_asks_first(desk: Desk, text: str) -> None:
    """A limit that nothing ever meets is as good as off."""
    before = desk.live.now
    assert list(buttons(await desk.say(f"/set {text}"))) == ["Yes", "No"] and desk.live.now == before


async def test_being_told_earlier_is_not_asked(desk: Desk) -> None:
    """A limit of an alert where there was none, or a nearer one."""
    for text in ("daily_loss_quote 50", "daily_loss_quote 40", "liquidation_distance_pct 20", "margin_ratio_pct 40"):
        assert "✅" in await said(desk, f"/set alerts.{text}")


async def test_a_no_changes_nothing(desk: Desk) -> None:
    """And says so; its yes is closed then, as is a yes pressed twice or by someone else."""
    reply = await desk.say("/set approval_over_quote off")
    assert "closed" in (await desk.press(buttons(reply)["Yes"], actor=BEN)).toast
    result = await desk.press(buttons(reply)["No"])
    assert result.toast == "Nothing was done." and result.edited is not None
    assert "/set bnb approval_over_quote off" in plain(result.edited.text)
    assert "closed" in (await desk.press(buttons(reply)["Yes"])).toast
    assert hedge_of(desk).approval_over_quote is None and await changes(desk) == []


async def test_a_yes_is_good_for_a_short_time_only(desk: Desk) -> None:
    """Who finds the question later asks anew."""
    reply = await desk.say("/set max_per_hour 0")
    await desk.clock.sleep(91)
    assert "closed" in (await desk.press(buttons(reply)["Yes"])).toast and hedge_of(desk).max_per_hour == 30


async def test_a_yes_confirms_only_what_the_question_showed(desk: Desk) -> None:
    """When the value was changed meanwhile, nothing is done."""
    reply = await desk.say("/set max_slippage_bps 60")
    await desk.say("/set max_slippage_bps 20", actor=BEN)
    result = await desk.press(buttons(reply)["Yes"])
    assert "changed meanwhile" in result.toast and hedge_of(desk).max_slippage_bps == 20


async def test_a_yes_is_not_for_what_another_setting_made_of_it(desk: Desk) -> None:
    """The bands that follow from others are part of the question; it is asked anew as it stands now."""
    await desk.say("/set delta_band_quote 10")
    reply = await desk.say("/set hedge_threshold 0.5")
    assert "Also" not in plain(reply.text)
    result = await desk.press(buttons(await desk.say("/set delta_band_quote unset", actor=BEN))["Yes"], actor=BEN)
    assert result.toast.startswith("✅")
    again = await desk.press(buttons(reply)["Yes"])
    assert again.edited is not None and "Also: delta_band_quote" in plain(again.edited.text)
    assert hedge_of(desk).hedge_threshold is None
    done = await desk.press(buttons(again.edited)["Yes"])
    assert done.toast.startswith("✅") and hedge_of(desk).band_quote == 0


async def test_what_became_riskier_while_it_waited_is_asked(desk: Desk) -> None:
    """Two operators at the same moment: the second change is judged beside the first."""
    for text in ("hedge_threshold 0.5", "delta_band_quote 10"):
        await confirmed(desk, f"/set {text}")
    first, second = await asyncio.gather(
        desk.say("/set hedge_threshold 0", actor=BEN), desk.say("/set delta_band_quote unset")
    )
    assert "✅" in first.text and list(buttons(second)) == ["Yes", "No"]
    assert hedge_of(desk).band_quote == 10


async def test_a_redelivered_message_changes_nothing_again(desk: Desk) -> None:
    """Neither what came after it, nor the audit, nor the alerts."""
    await desk.say("/set cooldown_seconds 60", key="tg:9:1")
    await desk.say("/set cooldown_seconds 90", key="tg:9:2")
    assert await said(desk, "/set cooldown_seconds 60", key="tg:9:1") != ""
    again = await desk.say("/set cooldown_seconds 120", key="tg:9:2")
    assert plain(again.text) == "This message was carried out already."
    assert hedge_of(desk).cooldown_seconds == 90
    assert len(await desk.store.audit.recent(9)) == len(await changes(desk)) == 2


async def test_a_change_is_carried_to_its_end(desk: Desk) -> None:
    """Also when whoever asked is cancelled in the middle: what is stored is in force, and told."""
    asking = asyncio.create_task(desk.say("/set cooldown_seconds 60"))
    while not await desk.store.overrides.all():
        if asking.done():
            break
        await asyncio.sleep(0)
    asking.cancel()
    while not await changes(desk):
        await asyncio.sleep(0)
    assert desk.live.now == (await restarted(desk)).live.now
    assert hedge_of(desk).cooldown_seconds == 60


async def test_an_old_message_sets_nothing(desk: Desk) -> None:
    """What was typed while the program was away is not obeyed."""
    reply = await desk.say("/set cooldown_seconds 60", age_s=200)
    assert "Too old" in reply.text and hedge_of(desk).cooldown_seconds == 30


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cooldown_seconds -3", "hedges.bnb.cooldown_seconds = -3 is not allowed: it must be at least 0."),
        ("cooldown_seconds abc", 'cooldown_seconds = "abc" is not allowed: it must be a whole number (s)'),
        ("cooldown_seconds 1.5", "it must be a whole number"),
        ("cooldown_seconds ٣٠", "it must be a whole number"),
        ("cooldown_seconds 1_000", "it must be a whole number"),
        ("cooldown_seconds true", "it must be a whole number"),
        ("hedge_ratio 1.01", "it must be at most 1."),
        ("hedge_ratio nan", "it must be a number"),
        ("hedge_ratio 0,5", "it must be a number"),
        ("hedge_ratio 1e-1", "it must be a number"),
        (f"max_order_quote {'9' * 5000}", "it must be a number"),
        ("order_type stop", 'it must be "market", "limit" or "post_only".'),
        ("enabled maybe", "it must be true or false."),
        ("alerts.breach shout", 'it must be "loud", "silent" or "off".'),
        ("include_wallet_base true", "include_wallet_base = true needs wallet."),
        ("cooldown_seconds unset", "it must be a whole number"),
        ("cooldown_seconds 60 90", "One value, please"),
        ("moon <b>5</b>", "I know no setting 'moon'"),
        ("mode live", "paper or live is decided at the machine"),
    ],
)
async def test_what_is_not_allowed_is_said_and_changes_nothing(desk: Desk, text: str, sentence: str) -> None:
    """By the configuration's own models, in their words."""
    assert sentence in await said(desk, f"/set {text}")
    assert desk.live.now == desk.live.file and await desk.store.overrides.all() == ()
    assert await changes(desk) == [] and await desk.store.audit.recent(9) == ()


async def test_all_of_the_configuration_is_judged(desk: Desk) -> None:
    """One band may go only while another is there."""
    assert "✅" in await said(desk, "/set delta_band_quote 0")
    assert "all bands are off" in await said(desk, "/set delta_band_pct 0")
    assert hedge_of(desk).band_pct == 2


async def test_live_mode_keeps_its_largest_short(store: Store, desk: Desk) -> None:
    """What live mode requires cannot be switched off from chat."""
    data = a_config("bnb").model_dump(exclude_unset=True)
    data["hedges"]["bnb"]["max_position_notional"] = 500
    live = make_desk(store, desk.clock, "bnb", config=Config.model_validate({**data, "mode": "live"}))
    for word in ("0", "unset"):
        assert "is required in live mode" in await said(live, f"/set max_position_notional {word}")


@pytest.mark.parametrize("text", ["60s", "= 60", "'60'", "60 s", "060", "60.0"])
async def test_a_number_may_be_written_in_several_ways(desk: Desk, text: str) -> None:
    """With its unit, as in the file, in quotes; it is stored in one spelling."""
    assert "✅" in await said(desk, f"/set cooldown_seconds {text}")
    assert hedge_of(desk).cooldown_seconds == 60
    assert [override.value for override in await desk.store.overrides.all()] == ["60"]


async def test_default_goes_back_to_the_file(desk: Desk) -> None:
    """As does setting the file's own value; both drop what was set from chat, and ask when that raises risk."""
    await desk.say("/set max_slippage_bps 20")
    assert "20 bps → 30 bps" in await confirmed(desk, "/set max_slippage_bps default")
    assert await desk.store.overrides.all() == () and desk.live.now == desk.live.file
    await desk.say("/set cooldown_seconds 60")
    await confirmed(desk, "/set cooldown_seconds 30")
    assert await desk.store.overrides.all() == ()
    assert "is 30 s already" in await said(desk, "/set cooldown_seconds default")


async def test_what_follows_from_a_change_is_shown(desk: Desk) -> None:
    """A threshold alone makes the other bands vanish."""
    text = plain((await desk.say("/set hedge_threshold 0.5")).text)
    assert "Also: delta_band_quote unset (50 USDT) → unset (0 USDT); delta_band_pct unset (2 %) → unset (0 %)." in text


async def test_a_new_contradiction_is_said_once(desk: Desk) -> None:
    """Allowed, but worth a look; what was so before is no news."""
    assert "is stricter than max_slippage_bps" in await said(desk, "/set urgent_slippage_bps 10")
    assert "stricter" not in await said(desk, "/set cooldown_seconds 60")


async def test_settings_change_while_halted(desk: Desk) -> None:
    """A stop is no reason to wait with the cure."""
    desk.engine.shown = tuple(replace(status, state="SUSPENDED", reason="halted") for status in desk.engine.shown)
    assert "✅" in await said(desk, "/set cooldown_seconds 60")


async def test_the_exchanges_rules_are_asked_too(desk: Desk) -> None:
    """A limit under which no order could ever pass is refused, and one of an earlier run is dropped with a notice."""

    def judge(hedge: HedgeConfig) -> None:
        if 0 < hedge.max_order_quote < 5:
            raise ConfigurationError("max_order_quote must allow 5 QUOTE")

    assert "✅" in await said(desk, "/set max_order_quote 2")
    await desk.settings.judge_by(judge)
    assert desk.live.now == desk.live.file and await desk.store.overrides.all() == ()
    assert (await changes(desk))[-1]["by"].startswith("hedge.toml: the chat's value is not allowed")
    assert "must allow 5 QUOTE" in await said(desk, "/set max_order_quote 3")
    assert "✅" in await said(desk, "/set max_order_quote 6")


# several hedges


async def test_which_hedge_is_asked(two: Desk) -> None:
    """A button for each; the value typed comes along, and risk is asked about after it."""
    reply = await two.say("/set max_slippage_bps 60")
    assert list(buttons(reply)) == ["bnb", "eth"]
    result = await two.press(buttons(reply)["eth"])
    assert result.edited is not None and "eth max_slippage_bps: 30 bps → 60 bps?" in plain(result.edited.text)
    await two.press(buttons(result.edited)["Yes"])
    assert two.live.hedge("bnb").max_slippage_bps == 30 and two.live.hedge("eth").max_slippage_bps == 60
    assert two.engine.wakes == ["eth"]


async def test_a_hedge_may_be_named(two: Desk) -> None:
    """Before the key, with a dot or a space."""
    await two.say("/set eth cooldown_seconds 60")
    await two.say("/set bnb.cooldown_seconds 90")
    assert (two.live.hedge("bnb").cooldown_seconds, two.live.hedge("eth").cooldown_seconds) == (90, 60)


# the start


async def test_a_changed_file_wins_with_a_notice(desk: Desk) -> None:
    """Only for its own key; the other change from chat stays."""
    await desk.say("/set cooldown_seconds 60")
    await desk.say("/set max_retries 5")
    data = desk.live.file.model_dump(exclude_unset=True)
    data["hedges"]["bnb"]["cooldown_seconds"] = 45
    fresh = await restarted(desk, Config.model_validate(data))
    assert hedge_of(fresh).cooldown_seconds == 45 and hedge_of(fresh).max_retries == 5
    assert [override.key for override in await desk.store.overrides.all()] == ["max_retries"]
    assert (await fresh.texts())[-1] == (
        "⚙️ bnb: setting changed: cooldown_seconds = 45 s (was 60), by hedge.toml: its own value of it changed."
    )
    assert len(await changes(await restarted(fresh))) == 3


async def test_an_impossible_override_never_keeps_it_from_starting(desk: Desk) -> None:
    """It is dropped, and the operator hears why."""
    await desk.say("/set delta_band_quote 0")
    data = desk.live.file.model_dump(exclude_unset=True)
    data["hedges"]["bnb"]["delta_band_pct"] = 0
    fresh = await restarted(desk, Config.model_validate(data))
    assert hedge_of(fresh).band_quote == 50 and await desk.store.overrides.all() == ()
    assert "all bands are off" in (await fresh.texts())[-1]


async def test_settings_of_paper_do_not_count_live(store: Store, desk: Desk) -> None:
    """Going live inherits nothing."""
    await confirmed(desk, "/set approval_over_quote off")
    path = store.database.path
    async with await Store.open(path, scope="live:abcd", clock=desk.clock) as other:
        fresh = await restarted(make_desk(other, desk.clock, "bnb"))
        assert fresh.live.now == fresh.live.file


# showing


async def test_a_setting_is_explained(desk: Desk) -> None:
    """Value with unit, origin, limits, what 0 means, which way asks."""
    await desk.say("/set cooldown_seconds 60")
    assert (await said(desk, "/set cooldown_seconds")).splitlines() == [
        "⚙️ bnb cooldown_seconds",
        "The pause between rebalances.",
        "Now: 60 s, from chat by Anna, 2026-03-01 12:00 UTC",
        "Without that: 30 s (default)",
        "Takes: a whole number (s), at least 0, at most 31,536,000; 0: no pause",
        "Lower asks first: more trades, more cost.",
        "/set bnb cooldown_seconds VALUE changes it, default takes that back.",
    ]


async def test_words_are_buttons(desk: Desk) -> None:
    """The other values of a setting of words, and the way back; a press does what typing does."""
    reply = await desk.say("/set order_type")
    assert list(buttons(reply)) == ["limit", "post_only"]
    asked = await desk.press(buttons(reply)["limit"])
    assert asked.edited is not None and "market → limit?" in asked.edited.text
    await desk.press(buttons(asked.edited)["Yes"])
    assert hedge_of(desk).order_type == "limit"
    assert list(buttons(await desk.say("/set order_type"))) == ["market", "post_only", "default"]


async def test_every_setting_has_a_screen(desk: Desk) -> None:
    """Each fits one message and says what it takes."""
    for setting in desk.settings.all():
        key = setting.key.removeprefix("hedges.bnb.")
        text = await said(desk, f"/set {key}")
        assert units(text) < 700 and (text.startswith("⚙️ ") or "hedge.toml" in text or "follow" in text), key


async def test_set_alone_lists_what_can_be_set(desk: Desk, two: Desk) -> None:
    """With the values of the only hedge, or of the one named; what chat changed is marked."""
    await desk.say("/set cooldown_seconds 60")
    text = await said(desk, "/set")
    assert "cooldown_seconds* 60 s" in text and "max_order_quote 0 USDT (no limit)" in text and "mode" not in text
    assert "cooldown_seconds, max_per_hour" in await said(two, "/set")
    assert "Settings of eth" in await said(two, "/set eth")
    assert units(text) < 4096


async def test_alerts_show_and_change_how_loud_each_is(desk: Desk) -> None:
    """A button for each kind, then one for each word; off asks."""
    reply = await desk.say("/alerts")
    text = plain(reply.text)
    assert (
        "🔊 breach the missing trade is large" in text
        and "🔈 lp liquidity was added" in text
        and "repeat_seconds: 3,600 s" in text
    )
    shown = await desk.press(buttons(reply)["🔊 breach"])
    assert shown.edited is not None and list(buttons(shown.edited)) == ["silent", "off"]
    asked = await desk.press(buttons(shown.edited)["off"])
    assert asked.edited is not None and "alerts.breach: loud → off?" in plain(asked.edited.text)
    await desk.press(buttons(asked.edited)["Yes"])
    assert desk.live.alerts.breach == "off"
    assert "✅" in await said(desk, "/alerts lp loud") and desk.live.alerts.lp == "loud"
    assert "✅" in await said(desk, "/alerts repeat_seconds 60") and desk.live.alerts.repeat_seconds == 60
    assert "did you mean alerts.breach?" in await said(desk, "/alerts brech off")
    assert (await restarted(desk)).live.alerts == desk.live.alerts


async def test_config_shows_everything_of_one_hedge(desk: Desk) -> None:
    """Chat's changes with who and when, the file's own, and the defaults in short; it fits one message."""
    await desk.say("/set cooldown_seconds 60")
    for text in (await said(desk, "/config"), await said(desk, "/config bnb")):
        assert "cooldown_seconds = 60 ← from chat by Anna, 2026-03-01 12:00 UTC" in text
        assert "\nsymbol = BNBUSDT" in text and "max_per_hour 30" in text and "delta_band_quote 50" in text
        assert "approval_over_quote the larger of 1000 and 5 bands" in text
        assert all(field in text for field in HedgeConfig.model_fields)
        assert units(text) < 4096


async def test_config_of_several_hedges_shows_what_is_no_default(two: Desk) -> None:
    """And how to see the rest."""
    await two.say("/set eth cooldown_seconds 60")
    text = await said(two, "/config")
    assert "hedges.eth.cooldown_seconds = 60 ← from chat by Anna" in text and "max_per_hour" not in text
    assert "max_per_hour 30" in await said(two, "/config eth")
    assert "I know no hedge" in await said(two, "/config <b>")


async def test_what_changes_settings_needs_a_fresh_message(desk: Desk) -> None:
    """Both commands are in the table, with an age."""
    assert {command.name for command in COMMANDS if command.does is Does.SET} == {"set", "alerts"}
    assert all(command.max_age_s for command in COMMANDS if command.does is Does.SET)


async def test_foreign_rows_do_no_harm(desk: Desk) -> None:
    """A row that was written by hand is not obeyed where chat would not be."""
    rows = (("", "mode", "live"), ("bnb", "wallet", "0x1"), ("gone", "cooldown_seconds", "5"), ("bnb", "nothing", "1"))
    for hedge, key, value in rows:
        await _write(desk.store, Override(hedge, key, value, None, "someone", T0 + timedelta(0)))
    fresh = await restarted(desk)
    assert fresh.live.now == fresh.live.file
    assert [override.hedge for override in await desk.store.overrides.all()] == ["gone"]


async def _write(store: Store, override: Override) -> None:
    await store.database.write(
        "INSERT INTO overrides (scope, hedge, key, value, actor, set_at) VALUES (?, ?, ?, ?, ?, ?)",
        (store.scope, override.hedge, override.key, override.value, override.actor, "2026-03-01T12:00:00.000000Z"),
    )


async def test_of_two_at_once_each_sees_what_the_other_did(desk: Desk) -> None:
    """Nothing is lost between two operators, and no change is told that was none."""
    replies = await asyncio.gather(*(desk.say(f"/set cooldown_seconds {seconds}") for seconds in (60, 60, 90)))
    done = [reply for reply in replies if "✅" in reply.text]
    assert len(done) == len(await changes(desk)) == len(await desk.store.audit.recent(9)) == 1
    assert all("meanwhile" in reply.text for reply in replies if reply not in done)
    assert desk.live.now == (await restarted(desk)).live.now
