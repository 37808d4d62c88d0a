"""How much may be asked of Binance: what each request uses up before it leaves, and the times of silence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.account_ports import Ban
from core.clock import Clock
from core.errors import Transient
from core.exchange.binance_budget import Budget
from core.exchange.binance_messages import RateLimit
from core.exchange.binance_outcome import Failure
from core.exchange.binance_weights import Cost

WEIGHT_PER_MINUTE = 2400
ORDERS_PER_10S = 300
ORDERS_PER_MINUTE = 1200
SILENCES_S = {429: 30.0, 418: 120.0, 403: 300.0}  # when the answer names no time; 403 is the firewall
BANS = {418: "Binance banned this address", 403: "Binance's firewall refuses this address"}
ORDER_PAUSE_S = 10.0
UNITS_S = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}

_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one request: what was reserved for it."""

    weight: int
    orders: int


class Traffic:
    """One IP address and one account. Orders weigh nothing on the address and have counts of their own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._weight = Budget(60, WEIGHT_PER_MINUTE, clock)
        self._orders = {10: Budget(10, ORDERS_PER_10S, clock), 60: Budget(60, ORDERS_PER_MINUTE, clock)}
        self._silent_until_s = 0.0
        self._silence = ""
        self._ban: Ban | None = None
        self._ban_untold = asyncio.Event()
        self._orders_pause_until_s = 0.0

    async def next_ban(self) -> Ban:
        """As `core.ports.PerpVenue.next_ban`; for one listener."""
        while self._ban is None:
            await self._ban_untold.wait()
            self._ban_untold.clear()
        told, self._ban = self._ban, None
        return told

    def adopt_limits(self, limits: Iterable[RateLimit]) -> None:
        """Those of the exchange's own list; kinds and intervals that are not kept here are passed over."""
        for each in limits:
            interval_s = UNITS_S.get(each.interval, 0) * each.interval_num
            if each.rate_limit_type == "REQUEST_WEIGHT" and interval_s == 60:
                self._weight.limit = each.limit
            elif each.rate_limit_type == "ORDERS" and interval_s in self._orders:
                self._orders[interval_s].limit = each.limit

    def take_read(self, cost: Cost) -> Permit:
        """Raises Transient while Binance wants silence, or when the part of this minute's weight for it is used up."""
        self._check_silence()
        wait_s = self._weight.wait_s(cost.weight, cost.purpose.value)
        if wait_s:
            used = f"{self._weight.used} of {self._weight.limit}"
            raise Transient(f"Binance's request limit is nearly used up ({used} this minute)", retry_after_s=wait_s)
        self._weight.reserve(cost.weight)
        return Permit(cost.weight, 0)

    def take_order(self) -> Permit:
        """Raises Transient while Binance wants silence or no orders, or when as many as it allows have left."""
        self._check_silence()
        paused_s = self._orders_pause_until_s - self._clock.monotonic_s()
        wait_s = max(paused_s, *(budget.wait_s(1) for budget in self._orders.values()))
        if wait_s > 0:
            raise Transient(
                f"Binance counts too many orders of this account, for another {wait_s:.0f} s", retry_after_s=wait_s
            )
        for budget in self._orders.values():
            budget.reserve(1)
        return Permit(0, 1)

    def settle(self, permit: Permit, headers: Mapping[str, str]) -> None:
        """The request ended; `headers` of its answer, none when none came. A refused order's may lack the counts."""
        self._weight.settle(permit.weight, _number(headers.get("X-MBX-USED-WEIGHT-1M")))
        if permit.orders:
            self._orders[10].settle(1, _number(headers.get("X-MBX-ORDER-COUNT-10S")))
            self._orders[60].settle(1, _number(headers.get("X-MBX-ORDER-COUNT-1M")))

    def note_failure(self, failure: Failure) -> None:
        """After 418, 403 and a general 429 nothing at all is sent for the time given; after -1015 no orders."""
        now_s = self._clock.monotonic_s()
        if failure.status == 429 and failure.code == -1015:
            self._orders_pause_until_s = now_s + (failure.retry_after_s or ORDER_PAUSE_S)
            return
        wait_s = self._silence_s(failure)
        if wait_s is not None and now_s + wait_s > self._silent_until_s:
            self._be_silent(failure, wait_s)

    def _silence_s(self, failure: Failure) -> float | None:
        """The time for which nothing may be sent; None: the failure asks for no silence."""
        default_s = SILENCES_S.get(failure.status or 0)
        if default_s is None:
            return None
        return max(self._ban_s(failure.text), failure.retry_after_s or 0.0) or default_s

    def _ban_s(self, text: str) -> float:
        """The time that is left until the moment named in the text; 0 when none is, or it is over."""
        banned = _BANNED_UNTIL.search(text)
        return 0.0 if banned is None else max(0.0, int(banned[1]) / 1000 - self._clock.now().timestamp())

    def _be_silent(self, failure: Failure, wait_s: float) -> None:
        until = self._clock.now() + timedelta(seconds=wait_s)
        self._silent_until_s = self._clock.monotonic_s() + wait_s
        ban = BANS.get(failure.status or 0)
        if ban is None:
            self._silence = f"Binance wants silence until {_hour(until)}: {failure.text}"
            return
        self._silence, self._ban = f"{ban} until {_hour(until)}", Ban(until, ban)
        self._ban_untold.set()

    def _check_silence(self) -> None:
        wait_s = self._silent_until_s - self._clock.monotonic_s()
        if wait_s > 0:
            raise Transient(self._silence, retry_after_s=wait_s)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """The wait asked for, None when none was named."""
    number = _number(headers.get("Retry-After"))
    return None if number is None else float(number)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _hour(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
