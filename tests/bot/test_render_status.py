"""The status screen, held as a whole: what one reads is what is tested."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

from bot.rendering.bars import fill_bar, range_bar
from bot.rendering.listings import positions_text
from bot.rendering.markup import plain
from bot.rendering.reasons import REASONS
from bot.rendering.status import RUNNING, Service, overall, status_text
from core.hedging.states import Reason
from core.status import Due, DueKind, HedgeStatus, QuoteStatus, WorkStatus
from tests.bot.samples import POSITION, STATUS, T0, UNREAD

FUNDING = {"BNBUSDT": {"USDT": Decimal("1.25")}, "ETHUSDT": {"USDT": Decimal(7)}}


FRESH = replace(
    STATUS,
    market_age_s=0.4,
    market_pushed=True,
    due=(Due(DueKind.LOOK, T0 + timedelta(seconds=7)), Due(DueKind.FUNDING, T0 + timedelta(hours=4))),
)
WORK = WorkStatus("SELL", Decimal("8.4"), Decimal("2.1"), 3, 12, None)


def shown(*statuses: HedgeStatus, service: Service = RUNNING) -> str:
    return plain(status_text(statuses, mode="paper", now=T0, zone=UTC, funding=FUNDING, service=service))


def test_status_is_one_screen() -> None:
    """Mode and state first, then LP, target, gap against band, safety and freshness."""
    assert shown(FRESH) == (
        "PAPER · RUNNING ✅\n"
        "\n"
        "bnb · BNBUSDT · READY: the gap is within the band\n"
        "LP IN RANGE: 14.1235 BNB + 8,123.46 USDT · fees 0.0123 BNB + 7.5 USDT\n"
        "Price 605.25 USDT\n"
        "550 ├──────●─────┤ 660\n"
        "Target -14.1357 BNB · short -14 BNB\n"
        "Gap -0.1357 BNB = 82.11 USDT ▰▰▰▱▱▱▱▱▱▱▱▱ 27 % of the 300 USDT band\n"
        "Exposure left +0.1357 BNB\n"
        "Liquidation 907.5 USDT (50 % away) · free 8,000.5 USDT · margin ratio 1.23 %\n"
        "Funding +0.01 % (received) at 16:00:00 UTC · last 24 h +1.25 USDT\n"
        "Last hedge 5 min ago · funding in 4 h 0 min\n"
        "Fresh: chain 4 s (block 45,123,456) · account 1 s · market 0 s (pushed)\n"
        "Updated 12:00:00 UTC"
    )


def test_what_was_not_read_is_unknown() -> None:
    """Before the first read no figure is shown as zero, and nothing fails."""
    text = shown(replace(UNREAD, market_age_s=7.0))
    assert "Target unknown · short unknown" in text and "Liquidation unknown · free unknown" in text
    assert " 0 " not in text


def test_nothing_read_is_one_sentence() -> None:
    """Not a screen of unknown figures; name, state and why stay."""
    text = shown(replace(UNREAD, market_age_s=None, detail="nothing listens there"))
    assert "bnb · BNBUSDT · SUSPENDED" in text and "nothing listens there" in text
    assert "Neither the chain nor the exchange has been read" in text and "unknown" not in text


def test_no_liquidation_price_is_none_not_unknown() -> None:
    """An account that was read and has no liquidation price says so."""
    flat = replace(STATUS, perp=replace(STATUS.perp, liquidation_price=None))
    assert "Liquidation none" in shown(flat)


def test_the_margin_ratio_is_what_is_needed_of_what_there_is() -> None:
    """Unknown without both; an account with nothing left has no ratio."""

    def ratio(balance: int | None, needed: int | None) -> str:
        perp = replace(
            STATUS.perp,
            margin_balance=None if balance is None else Decimal(balance),
            maintenance_margin=None if needed is None else Decimal(needed),
        )
        return shown(replace(STATUS, perp=perp)).partition("margin ratio ")[2].partition("\n")[0]

    assert [ratio(200, 50), ratio(200, 0), ratio(0, 50), ratio(-1, 50), ratio(0, 0)] == [
        "25 %",
        "0 %",
        "over 100 %",
        "over 100 %",
        "0 %",
    ]
    assert ratio(None, 50) == ratio(200, None) == "unknown"


def test_funding_of_the_day_is_signed_and_by_asset() -> None:
    """Paid is negative; a day of which nothing is booked says so instead of showing a zero."""

    def day(**amounts: str) -> str:
        funding = {"BNBUSDT": {asset: Decimal(amount) for asset, amount in amounts.items()}}
        return plain(status_text([STATUS], mode="paper", now=T0, zone=UTC, funding=funding))

    assert "last 24 h -0.046 USDT" in day(USDT="-0.04618913")
    assert "last 24 h +2 USDT, -0.001 BNB" in day(USDT="2", BNB="-0.001")
    assert "last 24 h none booked" in day()


def test_the_gravest_state_heads_the_screen() -> None:
    """One halted hedge among many is what the first line says."""
    halted = replace(STATUS, name="eth", state="SUSPENDED", reason="halted")
    assert overall([STATUS, halted]) == "HALTED ⛔"
    assert overall([STATUS, replace(STATUS, state="SUSPENDED", reason="stale_chain")]) == "SUSPENDED ⚠️"
    assert overall([]) == "STARTING"


def test_the_price_is_drawn_in_or_beside_its_range() -> None:
    """A price below the range stands left of the bar, at or above its upper end right of it."""
    drawn = [range_bar(Decimal(p), Decimal(100), Decimal(400)) for p in ("99", "100", "200", "399", "400")]
    assert drawn == ["● ├────────────┤", "├●───────────┤", "├──────●─────┤", "├───────────●┤", "├────────────┤ ●"]


def test_a_full_range_position_is_called_so() -> None:
    """Prices of 1e-18 and 1e18 are no information."""
    wide = replace(POSITION, price_lower=Decimal("1E-18"), price_upper=Decimal("1E+18"))
    assert "full range" in shown(replace(STATUS, lp=replace(STATUS.lp, positions=(wide,))))


def test_a_gap_beyond_the_band_fills_the_bar() -> None:
    """The bar never overflows."""
    assert fill_bar(Decimal(900), Decimal(300)) == "▰" * 12


def test_departed_base_is_shown_while_it_is_hedged() -> None:
    """BASE that left the pool and is still hedged explains a short that the LP does not."""
    assert "left the LP, still hedged 2.5 BNB" in shown(replace(STATUS, departed_base=Decimal("2.5")))


def test_a_detail_stands_beside_the_reason() -> None:
    """What the engine adds does not hide why."""
    assert "READY: the gap is within the band (one read failed)" in shown(replace(STATUS, detail="one read failed."))


def test_foreign_text_is_escaped() -> None:
    """A detail with markup in it cannot break the message."""
    text = status_text([replace(STATUS, detail="code <b> & more")], mode="paper", now=T0, zone=UTC)
    assert "code &lt;b&gt; &amp; more" in text


def test_positions_are_listed_each_with_its_range() -> None:
    """Every position's amounts, fees and range, under the perp they are hedged with."""
    assert plain(positions_text([STATUS])) == (
        "bnb · BNBUSDT -14 BNB · entry 600 USDT · mark 605 USDT\n"
        "LP 123456 in range: 14.1235 BNB + 8,123.46 USDT · fees 0.0123 BNB + 7.5 USDT\n"
        "550 ├──────●─────┤ 660"
    )


