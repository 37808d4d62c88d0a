"""The compared position in Demeter 1.3.0, hedged in plain Python; run by .venv-demeter's Python.

Arguments: folder of daily minute files, first and last day, the hedge's band as a share of the BASE at the lower edge
("none": no hedge). Prints one JSON object. A child of `benchmarks.demeter`, it imports nothing of lp-hedge.
"""

from __future__ import annotations

import json
import logging
import math
import resource
import sys
import time
from datetime import date
from decimal import Decimal

from demeter import Actuator, MarketInfo, Snapshot, Strategy, TokenInfo
from demeter.uniswap import UniLpMarket, UniV3Pool

BUDGET_USDC, HALF_WIDTH = 20_000, Decimal("0.1")
COMMISSION, FUNDING_RATE, FUNDING_EVERY_S = 0.0004, 1e-4, 28_800
CHAIN, POOL = "polygon", "0x45dda9cb7c25131df268515131f647d726f50608"
USDC, WETH = TokenInfo("usdc", 6), TokenInfo("weth", 18)
LIQUIDITY_UNIT = 10 ** ((6 + 18) // 2)
MARKET = MarketInfo("pool")


class HeldAndHedged(Strategy):  # type: ignore[misc]
    """Opens one position on the first bar and holds it; Demeter has no perpetual, so the short is booked here."""

    def __init__(self, band: float | None) -> None:
        super().__init__()
        self.band = band
        self.short = self.last_price = self.last_base = self.last_value = 0.0
        self.last_fees, self.uncollected = (0.0, 0.0), 0.0
        self.sums = dict.fromkeys(("lp_fees", "lvr", "hedge", "funding", "cost"), 0.0)
        self.trades, self.squares, self.bars, self.drawdown, self.highest = 0, 0.0, 0, 0.0, 0.0

    def on_bar(self, snapshot: Snapshot) -> None:
        if snapshot.row_id == 0:
            self._open(float(snapshot.prices[WETH.name]))

    def _open(self, price: float) -> None:
        market = self.broker.markets[MARKET]
        market.even_rebalance()
        quote = Decimal(price)
        position, *_, liquidity = market.add_liquidity(quote * (1 - HALF_WIDTH), quote * (1 + HALF_WIDTH))
        self.position = position
        edges = sorted(float(market.tick_to_price(tick)) for tick in position)
        self.place = {"lower": edges[0], "upper": edges[1], "liquidity": int(liquidity) / LIQUIDITY_UNIT}
        self.edge_base = self.place["liquidity"] * (1 / math.sqrt(edges[0]) - 1 / math.sqrt(edges[1]))

    def after_bar(self, snapshot: Snapshot) -> None:
        market = self.broker.markets[MARKET]
        price = float(snapshot.prices[WETH.name])
        usdc, weth = map(float, market.get_position_amount(self.position))
        self._pay(market, snapshot, price)
        if self.bars == 0:
            self.last_price, self.last_base, self.last_value = price, weth, usdc + weth * price
            self.first_value = self.last_value
        self.sums["lvr"] += usdc + weth * price - self.last_value - self.last_base * (price - self.last_price)
        self.sums["hedge"] -= self.short * (price - self.last_price)
        self.last_price, self.last_base, self.last_value = price, weth, usdc + weth * price
        self._hedge(weth, price)
        self._note(weth)

    def _pay(self, market: UniLpMarket, snapshot: Snapshot, price: float) -> None:
        held = market.positions[self.position]
        fees = float(held.pending_amount0), float(held.pending_amount1)
        self.sums["lp_fees"] += fees[0] - self.last_fees[0] + (fees[1] - self.last_fees[1]) * price
        self.last_fees, self.uncollected = fees, fees[0] + fees[1] * price
        if self.bars and snapshot.timestamp.timestamp() % FUNDING_EVERY_S == 0:
            self.sums["funding"] += self.short * price * FUNDING_RATE

    def _hedge(self, weth: float, price: float) -> None:
        if self.band is None:
            return
        gap = weth - self.short
        if self.bars == 0 or abs(gap) > self.band * self.edge_base:
            self.sums["cost"] += abs(gap) * price * COMMISSION
            self.short = weth
            self.trades += 1

    def _note(self, weth: float) -> None:
        self.bars += 1
        self.squares += (weth - self.short) ** 2
        self.highest = max(self.highest, self.net)
        self.drawdown = max(self.drawdown, self.highest - self.net)

    @property
    def net(self) -> float:
        """Uncollected fees at the latest price, as Demeter's own account and lp-hedge's have them."""
        earned = self.uncollected + self.sums["hedge"] + self.sums["funding"]
        return earned + self.last_value - self.first_value - self.sums["cost"]


def main() -> int:
    folder, first, last, band = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    began_s = time.perf_counter()
    pool = UniV3Pool(USDC, WETH, 0.05, USDC)
    market = UniLpMarket(MARKET, pool, data_path=folder)
    market.load_data(CHAIN, POOL, date.fromisoformat(first), date.fromisoformat(last))
    loaded_s = time.perf_counter() - began_s
    actuator = Actuator()
    actuator.broker.add_market(market)
    actuator.broker.set_balance(USDC, BUDGET_USDC)
    actuator.set_price(market.get_price_from_data())
    strategy = actuator.strategy = HeldAndHedged(None if band == "none" else float(band))
    began_s = time.perf_counter()
    actuator.run(print_result=False)
    ran_s = time.perf_counter() - began_s
    found = {
        **strategy.place,
        **strategy.sums,
        "edge_base": strategy.edge_base,
        "net": strategy.net,
        "drawdown": strategy.drawdown,
        "rms_base": math.sqrt(strategy.squares / strategy.bars),
        "trades": strategy.trades,
        "bars": strategy.bars,
        "loaded_s": loaded_s,
        "ran_s": ran_s,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
