"""What the LP life cycle remembers from one believed read to the next, and its JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.facts import LpPosition
from core.hedging.states import LpState


@dataclass(frozen=True, slots=True)
class SeenPosition:
    """One position as last believed. `parked_*`: principal that a decrease left in `tokensOwed`.

    `moving` is OPENING or CLOSING until two equal reads a block apart, else NONE. `block`: at which its liquidity was
    first seen as it is. Nothing here changes with every block, so that the memory is written only when something did.
    """

    liquidity: int
    owner: str
    pool: str
    block: int
    base_is_token0: bool
    base_decimals: int
    quote_decimals: int
    tick_lower: int
    tick_upper: int
    parked_base: Decimal
    parked_quote: Decimal
    moving: LpState


@dataclass(frozen=True, slots=True)
class Departed:
    """BASE that left by a liquidity decrease, counted until `until`; None: kept, until something takes its place."""

    base: Decimal
    until: datetime | None

    def counts_at(self, now: datetime) -> bool:
        """Until its end, where it has one."""
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True)
class LifeMemory:
    """`started`: a read was believed before, so what is new now was opened since. `given_up`: the operator said that
    what departed last is not coming back, so no grace is waited for; new liquidity or a new departure ends that."""

    positions: Mapping[int, SeenPosition] = field(default_factory=dict)
    departed: tuple[Departed, ...] = ()
    wallet_base: Decimal | None = None
    started: bool = False
    given_up: bool = False

    @property
    def departed_base(self) -> Decimal:
        """All that left and counts still, with what was kept for good."""
        return sum((parcel.base for parcel in self.departed), Decimal(0))

    @property
    def kept_base(self) -> Decimal:
        """The part of `departed_base` that has no end of its own."""
        return sum((parcel.base for parcel in self.departed if parcel.until is None), Decimal(0))

    def moved(self, by: timedelta) -> LifeMemory:
        """Each end that much later, where there is one: the wall clock was set."""
        ends = ((parcel, parcel.until) for parcel in self.departed)
        departed = tuple(parcel if until is None else replace(parcel, until=until + by) for parcel, until in ends)
        return replace(self, departed=departed)


def seen(
    position: LpPosition, block: int, parked_base: Decimal, parked_quote: Decimal, moving: LpState
) -> SeenPosition:
    """What to remember of a position believed now. `block`: at which its liquidity was first seen as it is."""
    return SeenPosition(
        liquidity=position.liquidity,
        owner=position.owner,
        pool=position.pool,
        block=block,
        base_is_token0=position.base_is_token0,
        base_decimals=position.base_decimals,
        quote_decimals=position.quote_decimals,
        tick_lower=position.tick_lower,
        tick_upper=position.tick_upper,
        parked_base=parked_base,
        parked_quote=parked_quote,
        moving=moving,
    )


def to_json(memory: LifeMemory) -> str:
    """Numbers as text; wide integers too."""
    positions = {str(key): _seen_data(entry) for key, entry in memory.positions.items()}
    departed = [_departed_data(parcel) for parcel in memory.departed]
    wallet = None if memory.wallet_base is None else str(memory.wallet_base)
    marks = {"started": memory.started, "given_up": memory.given_up}
    return json.dumps({"positions": positions, "departed": departed, "wallet_base": wallet, **marks})


def from_json(text: str) -> LifeMemory:
    """Raises ValueError or KeyError on a text that `to_json` did not write."""
    data = json.loads(text)
    return LifeMemory(
        positions={int(key): _seen_from(entry) for key, entry in data["positions"].items()},
        departed=tuple(_departed_from(parcel) for parcel in data["departed"]),
        wallet_base=None if data["wallet_base"] is None else Decimal(data["wallet_base"]),
        started=bool(data.get("started", data["positions"])),
        given_up=bool(data.get("given_up", False)),
    )


def _departed_data(parcel: Departed) -> dict[str, str | None]:
    return {"base": str(parcel.base), "until": None if parcel.until is None else parcel.until.isoformat()}


def _departed_from(parcel: Mapping[str, str | None]) -> Departed:
    base, until = parcel["base"], parcel["until"]
    if base is None:
        raise ValueError("BASE that departed has no size")
    return Departed(Decimal(base), None if until is None else datetime.fromisoformat(until))


def _seen_data(entry: SeenPosition) -> dict[str, str | bool | int]:
    texts = {name: value if isinstance(value, bool) else str(value) for name, value in asdict(entry).items()}
    return texts | {"moving": int(entry.moving)}


def _seen_from(entry: Mapping[str, str]) -> SeenPosition:
    return SeenPosition(
        liquidity=int(entry["liquidity"]),
        owner=entry["owner"],
        pool=entry.get("pool", ""),
        block=int(entry["block"]),
        base_is_token0=bool(entry["base_is_token0"]),
        base_decimals=int(entry["base_decimals"]),
        quote_decimals=int(entry["quote_decimals"]),
        tick_lower=int(entry["tick_lower"]),
        tick_upper=int(entry["tick_upper"]),
        parked_base=Decimal(entry["parked_base"]),
        parked_quote=Decimal(entry["parked_quote"]),
        moving=LpState(int(entry["moving"])),
    )
