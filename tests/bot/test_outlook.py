"""`/whatif` and `/margin` as an operator meets them: typed well and badly, pressed, and with little known."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.asked_price import Place, parsed
from bot.operator import Reply
from bot.rendering.markup import plain
from core.facts import PerpAccount
from core.outlook import Outlook
from tests.bot.conftest import Desk
from tests.exchange.paper_rig import flat_market
from tests.hedging.positions import position, read
from tests.hedging.test_whatif import account, config, view


def facts(hedge: str = "bnb", short: PerpAccount | None = None) -> Outlook:
    """The theory's reference position at 2000, 25 BASE short with 50,000 behind it, at the taker's 5 bps."""
    settings = config(symbol="BNBUSDT")
    held = short or account(taker_fee_rate=Decimal("0.0005"))
    return Outlook(hedge, settings, view(read(position(owed=("0.5", "30"))), settings), held, flat_market("2000"))


def knows(desk: Desk, *outlooks: Outlook) -> None:
    desk.engine.outlooks = {outlook.hedge: outlook for outlook in outlooks}


def text_of(reply: Reply) -> str:
    assert reply.html
    return plain(reply.text)


async def test_a_price_is_answered_whole(desk: Desk) -> None:
    """LP, both shorts, what is left hedged and unhedged, the account and the liquidation price, on one screen."""
    knows(desk, facts())
    assert text_of(await desk.say("/whatif 2300")) == (
        "bnb at 2,300 USDT (+15 %)\n"
        "LP 9.01325 BNB + 84,645.13 USDT\n"
        "Fees and what else counts 0.5 BNB + 30 USDT\n"
        "Unhedged +5,167.7 USDT (101,387.9 USDT → 106,555.6 USDT)\n"
        "Short left alone -25 BNB: -7,500 USDT → hedged -2,332.3 USDT\n"
        "  balance 42,500 USDT · free 31,000 USDT · liquidation 3,984.06 USDT (73.2 % away)\n"
        "Short rebalanced -9.51325 BNB: -5,167.7 USDT, fees -17.64 USDT → hedged -17.64 USDT\n"
        "  balance 44,814.66 USDT · free 40,438.57 USDT · liquidation 6,982.83 USDT (204 % away)\n"
        "\n"
        "Pool and perp both at that price, nothing added or removed, before funding and slippage. Rebalanced: straight"
        " to that price; going back and forth costs more."
    )


@pytest.mark.parametrize(
    ("typed", "price"),
    [
        ("650", "650"),
        ("650.5", "650.5"),
        ("2,100", "2100"),
        ("1,002,100.5", "1002100.5"),
        ("+10%", None),
        ("-5%", None),
        ("lower", None),
    ],
)
def test_what_is_understood(typed: str, price: str | None) -> None:
    """A number, a change in percent, or an edge."""
    found = parsed(typed)
    assert isinstance(found, Place)
    assert found.price == (Decimal(price) if price else None)


GARBAGE = ["abc", "0", "-650", "nan", "inf", "-inf", "1e999999999", "1e-999999999", "-100%", "-250%", "1e99999%"]
GARBAGE += ["650,5", "1.234,50", "6,50", ",", "12,34,567", "+2,5%"]
GARBAGE += ["%", "++5%", "<b>", "6e500", "1" * 500, "9" * 4000]


@pytest.mark.parametrize("typed", GARBAGE)
async def test_garbage_is_answered_with_one_sentence(desk: Desk, typed: str) -> None:
    """Nothing that is typed fails, hangs or comes back as markup."""
    knows(desk, facts())
    reply = await desk.say(f"/whatif {typed}")
    assert "\n" not in reply.text
    assert len(reply.text) < 600
    assert "<b>" not in reply.text
    assert not reply.buttons


async def test_a_price_beyond_reason_is_not_worked_out(desk: Desk) -> None:
    """A slip of the finger by a factor of more than a thousand."""
    knows(desk, facts())
    for typed in ("2000001", "1.9"):
        assert "too far from 2,000" in text_of(await desk.say(f"/whatif {typed}"))


async def test_alone_it_explains_itself_and_its_buttons_answer(desk: Desk) -> None:
    """Changes and edges of the one hedge, each a press away and short enough for a button."""
    knows(desk, facts())
    reply = await desk.say("/whatif")
    assert "/whatif +10%" in text_of(reply)
    pressed = {button.label: button.data for row in reply.buttons for button in row}
    assert all(len(data.encode()) <= 64 for data in pressed.values())
    heads = {}
    for label, data in pressed.items():
        result = await desk.press(data)
        assert result.edited is not None
        heads[label] = text_of(result.edited).partition("\n")[0]
    assert heads["+10%"] == "bnb at 2,200 USDT (+10 %)"
    assert heads["-5%"] == "bnb at 1,900 USDT (-5 %)"
    assert heads["lower edge"].startswith("bnb at 1,597.24")
    assert heads["upper edge"].startswith("bnb at 2,499.91")


@pytest.mark.parametrize("data", ["view:whatif:junk:bnb", "view:whatif:+10%:nobody", "view:margin:a:b:c", "view:"])
async def test_a_forged_button_does_no_harm(desk: Desk, data: str) -> None:
    """What a button says is checked as what is typed is."""
    knows(desk, facts())
    result = await desk.press(data)
    assert result.edited is None or "\n" not in result.edited.text


async def test_several_hedges(two: Desk) -> None:
    """A change is of each, a price of the one that is named; who is not named is asked for."""
    knows(two, facts("bnb"), facts("eth"))
    both = text_of(await two.say("/whatif -5%"))
    assert both.count("at 1,900 USDT (-5 %)") == 2
    asked = await two.say("/whatif 2300")
    assert "of which hedge" in asked.text
    result = await two.press(asked.buttons[1][0].data)
    assert result.edited is not None
    assert text_of(result.edited).startswith("eth at 2,300")
    assert text_of(await two.say("/whatif 2300 eth")).startswith("eth at 2,300")
    assert "I know no hedge nobody; there is bnb, eth" in text_of(await two.say("/whatif 2300 nobody"))


async def test_what_is_unknown_is_said(desk: Desk) -> None:
    """Nothing read, the chain alone, the exchange alone: never a zero for what is not known."""
    for command in ("/whatif 2300", "/margin"):
        assert "read" in text_of(await desk.say(command))
    knows(desk, replace(facts(), account=None, market=None))
    chain_only = text_of(await desk.say("/whatif 2300"))
    assert "Short left alone: unknown" in chain_only
    assert "Unhedged +5,167.7" in chain_only
    assert "bnb: chain and exchange are not both read yet." in text_of(await desk.say("/margin"))
    knows(desk, replace(facts(), lp=None))
    venue_only = text_of(await desk.say("/whatif 2300"))
    assert "LP unknown" in venue_only
    assert "-7,500 USDT" in venue_only and "hedged" not in venue_only
    assert "no such price" in text_of(await desk.say("/whatif lower"))


async def test_a_stopped_hedge_does_not_promise_to_rebalance(desk: Desk) -> None:
    """Halted, paused or switched off: only what is left alone applies."""
    knows(desk, facts())
    desk.engine.shown = (replace(desk.engine.shown[0], state="SUSPENDED", reason="halted"),)
    assert "It is halted: until it hedges again only what is left alone applies." in text_of(
        await desk.say("/whatif 2300")
    )


async def test_a_liquidation_on_the_way_is_said_first(desk: Desk) -> None:
    """Figures beyond one's own liquidation are no figures."""
    knows(desk, facts())
    text = text_of(await desk.say("/whatif 4000"))
    assert "🚨 Short left alone -25 BNB: liquidated before that price" in text
    assert "Short rebalanced -0.5 BNB" in text


