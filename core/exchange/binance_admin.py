"""What is set or asked of the account rarely: leverage, margin type, the key's rights, the dead-man's switch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.errors import Refused
from core.exchange.binance_account import AccountTerms, TermsReader
from core.exchange.binance_client import BinanceClient
from core.exchange.binance_messages import FundingIncome, KeyPermissions, at_ms, parse_many, parse_one

NO_NEED_TO_CHANGE = "-4046"
PAGE = 1000


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What the API key may do; `ip_restricted`: only from listed addresses."""

    futures: bool
    withdrawals: bool
    ip_restricted: bool


@dataclass(frozen=True, slots=True)
class FundingPayment:
    """`amount_quote` positive when received. Unique by `payment_id`."""

    payment_id: int
    symbol: str
    amount_quote: Decimal
    asset: str
    at: datetime


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

    async def cancel_all_after(self, symbol: str, seconds: int) -> None:
        """The exchange cancels all open orders of the symbol unless this is called again in time; 0 switches it off."""
        await self._client.read(
            "countdown",
            lambda library: library.futures_countdown_cancel_all(symbol=symbol, countdownTime=str(seconds * 1000)),
            lambda answer: None,
        )

    async def funding_payments(self, symbol: str, since: datetime) -> tuple[FundingPayment, ...]:
        """Oldest first. Binance keeps three months."""
        start_ms = int(since.timestamp() * 1000)
        found: dict[int, FundingPayment] = {}
        while True:
            page = await self._funding_page(symbol, start_ms)
            known = len(found)
            found |= {payment.payment_id: payment for payment in page}
            if len(page) < PAGE or len(found) == known:
                return tuple(sorted(found.values(), key=lambda payment: payment.at))
            start_ms = max(int(payment.at.timestamp() * 1000) for payment in page)

    async def _funding_page(self, symbol: str, start_ms: int) -> tuple[FundingPayment, ...]:
        rows = await self._client.read(
            "funding payments",
            lambda library: library.futures_income_history(
                symbol=symbol, incomeType="FUNDING_FEE", startTime=str(start_ms), limit=str(PAGE)
            ),
            lambda answer: parse_many(FundingIncome, answer),
        )
        return tuple(
            FundingPayment(row.tran_id, row.symbol, row.income, row.asset, at_ms(row.time_ms))
            for row in rows
            if row.symbol == symbol and row.income_type == "FUNDING_FEE"
        )
