"""Ports of those who tell by themselves: chains, accounts and markets that are heard."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NoReturn, Protocol

from core.facts import Market, OrderReport, Trade


@dataclass(frozen=True, slots=True)
class ChainNews:
    """`block` exists. `moved`: what is read may be different there; otherwise it is known not to be."""

    block: int
    moved: bool


class ChainStream(Protocol):
    """A chain that tells by itself when there is something new."""

    @property
    def name(self) -> str:
        """For people: no URL and no key in it."""
        ...

    async def listen(self, pools: Collection[str], on_news: Callable[[ChainNews], None]) -> None:
        """Call `on_news` for new blocks and for events of `pools`, until it fails: it never returns.

        Raises Transient when the connection fails, is silent or makes no sense; Refused for another chain.
        """
        ...


@dataclass(frozen=True, slots=True)
class AccountNews:
    """Something of the account, in the order in which the venue tells it.

    `report`: an order of anybody on this account as it is now. `fill`: what it just executed, None also where the
    stream leaves out a part of it. `balance_moved`: a balance or position changed, for whatever reason. All of them
    empty: the connection is up, and nothing that happens from now on is missed while it lasts.
    """

    symbol: str | None = None
    report: OrderReport | None = None
    fill: Trade | None = None
    balance_moved: bool = False


class AccountStream(Protocol):
    """An account that tells by itself what happens on it."""

    async def listen(self, on_news: Callable[[AccountNews], None]) -> NoReturn:
        """Call `on_news` for one connection's life: it never returns.

        Raises Transient when the connection failed, was silent too long, made no sense or lost messages, or its key
        ended; Refused for a key that may not listen. What happened after it raised is unknown until read by request.
        """
        ...


class MarketStream(Protocol):
    """Markets that tell by themselves how they move."""

    async def listen(self, symbols: Collection[str], on_move: Callable[[str], None]) -> NoReturn:
        """Call `on_move` with a symbol when its market moved; it never returns. Raises as `AccountStream` does."""
        ...

    def latest(self, symbol: str) -> Market | None:
        """The newest whole market heard on the connection that is up; None before its first, and while it is down.

        `as_of` is the older of book and mark, by our clock. Its book is shorter than what `PerpVenue.market` reads.
        """
        ...