async def test_the_cap_is_named_where_it_would_bind(desk: Desk) -> None:
    """A short that may not grow so large would hedge less than shown."""
    capped = replace(facts(), config=config(symbol="BNBUSDT", max_position_notional="55000"))
    knows(desk, capped)
    assert "over max_position_notional" in text_of(await desk.say("/whatif -20%"))
    assert "over max_position_notional" not in text_of(await desk.say("/whatif +1%"))


async def test_margin_says_what_each_edge_needs_and_what_to_move(desk: Desk) -> None:
    """What is there, both ways to both edges, and what may leave the exchange."""
    knows(desk, facts())
    text = text_of(await desk.say("/margin"))
    assert text.splitlines() == [
        "Margin · bnb · BNBUSDT -25 BNB · cross",
        "There: balance 50,000 USDT, free 40,000 USDT, liquidation 3,984.06 USDT (99.2 % away)",
        "To the upper edge 2,499.91 USDT (+25 %):",
        "  left alone -12,497.84 USDT → free 25,002.59 USDT",
        "  rebalanced -6,178.27 USDT → free 43,571.74 USDT",
        "To the lower edge 1,597.24 USDT (-20.1 %):",
        "  left alone +10,068.94 USDT → free 52,082.73 USDT",
        "  rebalanced +15,599.2 USDT → free 48,452.6 USDT",
        "✅ All of these are borne; up to 25,002.59 USDT could be moved out.",
        "Kept: liquidation at least 15 % away, 0 USDT free.",
    ]


async def test_margin_that_does_not_suffice_names_the_sum(desk: Desk) -> None:
    """One figure to move in, in bold, that covers both edges."""
    poor = account(margin_balance_quote=Decimal(11_000), available_balance_quote=Decimal(1000))
    knows(desk, facts(short=replace(poor, liquidation_price=Decimal(2430))))
    text = text_of(await desk.say("/margin"))
    assert "⚠️ Move in " in text
    assert "lacks" in text


async def test_margin_of_a_full_range_position_has_no_edges(desk: Desk) -> None:
    """Half and twice the price stand in for them."""
    wide = replace(position(), price_lower=Decimal("1e-18"), price_upper=Decimal("1e18"))
    settings = config(symbol="BNBUSDT")
    knows(desk, replace(facts(), lp=view(read(wide), settings)))
    text = text_of(await desk.say("/margin"))
    assert "To half the price 1,000 USDT (-50 %)" in text
    assert "To twice the price 4,000 USDT (+100 %)" in text


async def test_hedges_of_one_account_are_added_up(two: Desk) -> None:
    """Each alone, and all at once; asked for by name, the one alone."""
    knows(two, facts("bnb"), facts("eth"))
    text = text_of(await two.say("/margin"))
    assert [line for line in text.splitlines() if line.startswith("Margin")] == [
        "Margin · bnb · BNBUSDT -25 BNB · cross",
        "Margin · eth · BNBUSDT -25 BNB · cross",
        "Margin · the whole account",
    ]
    assert "  left alone -24,995.68 USDT" in text
    assert "whole account" not in text_of(await two.say("/margin eth"))


async def test_an_isolated_position_is_called_so(desk: Desk) -> None:
    """What it lacks cannot come from the account by itself."""
    knows(desk, facts(short=account(isolated=True)))
    text = text_of(await desk.say("/margin"))
    assert "· isolated" in text
    assert "must be added to the position itself" in text
    knows(desk, facts(short=replace(account(isolated=True), liquidation_price=None)))
    assert "What to move: unknown" in text_of(await desk.say("/margin"))
