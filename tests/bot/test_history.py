"""`/history`: one sentence an event, for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from bot.rendering.alerts import Units
from bot.rendering.history import history_line
from bot.rendering.markup import plain, units
from core.events import Event, EventKind
from core.facts import OrderSide, PositionSide, Trade
from core.ports import TradeOrigin
from tests.bot.conftest import Desk
from tests.bot.samples import T0, an_event

BNB = Units("BNB", "USDT")
FILL = Trade(
    symbol="BNBUSDT",
    trade_id=1,
    venue_order_id=7,
    side=OrderSide.SELL,
    position_side=PositionSide.BOTH,
    price=Decimal("605.1"),
    quantity_base=Decimal("1.5"),
    fee=Decimal("0.45"),
    fee_asset="USDT",
    realised_pnl_quote=Decimal(0),
    is_maker=False,
    at=T0,
)


@pytest.mark.parametrize(
    ("kind", "data", "sentence"),
    [
        (
            EventKind.DECISION_CHANGED,
            {"state": "READY", "reason": "within_band", "gap_quote": "82.113", "gap_base": "-0.1"},
            "bnb: ready: the gap is within the band, gap 82.11 USDT",
        ),
        (EventKind.SUSPENDED, {"reason": "stale_chain", "detail": "long"}, "⚠️ suspended: the chain's data is too old"),
        (EventKind.RECOVERED, {"reason": "stale_chain"}, "✅ hedging again (the chain's data is too old)"),
        (
            EventKind.EXPOSURE_BREACHED,
            {"gap_quote": "1210.2", "limit_quote": "1000"},
            "🚨 exposure over its limit: gap 1,210.2 USDT, limit 1,000 USDT",
        ),
        (
            EventKind.PLAN_OPENED,
            {"side": "SELL", "quantity_base": "4.20", "reason": "band_exceeded"},
            "▸ to sell 4.2 BNB: the gap left the band",
        ),
        (
            EventKind.HEDGE_EXECUTED,
            {"side": "SELL", "quantity_base": "4.20", "average_price": "605.04", "fee_quote": "1.2"},
            "🔁 bnb: SELL 4.2 BNB @ 605.04 USDT",
        ),
        (
            EventKind.APPROVAL_REJECTED,
            {"approval_id": "a1b2c3d4", "by": "Anna (tg:1)", "detail": "too much"},
            "⚖️ proposal a1b2c3d4 rejected by Anna (too much)",
        ),
        (EventKind.PAUSED, {"by": "Anna (tg:1)"}, "⏸ bnb: PAUSED by Anna. No new trades until /resume"),
        (
            EventKind.POSITION_CHANGED,
            {"position_id": "7", "frm": "IN_RANGE", "to": "NONE"},
            "bnb: 💧 position 7 in range → none",
        ),
    ],
)
def test_an_event_is_a_sentence(kind: EventKind, data: dict[str, str], sentence: str) -> None:
    """When, which hedge, what; no keys of the database."""
    line = plain(history_line(Event(kind, "bnb", T0, data), UTC, BNB))
    assert line.startswith("03-01 12:00:00 ") and sentence in line and "bnb" in line


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_has_one_short_line(kind: EventKind) -> None:
    """Also with nothing known of it, and with hostile or endless words in it."""
    for data in ({}, dict.fromkeys(("detail", "reason", "by", "key", "value", "client_order_id"), "<b>&\n" * 200)):
        for hedge in ("bnb", None):
            line = history_line(Event(kind, hedge, T0, data), UTC, BNB)
            assert "\n" not in line and units(plain(line)) < 200 and "<b>" not in line
            assert "unknown_" not in line and f"{kind.value} (" not in line


async def test_history_of_one_hedge(two: Desk) -> None:
    """Its events and its fills alone; number and name in either order."""
    for name in ("bnb", "eth"):
        await two.store.events.append(an_event(EventKind.PAUSED, hedge=name, by="Anna (tg:1)"))
    for text in ("/history eth", "/history 5 ETH", "/history eth 5"):
        shown = plain((await two.say(text)).text)
        assert "eth: PAUSED" in shown and "bnb" not in shown


async def test_history_keeps_to_its_number(desk: Desk) -> None:
    """The newest, oldest first; a decision that only says what a suspension says is left out."""
    for number in range(30):
        at = T0 + timedelta(seconds=number)
        await desk.store.events.append(an_event(EventKind.RESUMED, at=at, by=f"P{number:02} (tg:1)"))
        await desk.store.events.append(an_event(EventKind.DECISION_CHANGED, at=at, state="SUSPENDED", reason="halted"))
    shown = plain((await desk.say("/history 3")).text).splitlines()
    assert [line[-4:-1] for line in shown[1:]] == ["P27", "P28", "P29"]
    assert len(plain((await desk.say("/history")).text).splitlines()) == 16


async def test_history_ends_with_the_last_fills(desk: Desk) -> None:
    """Size, price and fee of each."""
    fills = [(replace(FILL, trade_id=number, at=T0 + timedelta(seconds=number)), TradeOrigin.OURS) for number in (1, 2)]
    await desk.store.journal.book_trades(fills, T0)
    shown = plain((await desk.say("/history")).text)
    assert shown.endswith("SELL 1.5 @ 605.1 USDT, fee 0.45 USDT") and "Last fills" in shown


@pytest.mark.parametrize("text", ["/history moon", "/history -5", "/history 5 <b>"])
async def test_what_history_does_not_understand_is_named(desk: Desk, text: str) -> None:
    """With the hedges that there are."""
    reply = await desk.say(text)
    assert "a number and a hedge: bnb" in reply.text and "<b>" not in reply.text
