"""What a replay is run with: the position, the account's terms, how orders are carried out, and the kernel's policy."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from core.config import HedgeConfig, PaperConfig
from core.exchange.paper_margin import BRACKETS, OTHER_BRACKETS
from core.facts import SymbolRules
from core.hedging.kernel_types import Policy
from core.hedging.policy import policy_from
from core.replay.path import Floats

# Part of a step that machine numbers may lose in a division.
ROUNDING_SLACK = 1e-9
MARKET, LIMIT, POST_ONLY = 0, 1, 2
_KINDS = {"market": MARKET, "limit": LIMIT, "post_only": POST_ONLY}
_PRICED = {"mid": 0.0, "mark": 0.0, "best_bid": -1.0, "best_ask": 1.0}
_BPS = 10_000.0
# As `answer_s`.
NEVER_S = -1.0


class Position(NamedTuple):
    """A range of the pool and what is in it. Prices in QUOTE per BASE; `liquidity` in sqrt(BASE * QUOTE) of whole
    tokens: V3's own divided by 10 ** ((decimals0 + decimals1) / 2)."""

    lower: float
    upper: float
    liquidity: float


class Costs(NamedTuple):
    """What trading costs, and what liquidity earns where the pool's own fees were not recorded.

    `half_spread_bps`: from the mid to the touch. `impact_bps`: what an order of 100,000 QUOTE pays beyond the touch,
    less and more in proportion. `latency_ms`: from the decision to the fill. `fee_apr`: LP fees a year as a fraction of
    the principal, earned while in range.
    """

    taker_rate: float = 0.0005
    maker_rate: float = 0.0002
    half_spread_bps: float = 0.5
    impact_bps: float = 1.0
    latency_ms: int = 250
    fee_apr: float = 0.0


class Account(NamedTuple):
    """`initial_rate`: initial margin as a fraction of notional. Maintenance tiers by rising notional floor."""

    balance_quote: float
    initial_rate: float
    tier_floor: Floats
    tier_rate: Floats
    tier_deduction: Floats


class Conduct(NamedTuple):
    """How the engine looks and its executor works.

    `starts_hedged`: with the short in place and paid for by nobody, as a part of a longer time begins; else with none.
    `answer_ms`: how long after a question a person approves, -1 never; nobody's answer counts after `timeout_ms`, and
    then `partial` allows one plan just under the limit.

    `price_side`: the hedge's price in half spreads from the mid. `stirs`: a price move of a quarter band calls for a
    look before the next one is due.
    """

    poll_ms: int
    stirs: bool
    starts_hedged: bool
    answer_ms: int
    timeout_ms: int
    partial: bool
    price_side: float
    order_kind: int
    limit_timeout_ms: int
    falls_back: bool
    max_slippage_bps: float
    urgent_slippage_bps: float
    twap_over_quote: float
    twap_duration_ms: int
    twap_interval_ms: int
    include_fees: bool
    most_steps: int


class Setup(NamedTuple):
    position: Position
    costs: Costs
    account: Account
    conduct: Conduct
    policy: Policy


def setup_from(
    config: HedgeConfig,
    rules: SymbolRules,
    *,
    position: Position,
    paper: PaperConfig,
    costs: Costs | None = None,
    answer_s: float = 0.0,
) -> Setup:
    """Raises ConfigurationError as `policy_from` does. `costs` None: the paper account's fees, the default spread.

    `answer_s`: after so many seconds a person approves what is asked, below 0 never.
    """
    return Setup(
        position,
        costs or costs_of(paper),
        _account(paper, rules.symbol),
        _conduct(config, rules, answer_s),
        machine_policy(policy_from(config, rules)),
    )


def costs_of(paper: PaperConfig) -> Costs:
    """The paper account's fees, all else by default."""
    return Costs(taker_rate=float(paper.taker_bps) / _BPS, maker_rate=float(paper.maker_bps) / _BPS)


def begun_hedged(setup: Setup) -> Setup:
    """The same as a part of a longer time: opening the short is no figure of a setting."""
    return setup._replace(conduct=setup.conduct._replace(starts_hedged=True))


def machine_policy(policy: Policy) -> Policy:
    """The same limits as machine numbers."""
    numbers: list[Any] = [float(each) if isinstance(each, Decimal) else each for each in policy]
    numbers[Policy._fields.index("rounding_slack")] = ROUNDING_SLACK
    return Policy(*numbers)


def _account(paper: PaperConfig, symbol: str) -> Account:
    tiers = BRACKETS.get(symbol, OTHER_BRACKETS)
    return Account(
        balance_quote=float(paper.balance_quote),
        initial_rate=1 / paper.leverage,
        tier_floor=np.array([float(each.floor_quote) for each in tiers]),
        tier_rate=np.array([float(each.rate) for each in tiers]),
        tier_deduction=np.array([float(each.cum_quote) for each in tiers]),
    )


def _conduct(config: HedgeConfig, rules: SymbolRules, answer_s: float) -> Conduct:
    return Conduct(
        poll_ms=int(config.poll_seconds * 1000),
        stirs=True,
        starts_hedged=False,
        answer_ms=int(answer_s * 1000) if answer_s >= 0 else -1,
        timeout_ms=config.approval_timeout_seconds * 1000,
        partial=config.approval_on_timeout == "partial",
        price_side=_PRICED[config.price_type],
        order_kind=_KINDS[config.order_type],
        limit_timeout_ms=config.limit_timeout_seconds * 1000,
        falls_back=config.fallback == "market",
        max_slippage_bps=float(config.max_slippage_bps),
        urgent_slippage_bps=float(config.urgent_slippage_bps),
        twap_over_quote=float(config.twap_over_quote),
        twap_duration_ms=config.twap_duration_seconds * 1000,
        twap_interval_ms=config.twap_interval_seconds * 1000,
        include_fees=config.include_fees,
        most_steps=int(rules.market_max_quantity / rules.step_size),
    )
