"""What theory says of a hedge as read from chain and exchange: gamma, the expected pace, the first band."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from bot.preflight.exchange import Perp, closes_of
from bot.preflight.expectation import cost_rate, expectation, expectation_sentence, gamma_of
from bot.preflight.recommendation import first_band, round_up
from core.config import HedgeConfig
from core.exchange.binance_messages import Malformed
from core.facts import LpFacts
from core.replay.theory import best_band, predict, risk_aversion_for, sigma_base
from tests.exchange.paper_rig import book, flat_market, rules
from tests.hedging.positions import LIQUIDITY, position, read

D = Decimal
SIGMA = 0.0314
HEDGE = HedgeConfig.model_validate(
    {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "ETHUSDT"}
)


def perp(price: str = "2000", sigma: float | None = SIGMA) -> Perp:
    return Perp(rules(), flat_market(price), sigma)


def of_narrow_range(facts: LpFacts, lower: str, upper: str) -> LpFacts:
    """The reference position squeezed: the same tokens about the price, held in a narrower range."""
    squeezed = replace(facts.positions[0], price_lower=D(lower), price_upper=D(upper))
    return replace(facts, positions=(squeezed,))


def theory_quote(facts: LpFacts, value: float) -> float:
    """The optimum's half width in QUOTE, worked out apart."""
    sigma_target = sigma_base(gamma_of(facts.positions), 2000, SIGMA)
    best = best_band(
        price=2000, sigma_per_day=SIGMA, sigma_base_per_day=sigma_target, inner_share=0, look_every_s=15,
        cost_rate=0.00055, risk_aversion=risk_aversion_for(value),
    )  # fmt: skip
    return best.band_base * 2000


def test_gamma_of_the_reference_position() -> None:
    """2000 in 1600 to 2500 with 100,000 USDT: 0.0592 BASE less per USDT of price; of two, twice that."""
    assert gamma_of([position()]) == pytest.approx(-0.0592008497, rel=1e-6)
    assert gamma_of([position(base_is_token0=False)]) == pytest.approx(-0.0592008497, rel=1e-6)
    assert gamma_of([position(1), position(2)]) == pytest.approx(2 * -0.0592008497, rel=1e-6)
    assert gamma_of([position(price="3000")]) == 0


def test_what_a_trade_costs() -> None:
    """Taker fee, half of the spread of the book, impact: 5 + 2.5 + 0.5 bps at 1999.5 to 2000.5."""
    market = replace(flat_market("2000"), bids=book(("1999.5", "1")), asks=book(("2000.5", "1")))
    assert cost_rate(Perp(rules(), market, SIGMA)) == pytest.approx(0.0008)
    assert cost_rate(perp()) == pytest.approx(0.00055)


@pytest.mark.parametrize(("ratio", "inner", "share"), [("1", "0", 0.0), ("0.5", "500", 0.5), ("1", "1000", 1.0)])
def test_what_is_expected_is_the_theorys_prediction(ratio: str, inner: str, share: float) -> None:
    """Of the target: half of the exposure moves half as much."""
    hedge = HEDGE.model_copy(update={"hedge_ratio": D(ratio)})
    found = expectation(hedge, read(position()), perp(), D(1000), D(inner))
    assert found == predict(
        price=2000, sigma_base_per_day=sigma_base(gamma_of([position()]) * float(ratio), 2000, SIGMA), band_base=0.5,
        inner_share=share, look_every_s=15, cost_rate=cost_rate(perp()),
    )  # fmt: skip


def test_out_of_range_nothing_is_expected() -> None:
    """Its BASE does not move with the price then."""
    assert expectation(HEDGE, read(position(price="3000")), perp("3000"), D(1000), D(0)) is None


@pytest.mark.parametrize(("sigma", "said"), [(SIGMA, "3.1% a day (measured"), (None, "3.0% a day (assumed")])
def test_the_sentence_says_where_the_volatility_is_from(sigma: float | None, said: str) -> None:
    """A figure that was assumed is called so."""
    facts = read(position())
    expected = expectation(HEDGE, facts, perp(sigma=sigma), D(1000), D(0))
    assert expected is not None
    assert said in expectation_sentence(expected, perp(sigma=sigma), facts)


def test_the_first_band_is_the_theorys_optimum() -> None:
    """About 12 % of the reference position's value, and it says by what it was found."""
    facts = read(position())
    first = first_band(HEDGE, facts, perp())
    assert float(first.band_quote) == pytest.approx(theory_quote(facts, 100_000), rel=0.1)
    assert first.band_quote == D(13000)
    said = "by theory alone, where cost and risk together are least"
    assert first.why == f"{said} (a trade costs 0.055 %, risk aversion 10 / value)"


def test_a_small_position_has_the_same_band_in_proportion() -> None:
    """Until the smallest orders decide."""
    tenth = first_band(HEDGE, read(position(liquidity=LIQUIDITY // 10)), perp())
    assert tenth.band_quote == D(1300)
    least = first_band(HEDGE, read(position(liquidity=LIQUIDITY // 1000)), perp())
    assert least.band_quote == D(40)
    assert least.why == "2 of the exchange's smallest orders, theory has less"


@pytest.mark.parametrize(
    ("price", "sigma", "why"),
    [
        ("2000", None, "2 % of its value, for the volatility could not be read"),
        ("1500", SIGMA, "2 % of its value, for out of range theory has no figure"),
    ],
)
def test_without_figures_it_is_a_share_of_the_value(price: str, sigma: float | None, why: str) -> None:
    """And the reason is said; nothing that was not read is put in its place."""
    first = first_band(HEDGE, read(position(price=price)), perp(price, sigma))
    assert first.why == why
    held = position(price=price)
    assert first.band_quote == round_up((held.base * D(price) + held.quote) * D("0.02"))


def test_a_narrow_range_bounds_the_band() -> None:
    """Where the optimum comes near what the range can hold, a quarter of that is the most, and it says so."""
    facts = of_narrow_range(read(position()), "1950", "2050")
    first = first_band(HEDGE, facts, perp())
    assert theory_quote(facts, 100_000) > first.band_quote
    assert first.band_quote == round_up(position().base_at_lower_edge * 2000 / 4)
    assert first.why.startswith("by theory alone: a quarter of what its range can hold")


def test_a_band_that_trades_too_often_is_widened() -> None:
    """Without a figure for volatility 3 % a day is assumed, and 30 trades a day are the most."""
    facts = of_narrow_range(read(position()), "1900", "2100")
    first = first_band(HEDGE, facts, perp(sigma=None))
    assert first.band_quote > 2000
    assert first.why.endswith("could not be read, widened until theory has at most 30 trades a day")
    expected = expectation(HEDGE, facts, perp(sigma=None), first.band_quote, D(0))
    assert expected is not None
    assert expected.trades_per_day <= 30


@pytest.mark.parametrize(("value", "rounded"), [("380.16", "390"), ("12", "12"), ("9.91", "10"), ("1234", "1300")])
def test_a_band_is_a_round_number_never_smaller(value: str, rounded: str) -> None:
    """Two digits are all that such an estimate is worth."""
    assert round_up(D(value)) == D(rounded)


@pytest.mark.parametrize("answer", [{}, [[1, 2]], [[0, "1", "1", "1", "x"]], [[0, "1", "1", "1", "0"]]])
def test_broken_candles_are_not_prices(answer: object) -> None:
    """What cannot be read is said to be unreadable."""
    with pytest.raises(Malformed):
        closes_of(answer)
    assert closes_of([[0, "1", "1", "1", "2.5", "9"]]) == [2.5]
