"""What the account was paid and has paid: funding, fees, profits, transfers."""

from __future__ import annotations

from datetime import datetime

from core.account_ports import Income
from core.clock import at_ms
from core.errors import Transient
from core.exchange.binance_client import BinanceClient
from core.exchange.binance_messages import IncomeRow, parse_many

PAGE = 1000
# Without times Binance answers for seven days; no wider window is asked for.
WINDOW_MS = 7 * 24 * 3_600_000
KEPT_MS = 89 * 24 * 3_600_000  # Binance keeps three months
# A reading of more rows is given in parts, so that a busy account's first one ends before the request limit does.
PART = 4 * PAGE
MOST_PAGES = 50


class IncomeReader:
    """Raises Transient or Refused."""

    def __init__(self, client: BinanceClient) -> None:
        self._client = client

    async def since(self, since: datetime) -> tuple[Income, ...]:
        """As `core.ports.PerpVenue.income`, over windows that are answered whole."""
        now_ms = self._client.server_now_ms()
        start_ms = max(int(since.timestamp() * 1000), now_ms - KEPT_MS)
        found: list[Income] = []
        while start_ms <= now_ms and len(found) < PART:
            rows, end_ms = await self._whole(start_ms, min(start_ms + WINDOW_MS - 1, now_ms))
            found += rows
            start_ms = end_ms + 1
        unique = {(row.kind, row.income_id): row for row in found}
        return tuple(sorted(unique.values(), key=lambda row: (row.at, row.kind, row.income_id)))

    async def _whole(self, start_ms: int, end_ms: int) -> tuple[list[Income], int]:
        """Every row from the start to an end that may come nearer.

        A full page may have been cut, so it is dropped and asked for again without its last moment. Where that is full
        too, pages do not begin with the oldest row after all, and the window is halved.
        """
        halves = False
        while len(rows := await self._page(start_ms, end_ms)) >= PAGE and end_ms > start_ms:
            last_ms = max(int(row.at.timestamp() * 1000) for row in rows)
            nearer_ms = (start_ms + end_ms) // 2 if halves else last_ms - 1
            end_ms, halves = max(start_ms, min(nearer_ms, end_ms - 1)), True
        if len(rows) >= PAGE:
            rows = await self._moment(start_ms, rows)
        return rows, end_ms

    async def _moment(self, at: int, first: list[Income]) -> list[Income]:
        """More rows of one millisecond than a page holds."""
        found = list(first)
        for number in range(2, MOST_PAGES):
            rows = await self._page(at, at, number)
            found += rows
            if len(rows) < PAGE:
                return found
        raise Transient("Binance's income history has more rows of one moment than can be read")

    async def _page(self, start_ms: int, end_ms: int, number: int = 1) -> list[Income]:
        params = {"startTime": str(start_ms), "endTime": str(end_ms), "limit": str(PAGE)}
        if number > 1:
            params["page"] = str(number)
        rows = await self._client.read(
            "income",
            lambda library: library.futures_income_history(**params),
            lambda answer: parse_many(IncomeRow, answer),
        )
        return [
            Income(row.income_type, row.tran_id, row.symbol, row.income, row.asset, at_ms(row.time_ms)) for row in rows
        ]
