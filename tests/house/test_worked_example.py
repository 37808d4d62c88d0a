"""The figures of the worked example are what the program's own code makes of it."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from core.amm.prices import price_bounds
from core.facts import PerpAccount
from core.hedging.exposure import amounts_at_price, pair_order
from core.hedging.headroom import position_headroom
from core.hedging.kernel_types import Decision, Facts
from core.hedging.margin import liquidation_price_after
from tests.hedging.givens import decide, facts, memory, policy, said
from tests.hedging.positions import LIQUIDITY, NOW, position

PAGE = Path(__file__).parents[2] / "docs" / "how_it_works.md"
ROW = re.compile(r"^\| ([A-Z].+?) \| .+ \| ([^|]+?) \|$", re.MULTILINE)
POSITION = position()
MINUS = "\N{MINUS SIGN}"
RULES = policy(approvals=True)
SHORT_BASE, WALLET_QUOTE, KEPT, TAKER = Decimal(25), Decimal(20_000), Decimal("0.005"), Decimal("0.0005")


def value_at(price: int) -> Decimal:
    base, quote = amounts_at_price(POSITION, LIQUIDITY, Decimal(price))
    return base * price + quote


def seen_at(price: int) -> Facts:
    """The short of 25 as it was, pool and perpetual at this price, 20,000 USDT in the account when it was opened."""
    base, _ = amounts_at_price(POSITION, LIQUIDITY, Decimal(price))
    balance = WALLET_QUOTE + SHORT_BASE * (2000 - price)
    return facts(
        net=base,
        lp_value_quote=value_at(price),
        edge_base=POSITION.base_at_lower_edge,
        price=Decimal(price),
        pool_price=Decimal(price),
        mark_price=Decimal(price),
        margin_balance_quote=balance,
        maintenance_margin_quote=SHORT_BASE * price * KEPT,
        available_quote=balance - SHORT_BASE * price * Decimal("0.05"),
    )


def account() -> PerpAccount:
    """As it is at 1975: what the price did since 2000 is in the balance."""
    seen = seen_at(1975)
    return PerpAccount(
        symbol="ETHUSDT",
        hedge_mode=False,
        position_base=-SHORT_BASE,
        long_base=Decimal(0),
        short_base=SHORT_BASE,
        entry_price=Decimal(2000),
        liquidation_price=None,
        margin_balance_quote=seen.margin_balance_quote,
        available_balance_quote=seen.available_quote,
        maintenance_margin_quote=seen.maintenance_margin_quote,
        initial_rate=Decimal("0.05"),
        maintenance_rate=KEPT,
        taker_fee_rate=TAKER,
        maker_fee_rate=TAKER,
        as_of=NOW,
    )


def decided_at(price: int, *, to_edge: bool = False) -> Decision:
    return decide(seen_at(price), RULES._replace(to_edge=to_edge), memory())


def figure(value: Decimal, places: int, unit: str) -> str:
    """1,994.29 USDT; a minus as print has it."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{rounded:,f} {unit}".replace("-", MINUS)


def in_base(value: Decimal, places: int = 4) -> str:
    return figure(value, places, "ETH")


def in_quote(value: Decimal) -> str:
    return figure(value, 2, "USDT")


def steps(count: int) -> str:
    return in_base(count * RULES.step_base, 3)


def expected() -> dict[str, str]:
    quiet, moved, far = decided_at(1990), decided_at(1975), decided_at(1900)
    traded = abs(moved.quantity_steps) * RULES.step_base
    of_the_short = SHORT_BASE * (2000 - 1975)
    room, _ = position_headroom(seen_at(1975), RULES)
    lower, upper = price_bounds(POSITION.tick_lower, POSITION.tick_upper, pair_order(POSITION))
    liquidated_at = liquidation_price_after(account(), Decimal(1975), Decimal(0))
    assert liquidated_at is not None
    return {
        "Range": f"{lower:,.2f} to {upper:,.2f} USDT",
        "BASE at 2000": in_base(-decided_at(2000).target_base),
        "Value at 2000": in_quote(value_at(2000)),
        "BASE at 1990": in_base(-quiet.target_base),
        "Gap at 1990": in_quote(quiet.gap_quote),
        "Band at 1990": in_quote(quiet.band_quote),
        "Decision at 1990": said(quiet),
        "BASE at 1975": in_base(-moved.target_base),
        "Gap at 1975": in_quote(moved.gap_quote),
        "Band at 1975": in_quote(moved.band_quote),
        "Decision at 1975": said(moved),
        "Trade": steps(moved.quantity_steps),
        'Trade with `rebalance_to = "edge"`': steps(decided_at(1975, to_edge=True).quantity_steps),
        "Fee": in_quote(traded * 1975 * TAKER),
        "Value of the LP changed by": in_quote(value_at(1975) - value_at(2000)),
        "The short earned": in_quote(of_the_short),
        "Together": in_quote(value_at(1975) - value_at(2000) + of_the_short),
        "Gap at 1900, nothing traded before": in_quote(far.gap_quote),
        "Approval limit at 1900": in_quote(far.approval_quote),
        "Decision at 1900": said(far),
        "Liquidation of the short of 25": in_quote(liquidated_at),
        "The short may grow by": steps(room),
    }


def test_the_worked_example_is_what_the_code_computes() -> None:
    """Every row of it, and no other."""
    example = PAGE.read_text().split("## A worked example")[1]
    assert dict(ROW.findall(example)) == expected()
