"""Does the node push its blocks? Only where a WebSocket is set; hedging does not depend on it."""

from __future__ import annotations

import asyncio
import contextlib

from bot.preflight.findings import Finding, fix, ok, warn
from bot.settings import Settings
from core.amm.presets import chain_preset
from core.errors import LpHedgeError, Refused, Transient
from core.news_ports import ChainNews

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

    stream, subject, first = HeadStream(url, preset), f"{chain}: push", asyncio.get_running_loop().create_future()

    def take(news: ChainNews) -> None:
        if not first.done():
            first.set_result(news.block)

    listening = asyncio.ensure_future(stream.listen((), take))
    try:
        done, _ = await asyncio.wait(
            {listening, first}, timeout=FIRST_BLOCK_WITHIN_S, return_when=asyncio.FIRST_COMPLETED
        )
        if first in done:
            return ok(subject, f"{stream.name} pushed block {first.result()}")
        if listening in done:
            listening.result()
        return warn(
            subject, f"{stream.name} pushed no block within {FIRST_BLOCK_WITHIN_S:.0f} s: polling goes on alone"
        )
    except Refused as error:
        return fix(subject, str(error))
    except Transient as error:
        return warn(subject, f"{error}: check the address; until then polling goes on alone")
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError, LpHedgeError):
            await listening
