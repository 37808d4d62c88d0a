"""What the LP life cycle remembers from one believed read to the next, and its JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
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
    """BASE that left by a liquidity decrease, counted until `until`."""

    base: Decimal
    until: datetime


@dataclass(frozen=True, slots=True)
class LifeMemory:
    """`started`: a read was believed before, so what is new now was opened since."""

    positions: Mapping[int, SeenPosition] = field(default_factory=dict)
    departed: tuple[Departed, ...] = ()
    wallet_base: Decimal | None = None
    started: bool = False

    @property
    def departed_base(self) -> Decimal:
        return sum((parcel.base for parcel in self.departed), Decimal(0))


def seen(
    position: LpPosition, block: int, parked_base: Decimal, parked_quote: Decimal, moving: LpState
) -> SeenPosition:
    return SeenPosition(
        liquidity=position.liquidity,
        owner=position.owner,
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
    positions = {
        str(key): {name: value if isinstance(value, bool) else str(value) for name, value in asdict(entry).items()}
        | {"moving": int(entry.moving)}
        for key, entry in memory.positions.items()
    }
    departed = [{"base": str(parcel.base), "until": parcel.until.isoformat()} for parcel in memory.departed]
    wallet = None if memory.wallet_base is None else str(memory.wallet_base)
    return json.dumps({"positions": positions, "departed": departed, "wallet_base": wallet, "started": memory.started})


def from_json(text: str) -> LifeMemory:
    """Raises ValueError or KeyError on a text that `to_json` did not write."""
    data = json.loads(text)
    return LifeMemory(
        positions={int(key): _seen_from(entry) for key, entry in data["positions"].items()},
        departed=tuple(Departed(Decimal(d["base"]), datetime.fromisoformat(d["until"])) for d in data["departed"]),
        wallet_base=None if data["wallet_base"] is None else Decimal(data["wallet_base"]),
        started=bool(data.get("started", data["positions"])),
    )


def _seen_from(entry: Mapping[str, str]) -> SeenPosition:
    return SeenPosition(
        liquidity=int(entry["liquidity"]),
        owner=entry["owner"],
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
