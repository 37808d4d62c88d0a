"""Prices and filters without an account: all that the paper venue needs of the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from core.facts import Market, SymbolRules


class MarketFeed(Protocol):
    async def prepare(self, symbols: Sequence[str]) -> None:
        """Filters of `symbols`. Raises Refused (unknown symbol) or Transient."""
        ...

    def rules(self, symbol: str) -> SymbolRules:
        """Raises Refused for a symbol that was not prepared or does not exist."""
        ...

    async def market(self, symbol: str) -> Market:
        """A fresh book, mark and funding rate. Raises Transient when there is none to be had now."""
        ...

    async def aclose(self) -> None:
        """Ends its connections, if it has any."""
        ...
