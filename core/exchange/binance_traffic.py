"""How much may be asked of Binance: the exchange's own counters, and the times at which it wants silence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from core.clock import Clock
from core.errors import Transient
from core.exchange.binance_outcome import Failure

WEIGHT_PER_MINUTE = 2400
READS_STOP_PERCENT = 90
SILENCE_AFTER_429_S = 30.0
SILENCE_AFTER_418_S = 120.0
SILENCE_AFTER_403_S = 300.0
ORDER_PAUSE_S = 10.0

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


class Traffic:
    """One IP address and one account. Orders weigh nothing on the address, so only silence stops them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_until: datetime | None = None
        self._silent_why = ""
        self._orders_pause_until: datetime | None = None
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
        self._check_until(self._orders_pause_until, "Binance counts too many orders of this account")

    def note_headers(self, headers: Mapping[str, str]) -> None:
        weight = _number(headers.get("X-MBX-USED-WEIGHT-1M"))
        if weight is not None:
            self._minute, self.used_weight = _minute_of(self._clock.now()), weight
        self.orders_10s = _number(headers.get("X-MBX-ORDER-COUNT-10S")) or self.orders_10s
        self.orders_1m = _number(headers.get("X-MBX-ORDER-COUNT-1M")) or self.orders_1m

    def note_failure(self, failure: Failure) -> None:
        """After 418, 403 and a general 429 nothing at all is sent for the time given; after -1015 no orders."""
        if failure.status == 429 and failure.code == -1015:
            self._orders_pause_until = self._after(failure.retry_after_s or ORDER_PAUSE_S)
            return
        default_s = {429: SILENCE_AFTER_429_S, 418: SILENCE_AFTER_418_S, 403: SILENCE_AFTER_403_S}
        if failure.status not in default_s:
            return
        banned = _BANNED_UNTIL.search(failure.text)
        until = _from_ms(int(banned[1])) if banned else self._after(failure.retry_after_s or default_s[failure.status])
        if self._silent_until is None or until > self._silent_until:
            self._silent_until, self._silent_why = until, failure.text

    def _check_silence(self) -> None:
        self._check_until(self._silent_until, f"Binance wants silence: {self._silent_why}")

    def _check_until(self, until: datetime | None, why: str) -> None:
        if until is not None and self._clock.now() < until:
            wait_s = (until - self._clock.now()).total_seconds()
            raise Transient(f"{why} (for another {wait_s:.0f} s)", retry_after_s=wait_s)

    def _after(self, seconds_s: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds_s)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    number = _number(headers.get("Retry-After"))
    return None if number is None else float(number)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _minute_of(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _from_ms(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC)
