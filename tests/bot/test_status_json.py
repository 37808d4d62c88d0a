"""The JSON of `status` is a contract: these keys, numbers as text with every digit, unknown as null."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from bot.status_json import facts_are_missing, status_json
from core.status import HedgeStatus, LpStatus, PerpStatus, PositionStatus

D = Decimal
POSITION = PositionStatus(
    id=123456, state="in_range", side="in", base=D("1.5"), quote=D("900"), fee_base=D("0.000000000000000001"),
    fee_quote=D("0E-18"), price_lower=D("500"), price_upper=D("700"),
)  # fmt: skip
STATUS = HedgeStatus(
    name="bnb", state="READY", reason="within_band", price=D("600"), net_base=D("1.5"), departed_base=D(0),
    target_base=D("-1.5"), gap_base=D("-0.00"), gap_quote=D("1E+2"), band_quote=D(50), residual_base=D(0),
    wallet_base=None,
    lp=LpStatus("in_range", "in", D("1.5"), D(900), D(0), D(0), D(600), 41_000_000,
                datetime(2026, 11, 21, 3, 10, tzinfo=UTC), (POSITION,)),
    perp=PerpStatus("BNBUSDT", D("-1.5"), D(0), D("1.5"), D(601), D(600), None, D(9000), D("0.0001")),
    estimated=False,
    base_symbol="BNB", detail="", chain_age_s=1.0, venue_age_s=1.0, last_hedge_at=None,
)  # fmt: skip
HEDGE_KEYS = "name state reason price net_base departed_base target_base gap_base gap_quote band_quote residual_base"
LP_KEYS = "state side base quote fee_base fee_quote price block block_time positions"
POSITION_KEYS = "id state side base quote fee_base fee_quote price_lower price_upper"
PERP_KEYS = (
    "symbol position_base long_base short_base entry_price mark_price liquidation_price available_balance funding_rate"
)


def test_the_keys_are_those_of_the_contract_and_no_others() -> None:
    """Who reads it by machine relies on every name."""
    read = json.loads(status_json("paper", [STATUS]))
    (hedge,) = read["hedges"]
    assert set(read) == {"mode", "hedges"}
    assert set(hedge) == {*HEDGE_KEYS.split(), "wallet_base", "lp", "perp", "estimated", "approval_id"}
    assert hedge["estimated"] is False
    assert set(hedge["lp"]) == set(LP_KEYS.split())
    assert set(hedge["lp"]["positions"][0]) == set(POSITION_KEYS.split())
    assert set(hedge["perp"]) == set(PERP_KEYS.split())


def test_numbers_are_text_with_every_digit_and_unknown_is_null() -> None:
    """No exponent, no minus before nothing, no float in between."""
    (hedge,) = json.loads(status_json("paper", [STATUS]))["hedges"]
    assert (hedge["gap_base"], hedge["gap_quote"], hedge["wallet_base"]) == ("0.00", "100", None)
    assert hedge["lp"]["block"] == "41000000"
    assert hedge["lp"]["block_time"] == "2026-11-21T03:10:00Z"
    position = hedge["lp"]["positions"][0]
    assert (position["id"], position["fee_base"]) == ("123456", "0.000000000000000001")
    assert Decimal(position["fee_quote"]) == 0
    assert hedge["perp"]["liquidation_price"] is None


def test_a_missing_fact_is_known_as_missing() -> None:
    """The exit code tells a script that it saw only a part."""
    assert not facts_are_missing(STATUS)
    assert facts_are_missing(replace(STATUS, price=None))
    assert facts_are_missing(replace(STATUS, perp=replace(STATUS.perp, position_base=None)))
    assert not facts_are_missing(replace(STATUS, perp=replace(STATUS.perp, liquidation_price=None)))
