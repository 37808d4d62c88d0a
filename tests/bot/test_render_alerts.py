"""Alerts: what happened, the figures, what to do."""

from __future__ import annotations

from datetime import UTC

import pytest

from bot.alerting import Say
from bot.rendering.alerts import (
    TROUBLES,
    Course,
    Facts,
    Units,
    alert_text,
    recovered_text,
    suspended_text,
)
from bot.rendering.listings import help_text
from bot.rendering.markup import plain
from core.events import Event, EventKind
from core.hedging.states import EXPLANATIONS, Reason
from tests.bot.samples import T0, an_event

BNB = Units("BNB", "USDT")
EXECUTED = {
    "side": "SELL",
    "quantity_base": "4.20",
    "average_price": "605.0421",
    "fee_quote": "1.27059",
    "slippage_bps": "1.3",
    "position_base": "-14.2",
    "target_base": "-14.2043",
}


def said(kind: EventKind, **data: str) -> str:
    return plain(alert_text(Event(kind, "bnb", T0, data), UTC, BNB))


def begun(topic: str, **data: str) -> str:
    return plain(TROUBLES[topic].begun(Facts(data, BNB, UTC, "bnb"), Course(Say.FIRST)))


def over(topic: str, **data: str) -> str:
    return plain(TROUBLES[topic].over(Facts(data, BNB, UTC, "bnb"), 180))


def test_an_executed_hedge_tells_price_cost_and_where_it_stands() -> None:
    """Size and price in the title, fee and slippage, position against target."""
    assert said(EventKind.HEDGE_EXECUTED, **EXECUTED) == (
        "🔁 bnb: SELL 4.2 BNB @ 605.042 USDT\n"
        "Fee 1.27 USDT, slippage 1.3 bps.\n"
        "Position -14.2 BNB, target -14.2043 BNB."
    )


def test_an_executed_hedge_that_a_kill_kept_untold_says_so() -> None:
    """Nobody knows any more what it was to reach."""
    known = {key: value for key, value in EXECUTED.items() if key not in ("position_base", "target_base")}
    *_, last = said(EventKind.HEDGE_EXECUTED, **known, late="true").splitlines()
    assert last == "Traded just before the program was killed, told after its start. See /status."


def test_a_halt_tells_whether_a_person_or_the_program_did_it() -> None:
    """What the program found is no person's name, and is told in full."""
    after = "Nothing is traded until /resume, only /flatten still closes."
    assert said(EventKind.HALTED, by="Anna (tg:1)") == f"⛔ bnb: HALTED by Anna. {after}"
    found = "the database refused: UNIQUE constraint failed (orders.id)."
    assert said(EventKind.HALTED, why=found) == f"⛔ bnb: HALTED by the program itself: {found} {after}"


def test_a_breach_tells_gap_and_limit() -> None:
    """The gap in both units beside the limit it passed."""
    figures = {"gap_base": "-2", "gap_quote": "1210.2", "limit_quote": "1000", "band_quote": "500"}
    assert begun("breach", **figures) == (
        "🚨 bnb: exposure over its limit\n"
        "Gap -2 BNB = 1,210.2 USDT, alert limit 1,000 USDT, band 500 USDT.\n"
        "See /status for why it is not closed; /hedge trades to the target now."
    )


def test_a_ban_tells_until_when_and_what_is_unwatched() -> None:
    """With its day, as it may last three; what was not read is not called flat."""
    data = {"detail": "Binance banned this address", "until": "2026-03-03T13:42:10+00:00"}
    assert said(EventKind.VENUE_BANNED, **data, positions="BNBUSDT -14") == (
        "🚨 Binance banned this address until 2026-03-03 13:42 UTC.\n"
        "Until then I can read nothing there, and neither hedge nor reduce.\n"
        "The position is unwatched: BNBUSDT -14. Look after it in the exchange's own app, from another address.\n"
        "I send nothing meanwhile, which would only prolong it, and go on by myself afterwards."
    )
    assert "What is held there is unwatched." in said(EventKind.VENUE_BANNED, **data, positions="")


def test_a_key_at_risk_says_what_to_do_and_that_hedging_goes_on() -> None:
    """The detail's own full stop is not doubled."""
    assert said(EventKind.KEY_AT_RISK, detail="it may withdraw: take that right away at Binance.") == (
        "🔑 the key of the exchange is at risk: it may withdraw: take that right away at Binance.\n"
        "Hedging goes on, so that no short is left alone. While nothing is held, I do not start like this."
    )


def test_a_suspension_names_reason_and_what_to_do() -> None:
    """Words for the code, the detail, and advice."""
    assert plain(suspended_text("bnb", "stale_chain", "last block 45 s ago", times=3)) == (
        "⚠️ bnb: hedging suspended: the chain's data is too old (3 times lately).\n"
        "last block 45 s ago\n"
        "If it does not come back: check the node (RPC URL)."
    )