def test_every_reason_has_words() -> None:
    """No code of the decision's reaches the operator bare."""
    assert {reason.text for reason in Reason} <= set(REASONS)


def test_an_estimate_is_marked_at_every_figure_that_is_one() -> None:
    """The venue's own figures are none."""
    text = shown(replace(STATUS, estimated=True))
    assert "≈ Estimated: the chain cannot be read." in text
    for marked in (
        "LP IN RANGE: ≈ 14.1235 BNB + ≈ 8,123.46 USDT",
        "Price ≈ ",
        "Target ≈ ",
        "Gap ≈ ",
        "Exposure left ≈ ",
    ):
        assert marked in text
    assert "≈" not in shown(STATUS)


def test_a_plan_at_work_and_what_rests_are_shown() -> None:
    """How much is filled, which order of how many, and the quote's price and age."""
    sliced = replace(STATUS, work=WORK)
    assert "At work: SELL ▰▰▰▱▱▱▱▱▱▱▱▱ 2.1 of 8.4 BNB, order 3 of 12\n" in shown(sliced)
    rests = QuoteStatus("SELL", Decimal("0.7"), Decimal("605.1"), T0 - timedelta(seconds=4))
    quoting = replace(STATUS, work=replace(WORK, slices=1, quote=rests))
    assert "2.1 of 8.4 BNB · rests 0.7 at 605.1 USDT for 4 s\n" in shown(quoting)


