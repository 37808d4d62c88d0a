"""How much may be asked of Binance: the exchange's own counters, and the times at which it wants silence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from core.clock import Clock
from core.errors import Transient
from core.exchange.binance_outcome import Failure

WEIGHT_PER_MINUTE = 2400
READS_STOP_PERCENT = 90
SILENCES_S = {429: 30.0, 418: 120.0, 403: 300.0}  # when the answer names no time; 403 is the firewall
ORDER_PAUSE_S = 10.0

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


class Traffic:
    """One IP address and one account. Orders weigh nothing on the address, so only silence stops them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_until_s = 0.0
        self._silent_why = ""
        self._orders_pause_until_s = 0.0
        self._minute: datetime | None = None
        self.used_weight = 0
        self.orders_10s = 0
        self.orders_1m = 0
        self.weight_limit = WEIGHT_PER_MINUTE

    def check_read(self) -> None:
        """Raises Transient while the exchange wants silence, or when this minute's weight is all but used."""
        self._check_silence()
        minute = _minute_of(self._clock.now())
        if self._minute == minute and self.used_weight * 100 >= self.weight_limit * READS_STOP_PERCENT:
            wait_s = (minute + timedelta(minutes=1) - self._clock.now()).total_seconds()
            used = f"{self.used_weight} of {self.weight_limit}"
            raise Transient(f"Binance's request limit is nearly used up ({used} this minute)", retry_after_s=wait_s)

    def check_order(self) -> None:
        """Raises Transient while the exchange wants silence, or no orders."""
        self._check_silence()
        self._check_until(self._orders_pause_until_s, "Binance counts too many orders of this account")

    def note_headers(self, headers: Mapping[str, str]) -> None:
        """The exchange's own counts; a refused order's answer may lack them."""
        weight = _number(headers.get("X-MBX-USED-WEIGHT-1M"))
        if weight is not None:
            self._minute, self.used_weight = _minute_of(self._clock.now()), weight
        self.orders_10s = _number(headers.get("X-MBX-ORDER-COUNT-10S")) or self.orders_10s
        self.orders_1m = _number(headers.get("X-MBX-ORDER-COUNT-1M")) or self.orders_1m

    def note_failure(self, failure: Failure) -> None:
        """After 418, 403 and a general 429 nothing at all is sent for the time given; after -1015 no orders."""
        now_s = self._clock.monotonic_s()
        if failure.status == 429 and failure.code == -1015:
            self._orders_pause_until_s = now_s + (failure.retry_after_s or ORDER_PAUSE_S)
            return
        default_s = SILENCES_S.get(failure.status or 0)
        if default_s is None:
            return
        wait_s = self._ban_s(failure.text) or failure.retry_after_s or default_s
        if now_s + wait_s > self._silent_until_s:
            self._silent_until_s, self._silent_why = now_s + wait_s, failure.text

    def _ban_s(self, text: str) -> float | None:
        banned = _BANNED_UNTIL.search(text)
        if banned is None:
            return None
        return max(0.0, int(banned[1]) / 1000 - self._clock.now().timestamp())

    def _check_silence(self) -> None:
        self._check_until(self._silent_until_s, f"Binance wants silence: {self._silent_why}")

    def _check_until(self, until_s: float, why: str) -> None:
        wait_s = until_s - self._clock.monotonic_s()
        if wait_s > 0:
            raise Transient(f"{why} (for another {wait_s:.0f} s)", retry_after_s=wait_s)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait asked for, None when none was named."""
    number = _number(headers.get("Retry-After"))
    return None if number is None else float(number)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
