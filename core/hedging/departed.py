"""The operator's word on BASE that departed: keep the short for it, give it up, or let it take its course again.

None of the three ever adds to what counts, so none of them can make a short grow.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.hedging.kernel_types import Policy
from core.hedging.life_memory import LifeMemory


def kept(life: LifeMemory) -> LifeMemory:
    """It counts until new liquidity or a counted wallet takes its place, or the operator says otherwise."""
    return replace(life, departed=tuple(replace(parcel, until=None) for parcel in life.departed))


def given_up(life: LifeMemory) -> LifeMemory:
    """It counts no more, and a hedge that is without liquidity need not wait for that of which none will come."""
    return replace(life, departed=(), given_up=True)


def released(life: LifeMemory, until: datetime) -> LifeMemory:
    """What was kept has an end again; what has one is left as it is."""
    parcels = (replace(parcel, until=until) if parcel.until is None else parcel for parcel in life.departed)
    return replace(life, departed=tuple(parcels))


def without_grace(policy: Policy, life: LifeMemory) -> Policy:
    """The policy for a hedge whose departed BASE was given up: being without liquidity counts at once."""
    return policy._replace(no_lp_grace_ms=0) if life.given_up else policy
