"""What a hedge last believed of the world, for whoever works out what would be at another price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.config import HedgeConfig
from core.facts import Market, PerpAccount
from core.hedging.lifecycle import LpView
from core.ports import EngineView


@dataclass(frozen=True, slots=True)
class Outlook:
    """The facts of the last look, each None until it was first believed; `config` as it is in force now."""

    hedge: str
    config: HedgeConfig
    lp: LpView | None
    account: PerpAccount | None
    market: Market | None


class EngineOutlooks(EngineView, Protocol):
    """The running engine, also asked for the facts behind its words."""

    def outlook(self, hedge: str) -> Outlook | None:
        """None while nothing was read, and for a name that is no hedge's."""
        ...
