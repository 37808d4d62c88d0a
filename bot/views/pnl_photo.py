"""The picture beside the numbers of `/pnl`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import tzinfo

from bot.charts.maker import ChartMaker
from bot.charts.picture import Picture
from bot.charts.pnl_picture import pnl_picture, summed
from bot.replies import Attachment
from core.accounting.statement import Statement
from core.errors import Transient

FEWEST_STEPS = 3

_LOG = logging.getLogger(__name__)


async def pnl_photo(
    charts: ChartMaker, statements: Sequence[Statement], *, title: str, zone: tzinfo
) -> Attachment | None:
    """Of all hedges together. None when there is too little to draw, when they do not share one QUOTE, or when it
    cannot be drawn: the numbers are said all the same.
    """
    quote = _quote_to_draw_in(statements)
    if quote is None:
        return None
    names = ", ".join(statement.hedge for statement in statements)

    def composed() -> Picture:
        series = summed([statement.series for statement in statements])
        return pnl_picture(series, title=f"{names} · {title}", quote=quote, zone=zone)

    try:
        content = await charts.png(lambda: asyncio.to_thread(composed))
    except Transient as error:
        _LOG.info("the picture beside /pnl was left out: %s", error)
        return None
    return Attachment("pnl.png", content, photo=True) if content else None


def _quote_to_draw_in(statements: Sequence[Statement]) -> str | None:
    """None when there is too little to draw, or no one QUOTE that all share."""
    quotes = {statement.assets.quote for statement in statements}
    if len(quotes) != 1 or max(len(statement.steps) for statement in statements) < FEWEST_STEPS:
        return None
    return quotes.pop()
