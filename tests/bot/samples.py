"""What front ends are shown, each valid as it stands; what a test is about it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.config import Config
from core.events import Event, EventKind
from core.facts import OrderSide
from core.ports import Approval, ApprovalState
from core.status import HedgeStatus, LpStatus, PerpStatus, PositionStatus

T0 = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

POSITION = PositionStatus(
    id=123456,
    state="in_range",
    side="in",
    base=Decimal("14.123456789"),
    quote=Decimal("8123.456"),
    fee_base=Decimal("0.0123"),
    fee_quote=Decimal("7.5"),
    price_lower=Decimal(550),
    price_upper=Decimal(660),
)
STATUS = HedgeStatus(
    name="bnb",
    state="READY",
    reason="within_band",
    price=Decimal("605.1"),
    net_base=Decimal("14.1357"),
    departed_base=Decimal(0),
    target_base=Decimal("-14.1357"),
    gap_base=Decimal("-0.1357"),
    gap_quote=Decimal("82.11"),
    band_quote=Decimal(300),
    residual_base=Decimal("0.1357"),
    wallet_base=None,
    lp=LpStatus(
        state="in_range",
        side="in",
        base=POSITION.base,
        quote=POSITION.quote,
        fee_base=POSITION.fee_base,
        fee_quote=POSITION.fee_quote,
        price=Decimal("605.25"),
        block=45123456,
        block_time=T0,
        positions=(POSITION,),
    ),
    perp=PerpStatus(
        symbol="BNBUSDT",
        position_base=Decimal(-14),
        long_base=Decimal(0),
        short_base=Decimal(14),
        entry_price=Decimal(600),
        mark_price=Decimal(605),
        liquidation_price=Decimal("907.5"),
        available_balance=Decimal("8000.5"),
        funding_rate=Decimal("0.0001"),
        margin_balance=Decimal(10_000),
        maintenance_margin=Decimal(123),
        next_funding_time=T0 + timedelta(hours=4),
        read_at=T0,
    ),
    estimated=False,
    base_symbol="BNB",
    detail="",
    chain_age_s=4.0,
    venue_age_s=1.2,
    last_hedge_at=T0 - timedelta(minutes=5),
)
UNREAD = replace(
    STATUS,
    state="SUSPENDED",
    reason="starting",
    price=None,
    net_base=None,
    departed_base=None,
    target_base=None,
    gap_base=None,
    gap_quote=None,
    band_quote=None,
    residual_base=None,
    lp=LpStatus(None, None, None, None, None, None, None, None, None, ()),
    perp=PerpStatus("BNBUSDT", None, None, None, None, None, None, None, None),
    chain_age_s=None,
    venue_age_s=None,
    last_hedge_at=None,
)

SHOWN = {
    "side": "SELL",
    "symbol": "BNBUSDT",
    "size_base": "4.20",
    "size_quote": "2541.420",
    "reason": "band_exceeded",
    "gap_base": "-4.2043219",
    "gap_quote": "2544.03",
    "band_quote": "500",
    "expected_price": "605.0421",
    "expected_cost_quote": "1.9012",
    "expected_slippage_bps": "1.2",
    "position_before": "-10",
    "position_after": "-14.2",
    "exposure_before": "4.2043",
    "exposure_after": "0.0043",
    "available_before": "8000",
    "available_after": "7746",
    "liquidation_before": "none",
    "liquidation_after": "907.5",
    "expires_at": "2026-03-01T12:05:00Z",
    "on_timeout": "hold",
    "base_symbol": "BNB",
    "price": "605.1",
}


def an_approval(
    approval_id: str = "a1b2c3d4", *, state: ApprovalState = ApprovalState.PENDING, hedge: str = "bnb"
) -> Approval:
    return Approval(
        approval_id=approval_id,
        hedge=hedge,
        symbol="BNBUSDT",
        side=OrderSide.SELL,
        quantity_base=Decimal("4.20"),
        notional_quote=Decimal("2541.420"),
        reason="band_exceeded",
        shown=SHOWN,
        created_at=T0,
        expires_at=T0 + timedelta(minutes=5),
        state=state,
    )


def an_event(kind: EventKind, *, hedge: str | None = "bnb", at: datetime = T0, **data: str) -> Event:
    return Event(kind, hedge, at, data)


def a_config(*hedges: str, alerts: Mapping[str, object] | None = None) -> Config:
    """Hedges named like their BASE: "bnb" is BNBUSDT."""
    return Config.model_validate(
        {
            "alerts": dict(alerts or {}),
            "hedges": {
                name: {
                    "chain": "bsc",
                    "amm_type": "pancakeswap_v3",
                    "lp_position_ids": [number],
                    "symbol": f"{name.upper()}USDT",
                }
                for number, name in enumerate(hedges or ("bnb",), start=1)
            },
        }
    )
