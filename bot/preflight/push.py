"""Does the node push its blocks? Only where a WebSocket is set; hedging does not depend on it."""

from __future__ import annotations

import asyncio
from functools import partial

from bot.preflight.findings import Finding
from bot.preflight.first_news import examine_news
from bot.settings import Settings
from core.amm.presets import chain_preset
from core.errors import LpHedgeError

# Twelve seconds is the longest time between two blocks of a preset chain.
FIRST_BLOCK_WITHIN_S = 20.0


async def examine_push(settings: Settings) -> tuple[Finding, ...]:
    """One finding for each chain that has one."""
    found = await asyncio.gather(*(_examine(settings, chain) for chain in settings.chains()))
    return tuple(finding for finding in found if finding is not None)


async def _examine(settings: Settings, chain: str) -> Finding | None:
    try:
        url = settings.ws_url(chain)
        preset = chain_preset(chain, settings.config.chains.get(chain))
    except LpHedgeError:
        return None  # said of the chain itself already
    if url is None:
        return None
    from core.amm.heads import HeadStream  # only for those who use it

    stream = HeadStream(url, preset)
    return await examine_news(
        f"{chain}: push",
        partial(stream.listen, ()),
        FIRST_BLOCK_WITHIN_S,
        heard=lambda news: f"{stream.name} pushed block {news.block}",
        silent=f"{stream.name} pushed no block within {FIRST_BLOCK_WITHIN_S:.0f} s: polling goes on alone",
        mend="check the address; until then polling goes on alone",
    )