def test_funding_is_received_or_paid_by_who_holds_something() -> None:
    """A short receives what a positive rate pays; what was not read is not known."""
    for position, rate, says in (
        ("-14", "0.0001", "+0.01 % (received) at"),
        ("14", "0.0001", "+0.01 % (paid) at"),
        ("-14", "-0.0001", "-0.01 % (paid) at"),
        ("0", "0.0001", "+0.01 % at"),
        (None, "0.0001", "+0.01 % at"),
        ("-14", None, "unknown at"),
    ):
        held = None if position is None else Decimal(position)
        perp = replace(STATUS.perp, position_base=held, funding_rate=None if rate is None else Decimal(rate))
        assert f"Funding {says}" in shown(replace(STATUS, perp=perp))


def test_the_next_look_is_told_where_nothing_else_comes() -> None:
    """Otherwise the two soonest."""
    look = Due(DueKind.LOOK, T0 + timedelta(seconds=7))
    assert "Last hedge 5 min ago · look in 7 s\n" in shown(replace(STATUS, due=(look,)))
    dues = tuple(Due(kind, T0 + timedelta(minutes=n)) for n, kind in enumerate(DueKind, start=1) if kind != "look")
    assert "· funding in 2 min · cooldown ends in 3 min\n" in shown(replace(STATUS, due=(look, *dues)))


def test_several_hedges_are_each_a_few_lines() -> None:
    """Five lines a hedge, and how to see one in full."""
    two = shown(FRESH, replace(FRESH, name="eth", work=WORK))
    assert two == (
        "PAPER · RUNNING ✅\n"
        "\n"
        "bnb · BNBUSDT · READY: the gap is within the band\n"
        "550 ├──────●─────┤ 660 · 605.25 USDT\n"
        "Short -14 of -14.1357 BNB · gap 82.11 USDT, 27 % of the band\n"
        "Liquidation 907.5 USDT (50 % away) · free 8,000.5 USDT\n"
        "Fresh: chain 4 s · exchange 1 s · funding in 4 h 0 min\n"
        "\n"
        "eth · BNBUSDT · READY: the gap is within the band\n"
        "550 ├──────●─────┤ 660 · 605.25 USDT\n"
        "Short -14 of -14.1357 BNB · gap 82.11 USDT, 27 % of the band\n"
        "Liquidation 907.5 USDT (50 % away) · free 8,000.5 USDT\n"
        "At work: SELL ▰▰▰▱▱▱▱▱▱▱▱▱ 2.1 of 8.4 BNB, order 3 of 12\n"
        "Fresh: chain 4 s · exchange 1 s · funding in 4 h 0 min\n"
        "\n"
        "/status NAME shows one in full.\n"
        "Updated 12:00:00 UTC"
    )
    assert "LP unknown · unknown" in shown(UNREAD, UNREAD)


def test_without_a_service_nothing_is_said_to_run_or_to_wait() -> None:
    """One look beside no service: what it would do, and that a stop is in force all the same."""
    off, unseen = Service(running=False), Service(running=None)
    text = shown(FRESH, service=off)
    assert text.startswith("PAPER · NOT RUNNING 💤\nNo service runs on this database")
    assert "bnb · BNBUSDT · would be READY" in text
    asking = replace(FRESH, state="AWAITING_APPROVAL", reason="awaiting_approval")
    text = shown(asking, service=off)
    assert "WAITING" not in text
    assert "bnb · BNBUSDT · would ask you first: a large hedge is needed\n" in text
    halted = replace(FRESH, state="SUSPENDED", reason="halted")
    assert shown(halted, service=off).startswith("PAPER · HALTED ⛔ · NOT RUNNING 💤")
    assert "cannot be seen" in shown(FRESH, service=unseen)
    assert shown(asking, service=unseen).startswith("PAPER · WAITING FOR YOUR ANSWER")


def test_the_proposal_that_waits_is_named() -> None:
    """At the machine there are no buttons: whoever answers there has to know its id, of one hedge or of several."""
    asked = replace(FRESH, approval_id="d80aa6dd")
    line = "\nWaits for: approve d80aa6dd, or reject d80aa6dd\n"
    assert line in shown(asked)
    assert line in shown(asked, FRESH)
    assert line in shown(replace(UNREAD, approval_id="d80aa6dd"))
    assert "Waits for" not in shown(FRESH)


def test_other_parts_are_named_when_they_are_not_well() -> None:
    """Telegram, streams and nodes, as they say themselves; /health has those that are."""
    text = shown(FRESH, service=Service(True, ["exchange market news: lost <b>"]))
    assert "\n🚨 exchange market news: lost <b>\nUpdated" in text
    assert "🚨" not in shown(FRESH)
