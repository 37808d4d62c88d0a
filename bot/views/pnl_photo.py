"""The picture beside the numbers of `/pnl`."""

from __future__ import annotations

import asyncio
import logging
from datetime import tzinfo
from functools import partial

from bot.charts.maker import ChartMaker
from bot.charts.pnl_picture import pnl_picture
from bot.replies import Attachment
from core.accounting.pnl import PnlSeries
from core.errors import Transient

FEWEST_STEPS = 3

_LOG = logging.getLogger(__name__)


async def pnl_photo(
    charts: ChartMaker, series: PnlSeries, *, title: str, quote: str, zone: tzinfo
) -> Attachment | None:
    """None when there is too little to draw, or it cannot be drawn: the numbers are said all the same."""
    if len(series.steps) < FEWEST_STEPS or series.steps[0].at == series.steps[-1].at:
        return None
    try:
        compose = partial(pnl_picture, series, title=title, quote=quote, zone=zone)
        content = await charts.png(lambda: asyncio.to_thread(compose))
    except Transient as error:
        _LOG.info("the picture beside /pnl was left out: %s", error)
        return None
    return Attachment("pnl.png", content, photo=True) if content else None
