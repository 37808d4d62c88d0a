"""Does the exchange tell its news? Hedging does not depend on it, but is quicker and asks less with it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from bot.preflight.findings import Finding
from bot.preflight.first_news import Listen, T, examine_news
from core.news_ports import AccountStream, MarketStream

# Each market is pushed several times a second, an account says at once that it listens.
FIRST_WORD_WITHIN_S = 12.0
WITHOUT = "until then everything is asked"


async def examine_market_stream(stream: MarketStream, symbols: Collection[str]) -> Finding:
    """One move of any of the markets is enough; waits FIRST_WORD_WITHIN_S for it at most."""
    return await _examine("market stream", partial(stream.listen, symbols), lambda symbol: f"it told of {symbol}")


async def examine_account_stream(stream: AccountStream) -> Finding:
    """That the exchange lets it listen is enough, for an account may be quiet for days."""
    return await _examine("account stream", stream.listen, lambda _: "it listens to the account")


async def _examine(subject: str, listen: Listen[T], heard: Callable[[T], str]) -> Finding:
    return await examine_news(
        subject,
        listen,
        FIRST_WORD_WITHIN_S,
        heard=heard,
        silent=f"it told nothing within {FIRST_WORD_WITHIN_S:.0f} s: {WITHOUT}",
        mend=f"check BINANCE_STREAM_URL and the network; {WITHOUT}",
    )
