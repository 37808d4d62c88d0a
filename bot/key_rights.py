"""What the exchange's key may do: what `check` says of it, what live mode does not begin with, and a look every day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from core.clock import Clock
from core.errors import Refused, Transient
from core.events import Event, EventKind
from core.ports import EventLog

if TYPE_CHECKING:  # importing them would load python-binance, of no use on paper
    from core.exchange.binance import BinanceVenue
    from core.exchange.binance_admin import KeyRights

# The spot host, the only one that tells, is nothing that hedging waits for.
PATIENCE_S = 5.0
AGAIN_S = 3600.0
LOOK_EVERY_S = 86400.0
NOT_ASKED = "its rights were not asked: BINANCE_SPOT_URL is empty"
NO_FUTURES = "it may not trade futures: enable that for the key at Binance"
MAY_WITHDRAW = "it may withdraw: take that right away at Binance"
ANY_ADDRESS = "it works from any address: restrict it to this machine's"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeyFault:
    """`detail`: what is wrong, what to do. `refuses`: live mode does not begin with it. `unread`: nothing is known."""

    detail: str
    refuses: bool = False
    unread: bool = False


def key_faults(rights: KeyRights | None, *, allows_withdrawals: bool) -> tuple[KeyFault, ...]:
    """`rights` None: there is nobody to ask."""
    if rights is None:
        return (KeyFault(NOT_ASKED),)
    found = []
    if not rights.futures:
        found.append(KeyFault(NO_FUTURES, refuses=True))
    if rights.withdrawals:
        allowed = KeyFault(MAY_WITHDRAW)
        found.append(
            allowed if allows_withdrawals else KeyFault(f"{MAY_WITHDRAW}, or say --allow-withdrawal-key", refuses=True)
        )
    if not rights.ip_restricted:
        found.append(KeyFault(ANY_ADDRESS))
    return tuple(found)


async def read_faults(venue: BinanceVenue, *, allows_withdrawals: bool) -> tuple[KeyFault, ...]:
    """What cannot be read is a fault that refuses nothing: the futures side alone says whether the key is good."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            rights = await venue.admin.key_rights()
    except TimeoutError:
        return (_unread(f"no answer within {PATIENCE_S:.0f} s"),)
    except (Transient, Refused) as error:
        return (_unread(str(error).rstrip(".")),)
    return key_faults(rights, allows_withdrawals=allows_withdrawals)


def _unread(why: str) -> KeyFault:
    return KeyFault(f"its rights could not be read: {why}", unread=True)


class KeyWatch:
    """Looks with a connection of its own: what the spot host does, a ban included, must not reach the hedging.

    `exposed`: who else can read the key, if anybody can; told with the rest.
    """

    def __init__(
        self,
        connect: Callable[[], BinanceVenue],
        events: EventLog,
        clock: Clock,
        *,
        allows_withdrawals: bool,
        exposed: str | None,
    ) -> None:
        self._connect = connect
        self._events = events
        self._clock = clock
        self._allows_withdrawals = allows_withdrawals
        self._exposed = (KeyFault(exposed, refuses=True),) if exposed else ()
        self._told: frozenset[KeyFault] = frozenset()
        self._unlogged: tuple[KeyFault, ...] = ()
        self._due_s = clock.monotonic_s()

    async def refusals(self) -> tuple[Refused, ...]:
        """Before anything is held. What refuses nothing is logged by `run`: a refused start says one sentence."""
        self._unlogged = await self._look()
        return tuple(
            Refused(f"the API key: {each.detail}", code="key_rights") for each in self._unlogged if each.refuses
        )

    async def run(self) -> None:
        """Every day, sooner while nothing could be read. What live mode would not begin with is told on the phone."""
        _log_all(self._unlogged)
        self._unlogged = ()
        while True:
            await self._clock.sleep(max(0.0, self._due_s - self._clock.monotonic_s()))
            news = await self._look()
            _log_all(news)
            for fault in news:
                if fault.refuses:
                    event = Event(EventKind.KEY_AT_RISK, None, self._clock.now(), {"detail": fault.detail})
                    await self._events.append(event)

    async def _look(self) -> tuple[KeyFault, ...]:
        """News since the last look."""
        venue = self._connect()
        try:
            faults = (*self._exposed, *await read_faults(venue, allows_withdrawals=self._allows_withdrawals))
        finally:
            await venue.aclose()
        self._due_s = self._clock.monotonic_s() + (LOOK_EVERY_S if _are_known(faults) else AGAIN_S)
        return self._news_in(faults)

    def _news_in(self, faults: Sequence[KeyFault]) -> tuple[KeyFault, ...]:
        """What was not so when it was last known."""
        news = tuple(fault for fault in faults if fault not in self._told)
        known_before = () if _are_known(faults) else (fault for fault in self._told if not fault.unread)
        self._told = frozenset((*known_before, *faults))
        return news


def _are_known(faults: Sequence[KeyFault]) -> bool:
    return not any(fault.unread for fault in faults)


def _log_all(faults: Sequence[KeyFault]) -> None:
    for fault in faults:
        log.warning("the API key", worth_a_look=fault.detail)
