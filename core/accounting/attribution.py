"""Every change of a hedge's wealth, split into parts that add up to it exactly.

Wealth is the LP's principal, its uncollected fees and the hedged BASE beside it at the pool's price, the perpetual's
position at its mark, and the cash that trades, funding and fees moved. Between two readings what was held before is
held on; what came or went counts at the price of the later one. Deposits, withdrawals, collected fees and other
people's trades stand apart from `net`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple

from core.account_ports import Income
from core.accounting.books import EXACT, Books
from core.accounting.split import Dealings, split, wealth_change
from core.accounting.trades import signed_base
from core.errors import InvariantBroken
from core.ports import BookedFill, TradeOrigin

ZERO, ONE = Decimal(0), Decimal(1)
# What the machine numbers of a replay leave of nothing at all, in QUOTE; no step of a position is worth so little.
DUST = Decimal("0.0001")
NOTHING = timedelta(0)
# Commission and realised profit are in the fills themselves; a transfer is no performance.
TOLD_BY_FILLS = frozenset({"COMMISSION", "REALIZED_PNL", "TRANSFER"})
FUNDING = "FUNDING_FEE"


@dataclass(frozen=True, slots=True)
class Assets:
    """In what the perpetual is traded and settled; a fee in anything else has no price here."""

    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Parts:
    """All in QUOTE, positive when earned or received, over any number of steps.

    Performance. `lp_fees`: at least these; a collect hides what came between the reading before it and itself.
    `lp_price`: what the BASE in the LP, fees included, gained by the price. `lvr`: the rest of the principal's change,
    a loss: what rebalancing at each reading would have kept. `beside`: what hedged BASE beside the LP gained.
    `hedge`: the perpetual's profit, realised or not, as if filled at arrival; `slippage`: the fills against that.
    `other`: further income of this symbol.

    Apart. `manual`: other people's trades, up to the reading that follows. `added`: principal, and BASE beside it, put
    in less taken out. `collected`: fees paid out. `moved`: positions that no trade explains, at the mark.

    For information, in no sum: `principal`: its change without what was put in or taken out; `held`: the same had it
    been held as tokens since the first reading; `realised` of the fills; `turnover`, always positive.
    `unpriced`: fees in other assets, positive when paid; while there are any, `commissions` and `net` are without them.
    `unwatched`: time in steps longer than a reading should be.
    """

    lp_fees: Decimal = ZERO
    lp_price: Decimal = ZERO
    lvr: Decimal = ZERO
    beside: Decimal = ZERO
    hedge: Decimal = ZERO
    slippage: Decimal = ZERO
    funding: Decimal = ZERO
    commissions: Decimal = ZERO
    other: Decimal = ZERO
    manual: Decimal = ZERO
    added: Decimal = ZERO
    collected: Decimal = ZERO
    moved: Decimal = ZERO
    held: Decimal = ZERO
    principal: Decimal = ZERO
    realised: Decimal = ZERO
    turnover: Decimal = ZERO
    trades: int = 0
    unwatched: timedelta = NOTHING
    unpriced: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def lp(self) -> Decimal:
        """What the hedge stands against: principal, the price of uncollected fees, and of BASE beside the LP."""
        with localcontext(EXACT):
            return self.lp_price + self.lvr + self.beside

    @property
    def costs(self) -> Decimal:
        """`slippage`, `commissions` and `other` together; below zero when more was paid than received."""
        with localcontext(EXACT):
            return self.slippage + self.commissions + self.other

    @property
    def net(self) -> Decimal:
        """The performance alone; what stands apart (`manual`, `added`, `collected`, `moved`) is not in it."""
        with localcontext(EXACT):
            return self.lp_fees + self.lp + self.hedge + self.funding + self.costs

    @property
    def residual(self) -> Decimal:
        """What the exposure that was left open gained, and what trading between two readings made.

        Not another part: how far `lp_price`, `beside` and `hedge` did not cancel out.
        """
        with localcontext(EXACT):
            return self.lp_price + self.beside + self.hedge

    @property
    def unrealised(self) -> Decimal | None:
        """Change of the open position's profit at the mark; with `realised` it is `hedge` and `slippage`, exactly.

        None where other people traded or a position came that no trade explains: the venue's entry price mixes them.
        """
        if max(abs(self.manual), abs(self.moved)) > DUST:
            return None
        with localcontext(EXACT):
            return self.hedge + self.slippage - self.realised

    @property
    def impermanent_loss(self) -> Decimal:
        """The principal against holding the tokens; negative is a loss."""
        with localcontext(EXACT):
            return self.principal - self.held

    @property
    def wealth_change(self) -> Decimal:
        """`net` and what stands apart, with `collected` taken off: fees that were paid out are here no more."""
        with localcontext(EXACT):
            return self.net + self.manual + self.added - self.collected + self.moved

    def __add__(self, more: Parts) -> Parts:
        with localcontext(EXACT):
            sums = {name: getattr(self, name) + getattr(more, name) for name in SUMMED}
            unpriced = dict(self.unpriced)
            for asset, paid in more.unpriced.items():
                unpriced[asset] = unpriced.get(asset, ZERO) + paid
        return Parts(**sums, unpriced=unpriced)


SUMMED = tuple(each.name for each in fields(Parts) if each.name != "unpriced")


@dataclass(frozen=True, slots=True)
class Step:
    """From one reading to the next, and what was traded and paid between.

    `held_on`: (BASE, QUOTE) of the principal had no liquidity come or gone. `holder_base`: BASE of who holds tokens.
    """

    before: Books
    now: Books
    held_on: tuple[Decimal, Decimal]
    holder_base: Decimal
    fills: Sequence[BookedFill] = ()
    income: Sequence[Income] = ()


def step_parts(step: Step, assets: Assets) -> Parts:
    """Raises InvariantBroken when the parts do not add up to the change of wealth."""
    ours, others = _by_whom(step.fills)
    before, now = step.before.worth, step.now.worth
    with localcontext(EXACT):
        cash, unpriced = _payments(step, assets)
        dealt = Dealings(
            held_base=step.held_on[0],
            held_quote=step.held_on[1],
            holder_base=step.holder_base,
            bought_base=signed_base(ours),
            spent_quote=_spent_quote(ours),
            slippage=_slippage_quote(ours),
            others_bought_base=signed_base(others),
            others_spent_quote=_spent_quote(others),
            others_fees=cash["others_fees"],
            commissions=cash["commissions"],
            funding=cash["funding"],
            other=cash["other"],
        )
        parts = Parts(
            **split(before, now, dealt)._asdict(),
            realised=sum((fill.trade.realised_pnl_quote for fill in ours), ZERO),
            turnover=sum((fill.trade.price * fill.trade.quantity_base for fill in ours), ZERO),
            trades=len(ours),
            unpriced=unpriced,
        )
        change = wealth_change(before, now, dealt)
    if parts.wealth_change != change:
        raise InvariantBroken(f"parts of {parts.wealth_change} were found of a change of {change}")
    return parts


def _by_whom(fills: Sequence[BookedFill]) -> tuple[list[BookedFill], list[BookedFill]]:
    """(ours, other people's)."""
    ours = [fill for fill in fills if fill.origin is not TradeOrigin.FOREIGN]
    others = [fill for fill in fills if fill.origin is TradeOrigin.FOREIGN]
    return ours, others


def _spent_quote(fills: Sequence[BookedFill]) -> Decimal:
    """Less what was received."""
    return sum((fill.trade.side.sign * fill.trade.price * fill.trade.quantity_base for fill in fills), ZERO)


def _slippage_quote(fills: Sequence[BookedFill]) -> Decimal:
    """What they gained against the mid of their decision; a fill of which none is known slipped by nothing."""
    gained = ZERO
    for fill in fills:
        trade = fill.trade
        gained += trade.side.sign * trade.quantity_base * ((fill.arrival_price or trade.price) - trade.price)
    return gained


class _Payment(NamedTuple):
    """`amount`: in `asset`, positive when received. `price`: of the asset in QUOTE, None where it has none here."""

    kind: str
    amount: Decimal
    asset: str
    price: Decimal | None


def _payments(step: Step, assets: Assets) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """(QUOTE received less what was paid, by kind; fees in assets without a price, positive when paid)."""
    received = dict.fromkeys(("others_fees", "commissions", "funding", "other"), ZERO)
    unpriced: dict[str, Decimal] = {}
    for paid in (*_fees(step.fills, assets), *_booked(step.income, assets)):
        if paid.price is None:
            unpriced[paid.asset] = unpriced.get(paid.asset, ZERO) - paid.amount
        else:
            received[paid.kind] += paid.amount * paid.price
    return received, {name: total for name, total in unpriced.items() if total}


def _fees(fills: Sequence[BookedFill], assets: Assets) -> Iterator[_Payment]:
    """Everyone's fees on this symbol are this account's; other people's go with their trades."""
    for fill in fills:
        trade = fill.trade
        kind = "others_fees" if fill.origin is TradeOrigin.FOREIGN else "commissions"
        price = {assets.quote: ONE, assets.base: trade.price}.get(trade.fee_asset)
        yield _Payment(kind, -trade.fee, trade.fee_asset, price)


def _booked(income: Sequence[Income], assets: Assets) -> Iterator[_Payment]:
    for row in income:
        if row.kind not in TOLD_BY_FILLS:
            kind = "funding" if row.kind == FUNDING else "other"
            yield _Payment(kind, row.amount, row.asset, ONE if row.asset == assets.quote else None)
