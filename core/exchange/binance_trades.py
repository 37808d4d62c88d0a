"""The account's own fills, oldest first, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.exchange.binance_client import BinanceClient
from core.exchange.binance_market import Contract
from core.exchange.binance_messages import Malformed, TradeRow, parse_many, trade
from core.facts import Trade

PAGE = 1000
WINDOW_MS = 7 * 24 * 3_600_000 - 1
KEPT_MS = 89 * 24 * 3_600_000  # Binance keeps three months


class TradesReader:
    """Raises Transient or Refused."""

    def __init__(self, client: BinanceClient) -> None:
        self._client = client

    async def after(self, contract: Contract, trade_id: int) -> tuple[Trade, ...]:
        """Every fill with a greater id."""
        found: list[Trade] = []
        while True:
            page = await self._page(contract, {"fromId": str(trade_id + 1)})
            found += [each for each in page if each.trade_id > trade_id]
            if len(page) < PAGE:
                return tuple(found)
            trade_id = max(each.trade_id for each in page)

    async def since(self, contract: Contract, since: datetime) -> tuple[Trade, ...]:
        """Every fill from then on, or of the three months that Binance keeps. Walks windows of under seven days."""
        now_ms = self._client.server_now_ms()
        start_ms = max(int(since.timestamp() * 1000), now_ms - KEPT_MS)
        while start_ms <= now_ms:
            window = {"startTime": str(start_ms), "endTime": str(start_ms + WINDOW_MS)}
            page = await self._page(contract, window)
            if page:
                return page + await self.after(contract, page[-1].trade_id)
            start_ms += WINDOW_MS + 1
        return ()

    async def _page(self, contract: Contract, wanted: Mapping[str, str]) -> tuple[Trade, ...]:
        symbol = contract.rules.symbol
        return await self._client.read(
            "trades",
            lambda library: library.futures_account_trades(symbol=symbol, limit=str(PAGE), **wanted),
            lambda answer: _trades(answer, contract),
        )


def _trades(answer: object, contract: Contract) -> tuple[Trade, ...]:
    rows = parse_many(TradeRow, answer)
    if any(row.symbol != contract.rules.symbol for row in rows):
        raise Malformed("the answer has trades of another symbol")
    return tuple(sorted((trade(row, contract.unit) for row in rows), key=lambda each: each.trade_id))
