"""A day of a hedge as it is recorded once a minute: a price that swings, a short that follows within its band."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from bot.charts.hedge_history import Fill, HedgeHistory, Moment, Stop

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
RANGE = (Decimal(550), Decimal(660))
BAND_QUOTE = Decimal(300)


def minute(number: int) -> datetime:
    return T0 + timedelta(minutes=number)


def a_history(minutes: int = 1440, *, ratio: Decimal = Decimal(1), name: str = "bnb") -> HedgeHistory:
    """With an hour without records in the middle, and a suspension before it."""
    moments, fills, perp = [], [], Decimal(-14)
    for number in range(minutes):
        price = Decimal(str(round(605 + 18 * math.sin(number / 130) + 4 * math.sin(number / 17), 2)))
        net = (RANGE[1] - price) / 4
        gap = -ratio * net - perp
        if abs(gap) * price > BAND_QUOTE:
            fills.append(Fill(minute(number), "SELL" if gap < 0 else "BUY", price, abs(gap)))
            perp, gap = perp + gap, Decimal(0)
        if not minutes // 2 <= number < minutes // 2 + 60:
            moments.append(Moment(minute(number), price, net, perp, gap, net + perp, BAND_QUOTE, (RANGE,)))
    stops = (Stop(minute(minutes // 2 - 40), minute(minutes // 2), "stale_chain"),)
    return HedgeHistory(
        name=name,
        symbol="BNBUSDT",
        base="BNB",
        quote="USDT",
        mode="paper",
        start=T0,
        end=minute(minutes),
        moments=tuple(moments),
        fills=tuple(fills),
        stops=stops,
    )
