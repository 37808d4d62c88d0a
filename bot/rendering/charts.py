"""What is said beside a picture, for those who cannot see it too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal

from bot.charts.hedge_history import HedgeHistory, Moment
from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import amount, moment

ON_TIME = timedelta(minutes=5)


def chart_caption(history: HedgeHistory, asked_from: datetime, zone: tzinfo) -> str:
    """`asked_from`: it is said when the record begins later than that."""
    prices = [each.price for each in history.moments if each.price is not None]
    short = _last(history, lambda each: None if each.perp_base is None else -each.perp_base)
    span = f"{amount(min(prices))} to {amount(max(prices))}, last {amount(prices[-1], history.quote)}"
    since, until = history.moments[0].at, history.moments[-1].at
    return lines(
        f"📈 {bold(history.name)} · {esc(history.symbol)} · {esc(history.mode.upper())}",
        esc(f"{moment(history.start, zone)} to {moment(history.end, zone)}"),
        esc(f"Price {span}"),
        esc(f"LP {amount(_last(history, lambda each: each.net_base), history.base)}")
        + esc(f" · short {amount(short, history.base)}")
        + esc(f" · residual {amount(_last(history, lambda each: each.residual_base), history.base, signed=True)}"),
        esc(_traded(history)),
        esc(f"Recorded only since {moment(since, zone)}") if since - asked_from > ON_TIME else None,
        esc(f"Last recorded {moment(until, zone)}") if history.end - until > ON_TIME else None,
    )


def nothing_recorded(name: str, hours: int) -> str:
    return f"Nothing to draw yet: {bold(name)} has no record of the last {hours} h. One is kept every minute."


def _traded(history: HedgeHistory) -> str:
    if not history.fills:
        return "No fills"
    sides = (("Bought", "BUY"), ("Sold", "SELL"))
    return " · ".join(filter(None, (_traded_on(history, word, side) for word, side in sides)))


def _traded_on(history: HedgeHistory, word: str, side: str) -> str:
    sizes = [fill.quantity_base for fill in history.fills if fill.side == side]
    fills = "1 fill" if len(sizes) == 1 else f"{len(sizes)} fills"
    return f"{word} {amount(sum(sizes, Decimal(0)), history.base)} in {fills}" if sizes else ""


def _last(history: HedgeHistory, of: Callable[[Moment], Decimal | None]) -> Decimal | None:
    return next((value for each in reversed(history.moments) if (value := of(each)) is not None), None)
