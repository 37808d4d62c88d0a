"""Does the exchange tell its news? Hedging does not depend on it, but is quicker and asks less with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import TypeVar

from bot.preflight.findings import Finding, fix, ok, warn
from bot.preflight.first_news import first_news
from core.errors import Refused, Transient
from core.news_ports import AccountStream, MarketStream

# Each market is pushed ten times a second, an account says at once that it listens.
FIRST_WORD_WITHIN_S = 12.0
WITHOUT = "until then everything is asked"
T = TypeVar("T")


async def examine_market_stream(stream: MarketStream, symbols: Collection[str]) -> Finding:
    return await _examine("market stream", partial(stream.listen, symbols), lambda symbol: f"it told of {symbol}")


async def examine_account_stream(stream: AccountStream) -> Finding:
    return await _examine("account stream", stream.listen, lambda _: "it listens to the account")


async def _examine(
    subject: str, listen: Callable[[Callable[[T], None]], Awaitable[None]], words: Callable[[T], str]
) -> Finding:
    try:
        news = await first_news(listen, FIRST_WORD_WITHIN_S)
    except Refused as error:
        return fix(subject, str(error))
    except Transient as error:
        return warn(subject, f"{error}: check BINANCE_STREAM_URL and the network; {WITHOUT}")
    if news is None:
        return warn(subject, f"it told nothing within {FIRST_WORD_WITHIN_S:.0f} s: {WITHOUT}")
    return ok(subject, words(news))
