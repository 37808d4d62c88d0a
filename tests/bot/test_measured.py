"""Alerts measured from what the hedges stand at: margin, liquidation, funding, range, blindness, the day's result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from bot import lasting, loudness, suspensions
from bot.live_config import LiveConfig
from bot.measures import FundingPace, funding_paid
from bot.notifier import Notifier
from bot.rendering.markup import plain
from core.clock import ManualClock
from core.config import AlertsConfig
from core.errors import Transient
from core.events import Event, EventKind
from core.status import HedgeStatus, LpStatus, PerpStatus
from storage.store import Store
from tests.bot.conftest import Desk
from tests.bot.samples import STATUS, T0, a_config
from tests.bot.test_notifier import pass_time, tell, titles


def of_perp(status: HedgeStatus = STATUS, **changes: object) -> HedgeStatus:
    perp: PerpStatus = replace(status.perp, **changes)  # type: ignore[arg-type]
    return replace(status, perp=perp)


def of_lp(**changes: object) -> HedgeStatus:
    lp: LpStatus = replace(STATUS.lp, **changes)  # type: ignore[arg-type]
    return replace(STATUS, lp=lp)


async def see(desk: Desk, *shown: HedgeStatus, for_s: float = 10) -> list[str]:
    """What is told while the hedges stand like that."""
    before = len(await desk.messages())
    desk.engine.shown = shown
    await pass_time(desk, for_s)
    return (await titles(desk))[before:]


async def test_low_margin_is_one_word_for_the_whole_account(two: Desk) -> None:
    """Aloud at the threshold, again when what is left halves, over with a margin of a fifth."""

    def at(needed: int) -> tuple[HedgeStatus, ...]:
        return tuple(
            of_perp(replace(STATUS, name=name), maintenance_margin=Decimal(needed), isolated=False)
            for name in ("bnb", "eth")
        )

    assert await see(two, *at(4999)) == []
    assert await see(two, *at(5001)) == ["🚨 the account's margin is low"]
    assert not (await two.messages())[0].silent
    assert await see(two, *at(7400)) == []
    assert await see(two, *at(7600)) == ["🚨 the account's margin is still low (worse than before)"]
    assert await see(two, *at(4001)) == []
    (over,) = await see(two, *at(4000))
    assert over.startswith("✅ the account has margin enough again after")


async def test_a_low_margin_is_over_at_any_limit(two: Desk) -> None:
    """Also at one so near to zero that no ratio is a fifth further from 100 than it."""
    two.live.put_in_force(a_config("bnb", "eth", alerts={"margin_ratio_pct": 10}))
    assert await see(two, of_perp(maintenance_margin=Decimal(1001), isolated=False)) == [
        "🚨 the account's margin is low"
    ]
    assert await see(two, of_perp(maintenance_margin=Decimal(801), isolated=False)) == []
    (over,) = await see(two, of_perp(maintenance_margin=Decimal(800), isolated=False))
    assert over.startswith("✅ the account has margin enough again after")


@pytest.mark.parametrize(("hour", "times"), [(16, 3), (20, 6), (14, 12), (13, 24)])
def test_the_hour_of_a_payment_tells_how_often_there_is_one(hour: int, times: int) -> None:
    """From the first look on: what is paid every hour is not taken for every eighth until one was seen."""
    status = of_perp(funding_rate=Decimal("-0.0001"), next_funding_time=T0.replace(hour=hour))
    paid = funding_paid(status, FundingPace().every(status.perp), AlertsConfig())
    assert paid.value == times * Decimal("0.01")


async def test_a_near_liquidation_counts_for_the_account_too(two: Desk) -> None:
    """Named with its hedge, price and distance in part of the mark."""
    near = of_perp(liquidation_price=Decimal(650), isolated=False)
    assert await see(two, near, replace(STATUS, name="eth")) == ["🚨 the account's margin is low"]
    assert "bnb is liquidated at 650 USDT, 7.44 % from the mark 605 USDT." in (await two.texts())[-1]


async def test_an_isolated_position_stands_for_itself(two: Desk) -> None:
    """Its own margin is not the account's."""
    near = of_perp(liquidation_price=Decimal(650), isolated=True)
    assert await see(two, near, replace(STATUS, name="eth")) == ["🚨 bnb: liquidation is near"]


async def test_what_the_engine_says_itself_is_not_said_twice(desk: Desk) -> None:
    """Its own alarm comes with what it does about it."""
    await tell(desk, EventKind.LIQUIDATION_NEAR, distance_pct="4")
    assert await see(desk, of_perp(liquidation_price=Decimal(629), isolated=True)) == []