def test_a_recovery_tells_how_long_it_lasted() -> None:
    """The end of a suspension says what it was and for how long."""
    assert plain(recovered_text("bnb", "stale_chain", 190)) == (
        "✅ bnb: hedging again after 3 min (the chain's data is too old)."
    )


def test_a_command_that_came_to_nothing_says_why() -> None:
    """What was asked, what stood against it, and what becomes of it."""
    assert said(EventKind.COMMAND_DROPPED, command="hedge", reason="stale_chain", detail="") == (
        "⚠️ bnb: /hedge was not carried out: the chain's data is too old.\n"
        "If it does not come back: check the node (RPC URL)."
    )
    assert said(EventKind.COMMAND_WAITING, command="flatten", reason="stale_venue", detail="") == (
        "⚠️ bnb: /flatten still waits: the exchange's data is too old.\n"
        "It is carried out as soon as it can be; /resume takes it back."
    )


def test_a_mismatch_shows_both_figures() -> None:
    """The venue's position beside our own sum, and the two ways out."""
    assert said(EventKind.POSITION_MISMATCH, venue_base="-3", journal_base="-5.5") == (
        "🚨 bnb: the position is not ours alone\n"
        "Exchange -3 BNB, our own trades add up to -5.5 BNB.\n"
        "Hedging is suspended. /adopt takes the exchange's position as ours; or undo the foreign trade."
    )


def test_a_suspension_does_not_explain_itself_twice() -> None:
    """The decision's own sentence says what the words say already."""
    assert EXPLANATIONS[Reason.LOW_MARGIN] not in suspended_text("bnb", "low_margin", EXPLANATIONS[Reason.LOW_MARGIN])


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [("100", "150", "of position 7: +50 %."), ("0", "5", "7: newly opened."), ("5", "0", "7: all of it is gone.")],
)
def test_a_change_of_liquidity_is_told_in_proportion(before: str, after: str, change: str) -> None:
    """Raw liquidity means nothing to a person; how much it changed does."""
    text = said(EventKind.LP_LIQUIDITY_CHANGED, position_id="7", before=before, after=after, block="1")
    assert text.endswith(change)


@pytest.mark.parametrize("kind", list(EventKind))
def test_no_event_fails_for_lack_of_data(kind: EventKind) -> None:
    """An event with no data, or with markup in it, still becomes a message."""
    bare = said(kind)
    hostile = said(kind, reason="<b", detail="a & b", gap_quote="not a number", by="<i>")
    assert bare and hostile and "<b" not in alert_text(an_event(kind, detail="<blink>"), UTC, BNB).replace("<b>", "")


def test_help_comes_from_the_command_table() -> None:
    """Every command is listed once, with its arguments; what asks once more says so."""
    text = plain(help_text())
    assert "/reject ID [reason]: refuse a proposed hedge" in text
    assert "/flatten [NAME]: close the whole short and halt (asks once more)" in text


def test_an_estimated_breach_says_so() -> None:
    figures = {"gap_base": "-2", "gap_quote": "1210.2", "limit_quote": "1000", "band_quote": "500", "estimated": "true"}
    assert "≈ From an estimate: the chain cannot be read" in begun("breach", **figures)


BASIS = {"pool_price": "630", "mark_price": "600", "basis_bps": "500", "limit_bps": "100"}


@pytest.mark.parametrize(
    ("average", "says"),
    [
        ({"average_price": "601.25"}, "The pool's own average over the last 5 min is 601.25 USDT."),
        ({}, "The pool does not remember its own average."),
    ],
)
def test_a_basis_is_told_with_the_pools_own_average(average: dict[str, str], says: str) -> None:
    """It tells a pool that was pushed just now from one that has stood there for a while."""
    text = begun("basis", **BASIS, **average)
    assert "Pool 630 USDT, mark 600 USDT" in text
    assert says in text


def test_a_lost_push_is_no_drama() -> None:
    """Hedging goes on, and the end is told too."""
    lost = Event(EventKind.NEWS_LOST, None, T0, {"chain": "bsc", "detail": "node.example ended it"})
    assert plain(alert_text(lost, UTC, BNB)) == (
        "🔌 bsc pushes no new blocks: node.example ended it.\nHedging goes on by polling, only slower to react."
    )
    back = Event(EventKind.NEWS_BACK, None, T0, {"chain": "bsc"})
    assert plain(alert_text(back, UTC, BNB)) == "🔌 bsc pushes its blocks again."


