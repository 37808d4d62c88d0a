"""One endpoint of the rig: where it is, what it weighs, who may call it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from tests.rigs.venue.exchange import Exchange

Params = Mapping[str, str]
Handler = Callable[[Exchange, Params], object]
Weight = Callable[[Params], int]


class Security(Enum):
    NONE = "none"
    KEY = "key"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    handler: Handler
    weight: int | Weight = 1
    security: Security = Security.SIGNED
    places_order: bool = False

    def weight_of(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def per_symbol(with_symbol: int, without: int) -> Weight:
    return lambda params: with_symbol if "symbol" in params else without