async def test_figures_that_are_not_current_measure_nothing(desk: Desk) -> None:
    """A blind venue's last figures neither begin nor end an alert."""
    low = of_perp(maintenance_margin=Decimal(9000))
    assert await see(desk, replace(low, venue_age_s=300)) == []
    assert len(await see(desk, low)) == 1
    assert await see(desk, replace(STATUS, venue_age_s=300)) == []
    assert await see(desk, of_perp(position_base=None, maintenance_margin=None, margin_balance=None)) == []
    assert len(await see(desk, STATUS)) == 1


@pytest.mark.parametrize(("rate", "told"), [("-0.00034", 1), ("-0.0003", 0), ("0.0009", 0)])
async def test_adverse_funding_is_told_once_a_day(desk: Desk, rate: str, told: int) -> None:
    """The short pays while the rate is negative: 0.1 % a day is 0.034 % every eight hours."""
    assert len(await see(desk, of_perp(funding_rate=Decimal(rate)), for_s=400)) == told
    assert not any(message.silent for message in await desk.messages())
    assert await see(desk, of_perp(funding_rate=Decimal(rate)), for_s=7200) == []


async def test_funding_every_four_hours_costs_twice(desk: Desk) -> None:
    """Seen from the times of two payments."""
    rate = Decimal("-0.0002")
    assert await see(desk, of_perp(funding_rate=rate, next_funding_time=T0 + timedelta(hours=4)), for_s=600) == []
    later = of_perp(funding_rate=rate, next_funding_time=T0 + timedelta(hours=8))
    assert await see(desk, later, for_s=600) == ["💸 bnb: the perp position pays funding"]
    assert "0.12 % of it a day, 10.16 USDT a day" in (await desk.texts())[-1]


async def test_out_of_range_and_back(desk: Desk) -> None:
    """Which side, what the LP holds now, and one word when it is back; also after a restart, as it is measured."""
    assert await see(desk, of_lp(state="out_of_range", side="above"), for_s=60) == ["💧 bnb: price above the range"]
    assert "The LP holds only USDT now" in (await desk.texts())[-1]
    assert await see(desk, of_lp(state="out_of_range", side="above"), for_s=3600) == []
    (back,) = await see(desk, STATUS)
    assert back.startswith("💧 bnb: price is back in the range after 61 min")


async def test_a_price_at_the_ranges_edge_says_nothing(desk: Desk) -> None:
    """In and out each block is nothing new."""
    for _ in range(60):
        assert await see(desk, of_lp(state="out_of_range", side="below"), for_s=5) == []
        assert await see(desk, STATUS, for_s=5) == []


async def test_blindness_is_told_also_while_nothing_is_traded(desk: Desk) -> None:
    """A halted hedge has a short that somebody should look after; both ends are told once."""
    halted = replace(STATUS, state="SUSPENDED", reason="halted")
    assert await see(desk, halted, for_s=60) == []
    (told,) = await see(desk, replace(halted, venue_age_s=200.0), for_s=60)
    assert told.startswith("⚠️ bnb: blind: the exchange's data is too old")
    assert len(await see(desk, STATUS)) == 1


async def test_both_sides_unread_blame_neither_alone(desk: Desk) -> None:
    """Where no network is there the node is not the one to look at."""
    halted = replace(STATUS, state="SUSPENDED", reason="halted", venue_age_s=None, chain_age_s=None)
    (told,) = await see(desk, halted, for_s=60)
    assert told.startswith("⚠️ bnb: blind: neither the chain nor the exchange can be read")
    assert "Check the network" in (await desk.texts())[-1]


async def test_blindness_is_the_suspensions_business_once_it_goes_on(desk: Desk) -> None:
    """Resumed before the word was due: what is said of it then is no longer about a stop; nor told as over twice."""
    nothing_read = replace(STATUS, chain_age_s=None, venue_age_s=None, detail="The exchange does not answer.")
    halted = replace(nothing_read, state="SUSPENDED", reason="halted")
    resumed = replace(nothing_read, state="SUSPENDED", reason="stale_venue")
    assert await see(desk, halted, for_s=6) == []
    assert await see(desk, resumed, for_s=60) == []
    assert await see(desk, STATUS) == []


async def test_a_kind_that_is_off_says_nothing_until_it_is_on(store: Store, clock: ManualClock) -> None:
    """Switched on while the trouble lasts, it is told from its beginning; the pace is asked for at each use."""
    live = LiveConfig(a_config("bnb", alerts={"margin": "off"}))
    notifier = a_notifier(store, clock, live)
    low = of_perp(maintenance_margin=Decimal(9000))
    await notifier.tick((low,))
    assert await store.outbox.due(clock.now(), 10) == ()
    live.put_in_force(a_config("bnb", alerts={"margin": "loud", "repeat_seconds": 60}))
    await notifier.tick((low,))
    await clock.sleep(61)
    await notifier.tick((low,))
    assert len(await store.outbox.due(clock.now(), 10)) == 2


