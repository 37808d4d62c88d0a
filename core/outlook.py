"""What a hedge last believed of the world, for whoever works out what would be at another price."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import HedgeConfig
from core.facts import Market, PerpAccount
from core.hedging.lifecycle import LpView


@dataclass(frozen=True, slots=True)
class Outlook:
    """The facts of the last look, each None until it was first believed; `config` as it is in force now."""

    hedge: str
    config: HedgeConfig
    lp: LpView | None
    account: PerpAccount | None
    market: Market | None
