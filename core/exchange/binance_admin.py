"""What is set or asked of the account rarely: leverage, margin type, the key's rights, the dead-man's switch."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Refused
from core.exchange.binance_account import AccountTerms, TermsReader
from core.exchange.binance_client import BinanceClient
from core.exchange.binance_messages import KeyPermissions, parse_one

NO_NEED_TO_CHANGE = "-4046"


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What the API key may do; `ip_restricted`: only from listed addresses."""

    futures: bool
    withdrawals: bool
    ip_restricted: bool


class BinanceAdmin:
    """Every method raises Transient, or Refused with the exchange's code."""

    def __init__(self, client: BinanceClient, terms: TermsReader) -> None:
        self._client = client
        self._terms = terms

    async def key_rights(self) -> KeyRights | None:
        """From the spot host, the only one that tells. None when no spot URL is configured."""
        if not self._client.has_spot:
            return None
        rights = await self._client.read(
            "key permissions",
            lambda library: library.get_account_api_permissions(),
            lambda answer: parse_one(KeyPermissions, answer),
        )
        return KeyRights(rights.enable_futures, rights.enable_withdrawals, rights.ip_restrict)

    async def clock_offset_ms(self) -> int:
        """The exchange's clock less ours, measured now; positive when ours is slow."""
        await self._client.sync_clock()
        return self._client.clock_offset_ms

    async def terms(self, symbol: str) -> AccountTerms:
        """Position mode, multi-assets mode, leverage, margin type, fees and margin tiers."""
        return await self._terms.terms(symbol)

    async def set_leverage(self, symbol: str, leverage: int) -> None:
        """Changes the margin an open position needs: only when flat."""
        self._terms.forget_config(symbol)
        await self._client.read(
            "leverage",
            lambda library: library.futures_change_leverage(symbol=symbol, leverage=str(leverage)),
            lambda answer: None,
        )

    async def set_margin_type(self, symbol: str, *, isolated: bool) -> None:
        """Binance refuses it with a position, with orders, and isolated margin in multi-assets mode."""
        self._terms.forget_config(symbol)
        wanted = "ISOLATED" if isolated else "CROSSED"
        try:
            await self._client.read(
                "margin type",
                lambda library: library.futures_change_margin_type(symbol=symbol, marginType=wanted),
                lambda answer: None,
            )
        except Refused as refusal:
            if refusal.code != NO_NEED_TO_CHANGE:
                raise