def test_positions_found_together_are_one_message_with_their_number() -> None:
    """And where to read which they are."""
    text = alert_text(an_event(EventKind.POSITION_FOUND, position_id="9", others="41"), UTC, BNB)
    assert "41 more like it: `lp-hedge check` names them." in text
    assert "more like it" not in alert_text(an_event(EventKind.POSITION_FOUND, position_id="9"), UTC, BNB)


def test_a_thin_book_says_what_it_would_cost() -> None:
    """And what is done instead; a book that does not even hold the quantity says that."""
    data = {"side": "SELL", "quantity_base": "4.999", "price_cap": "1970.00", "expected_bps": "1187.5"}
    text = alert_text(Event(EventKind.SLIPPAGE_EXCEEDED, "eth", T0, data), UTC, BNB)
    assert "1,188 bps" in text
    assert "4.999" in text and "1,970" in text and "every 2 s" in text
    shallow = alert_text(Event(EventKind.SLIPPAGE_EXCEEDED, "eth", T0, data | {"expected_bps": ""}), UTC, BNB)
    assert "more than the visible book holds" in shallow


def test_the_exchange_falls_silent_and_speaks_again() -> None:
    """Which of the two, and that it is asked instead."""
    lost = Event(EventKind.VENUE_NEWS_LOST, None, T0, {"stream": "account", "detail": "the connection broke"})
    assert plain(alert_text(lost, UTC, BNB)) == (
        "📡 The exchange no longer tells what happens to your account.\n"
        "The connection broke. I ask at every look instead."
    )
    never = Event(EventKind.VENUE_NEWS_LOST, None, T0, {"stream": "market", "detail": "it refuses", "never": "true"})
    assert "The exchange does not tell yet what happens to its prices" in alert_text(never, UTC, BNB)
    back = Event(EventKind.VENUE_NEWS_BACK, None, T0, {"stream": "market"})
    assert "its prices again" in alert_text(back, UTC, BNB)


def test_a_stray_order_is_named() -> None:
    data = {"client_order_id": "lph.eth.zz.1", "quantity_base": "1"}
    assert "lph.eth.zz.1" in alert_text(Event(EventKind.ORDER_TAKEN_BACK, "eth", T0, data), UTC, BNB)


@pytest.mark.parametrize("topic", sorted(TROUBLES))
@pytest.mark.parametrize("say", list(Say))
def test_no_trouble_fails_for_lack_of_data(topic: str, say: Say) -> None:
    """Whatever is missing or mangled in its figures, there are words, and no markup of a stranger's."""
    mangled = {"detail": "<blink>", "lp_side": "<b", "gap_quote": "NaN", "nearest": "<i>", "liquidation_price": "1"}
    for figures in ({}, mangled):
        facts = Facts(figures, BNB, UTC, "bnb")
        for text in (TROUBLES[topic].begun(facts, Course(say, 180, 3)), TROUBLES[topic].over(facts, 180)):
            assert plain(text) and "<blink" not in text and "<i>" not in text


def test_a_trouble_tells_what_it_means_and_what_to_do() -> None:
    """Figures, meaning, advice: of each kind that is measured."""
    margin = {"ratio_pct": "62.346", "balance_quote": "1000", "maintenance_quote": "623.45"}
    near = {"nearest": "bnb", "liquidation_price": "650", "distance_pct": "7.4380", "mark_price": "605"}
    assert begun("margin", **margin, **near) == (
        "🚨 the account's margin is low\n"
        "Margin ratio 62.35 %; the exchange liquidates at 100 %. Balance 1,000 USDT, it demands 623.45 USDT.\n"
        "bnb is liquidated at 650 USDT, 7.44 % from the mark 605 USDT.\n"
        "Add margin on the exchange, or make the short smaller: lower hedge_ratio, or /flatten."
    )
    assert begun("funding", pct_per_day="0.15", quote_per_day="12.7", limit_pct="0.1").splitlines()[:2] == [
        "💸 bnb: the perp position pays funding",
        "At this rate 0.15 % of it a day, 12.7 USDT a day; alert from 0.1 %.",
    ]
    assert begun("daily_loss", result_quote="-123.4", limit_quote="100").splitlines()[1] == (
        "-123.4 USDT since midnight, all hedges with their positions and costs; alert from 100 USDT."
    )
    assert over("out_of_range", lp_state="in_range") == (
        "💧 bnb: price is back in the range after 3 min: fees are earned again."
    )
    assert over("refused", side="SELL") == "✅ bnb: orders go through again after 3 min."


def test_a_hedge_that_fell_back_to_the_market_says_so() -> None:
    """How much of it, and why."""
    text = said(EventKind.HEDGE_EXECUTED, **EXECUTED, fallback_base="1.50")
    assert "1.5 BNB of it at the market: the quote did not fill in time." in text
    assert "at the market" not in said(EventKind.HEDGE_EXECUTED, **EXECUTED)
