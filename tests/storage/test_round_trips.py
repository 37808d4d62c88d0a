"""Whatever the core may hold comes back equal, digit for digit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.facts import OrderRequest, OrderSide, OrderType, PositionSide, TimeInForce, Trade
from core.ports import Approval, ApprovalState, Plan, PlanState, TradeOrigin
from storage.columns import number_text, time_of, time_text
from storage.store import Store
from tests.storage.samples import SYMBOL, T0, a_plan

EXAMPLES = 60
numbers = count(1)
amounts = st.decimals(allow_nan=False, allow_infinity=False) | st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(exponent), st.integers(-(10**27), 10**27), st.integers(-40, 20)
)
positive = amounts.map(abs)
texts = st.text(max_size=40)
offsets = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=offsets)  # noqa: DTZ001
sides = st.sampled_from(OrderSide)

plans = st.builds(
    Plan,
    plan_id=st.builds(lambda: f"plan{next(numbers)}"),
    hedge=st.builds(lambda: f"hedge{next(numbers)}"),
    symbol=texts,
    side=sides,
    quantity_base=positive,
    reduce_only=st.booleans(),
    reason=texts,
    gap_base=amounts,
    reference_price=positive,
    approval_id=st.none() | texts,
    created_at=times,
    state=st.just(PlanState.ACTIVE),
)
requests = st.builds(
    OrderRequest,
    client_order_id=st.builds(lambda: f"order{next(numbers)}"),
    symbol=texts,
    side=sides,
    quantity_base=positive,
    order_type=st.sampled_from(OrderType),
    reduce_only=st.booleans(),
    position_side=st.sampled_from(PositionSide),
    price=st.none() | positive,
    time_in_force=st.none() | st.sampled_from(TimeInForce),
)
approvals = st.builds(
    Approval,
    approval_id=st.builds(lambda: f"approval{next(numbers)}"),
    hedge=st.builds(lambda: f"hedge{next(numbers)}"),
    symbol=texts,
    side=sides,
    quantity_base=positive,
    notional_quote=positive,
    reason=texts,
    shown=st.dictionaries(texts, texts, max_size=5),
    created_at=times,
    expires_at=times,
    state=st.sampled_from(ApprovalState),
    ask_count=st.integers(1, 99),
    used_base=positive,
    decided_at=st.none() | times,
    decided_by=st.none() | texts,
    note=st.none() | texts,
)
trades = st.builds(
    Trade,
    symbol=st.just(SYMBOL),
    trade_id=st.builds(lambda: next(numbers)),
    venue_order_id=st.integers(0, 2**63 - 1),
    side=sides,
    position_side=st.sampled_from(PositionSide),
    price=positive,
    quantity_base=positive,
    fee=amounts,
    fee_asset=texts,
    realised_pnl_quote=amounts,
    is_maker=st.booleans(),
    at=times,
)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def kept(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples, each of which has ids of its own."""
    path = tmp_path_factory.mktemp("round_trips") / "lp_hedge.db"
    store = runner.run(Store.open(path, scope="paper:default", clock=ManualClock(T0)))
    runner.run(store.journal.open_plan(a_plan("p0")))
    yield store
    runner.run(store.aclose())


@settings(max_examples=EXAMPLES)
@given(plan=plans)
def test_plan(runner: asyncio.Runner, kept: Store, plan: Plan) -> None:
    """A plan comes back equal, its amounts with the digits they had."""
    runner.run(kept.journal.open_plan(plan))
    stored = runner.run(kept.journal.active_plan(plan.hedge))
    assert stored == plan
    assert str(stored.gap_base) == str(plan.gap_base)


@settings(max_examples=EXAMPLES)
@given(request=requests, attempt=st.integers(1, 10**9), at=times)
def test_order(runner: asyncio.Runner, kept: Store, request: OrderRequest, attempt: int, at: datetime) -> None:
    """An order request comes back equal from its intent."""
    runner.run(kept.journal.record_intent(request, a_plan("p0"), attempt=attempt, at=at))
    stored = runner.run(kept.journal.order(request.client_order_id))
    assert stored is not None
    assert (stored.request, stored.attempt, stored.recorded_at) == (request, attempt, at)


@settings(max_examples=EXAMPLES)
@given(approval=approvals)
def test_approval(runner: asyncio.Runner, kept: Store, approval: Approval) -> None:
    """An approval comes back equal, what was shown in its order."""
    assert runner.run(kept.approvals.propose(approval))
    stored = runner.run(kept.approvals.get(approval.approval_id))
    assert stored == approval
    assert list(stored.shown) == list(approval.shown)


@settings(max_examples=EXAMPLES)
@given(trade=trades)
def test_trade(runner: asyncio.Runner, kept: Store, trade: Trade) -> None:
    """A fill comes back equal and is known from then on."""
    assert runner.run(kept.journal.book_trades([(trade, TradeOrigin.FOREIGN)], T0)) == (trade,)
    assert runner.run(kept.journal.book_trades([(trade, TradeOrigin.FOREIGN)], T0)) == ()
    stored = {fill.trade_id: fill for _, fill in runner.run(kept.journal.recent_fills(10**6))}
    assert stored[trade.trade_id] == trade


@given(first=times, second=times)
def test_text_of_a_time_sorts_as_the_time(first: datetime, second: datetime) -> None:
    """Fixed width whatever the zone and the fraction, equal for equal moments."""
    assert (time_text(first) < time_text(second)) == (first < second)
    assert len(time_text(first)) == len("2026-03-01T12:00:00.123456Z")
    assert time_of(time_text(first)) == first
    assert time_of(time_text(first)).utcoffset() == timedelta(0)
    assert time_of(time_text(first)).tzinfo == UTC


@given(amount=amounts)
def test_text_of_an_amount_is_exact(amount: Decimal) -> None:
    """Sign, digits and exponent survive, those of zero too."""
    assert Decimal(number_text(amount)).as_tuple() == amount.as_tuple()