async def test_a_threshold_of_zero_is_off(store: Store, clock: ManualClock) -> None:
    """Each by itself."""
    off = {"liquidation_distance_pct": 0, "margin_ratio_pct": 0, "funding_pct_per_day": 0}
    notifier = a_notifier(store, clock, LiveConfig(a_config("bnb", alerts=off)))
    worst = of_perp(maintenance_margin=Decimal(9999), liquidation_price=Decimal(606), funding_rate=Decimal("-0.01"))
    for _ in range(100):
        await notifier.tick((worst,))
        await clock.sleep(5)
    assert await store.outbox.due(clock.now(), 10) == ()


class HandResult:
    """The day's result as set, an error instead when there is one."""

    def __init__(self) -> None:
        self.result: Decimal | None = None
        self.error: Transient | None = None

    async def __call__(self) -> Decimal | None:
        if self.error is not None:
            raise self.error
        return self.result


async def test_a_day_that_costs_too_much(store: Store, clock: ManualClock) -> None:
    """Told at the limit, when it has doubled, and when it is over; unknown changes nothing, and no error gets out."""
    day = HandResult()
    notifier = a_notifier(store, clock, LiveConfig(a_config("bnb", alerts={"daily_loss_quote": 100})), day)
    for result in (None, "-99", "-100", None, "-150", "-201", "-85", "-79"):
        day.result = None if result is None else Decimal(result)
        day.error = Transient("the database is busy") if result is None else None
        await notifier.look_at_the_day()
        await notifier.tick()
        await clock.sleep(61)
    texts = [message.text for message in await store.outbox.due(clock.now(), 10)]
    assert len(texts) == 3 and "-100 USDT since midnight" in texts[0] and "-201 USDT" in texts[1] and "-79" in texts[2]


def a_notifier(store: Store, clock: ManualClock, live: LiveConfig, day: HandResult | None = None) -> Notifier:
    return Notifier(
        log=store.events,
        outbox=store.outbox,
        approvals=store.approvals,
        offers=store.offers,
        config=live,
        clock=clock,
        zone=UTC,
        day_result=day,
    )


async def test_a_breach_that_is_worked_on_makes_no_sound_until_its_time_is_over(desk: Desk) -> None:
    """In silence while a plan covers it; aloud when the plan's time has passed, or it ended without success."""
    until = (desk.clock.now() + timedelta(seconds=30)).isoformat()
    figures = {"gap_base": "-2", "gap_quote": "1210", "limit_quote": "1000", "band_quote": "500"}
    await tell(desk, EventKind.EXPOSURE_BREACHED, covered_until=until, **figures)
    (quiet,) = await desk.messages()
    assert quiet.silent and "I am trading on it now." in quiet.text
    at_work = replace(STATUS, state="ADJUSTING", reason="executing", gap_quote=Decimal(1210))
    assert await see(desk, at_work, for_s=25) == []
    assert await see(desk, at_work, for_s=15) == ["🚨 bnb: exposure still over its limit"]
    assert not (await desk.messages())[-1].silent


async def test_a_plan_that_ends_early_covers_nothing_any_more(desk: Desk) -> None:
    """The breach stands and nobody works on it."""
    until = (desk.clock.now() + timedelta(seconds=300)).isoformat()
    await tell(desk, EventKind.EXPOSURE_BREACHED, covered_until=until, gap_quote="1210")
    assert await see(desk, replace(STATUS, gap_quote=Decimal(1210))) == ["🚨 bnb: exposure still over its limit"]
    assert not (await desk.messages())[-1].silent


def test_every_kind_has_its_key() -> None:
    """What the notifier looks up by name is there."""
    topics = [value for value in vars(lasting).values() if isinstance(value, lasting.Topic)]
    named = {topic.setting for topic in topics} | {setting for setting, _ in loudness.BY_SETTING.values()}
    named |= {*suspensions.SETTINGS.values(), "suspended"}
    kinds = {key for key, field in AlertsConfig.model_fields.items() if field.default in ("loud", "silent", "off")}
    assert named == kinds


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("awaiting_approval", "It waits for your answer: /pending."),
        ("halted", "It is halted, so nothing closes it: /resume hedges again."),
        ("paused", "It is paused, so nothing closes it"),
    ],
)
async def test_a_gap_that_the_operator_knows_of_makes_no_sound(desk: Desk, reason: str, words: str) -> None:
    """A question about it rings already, or it is the operator's own doing; one that has doubled rings all the same."""
    data = {"gap_base": "-2", "gap_quote": "1200", "limit_quote": "1000", "band_quote": "500", "reason": reason}
    await desk.notifier.append(Event(EventKind.EXPOSURE_BREACHED, "bnb", T0, data))
    (told,) = await desk.messages()
    assert told.silent and words in plain(told.text)
    open_gap = replace(STATUS, state="SUSPENDED", reason=reason, gap_quote=Decimal(2500))
    await see(desk, open_gap)
    assert not (await desk.messages())[-1].silent
