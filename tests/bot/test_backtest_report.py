"""What a backtest says, as text, JSON, CSV and picture, of a replay made by hand."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from bot.backtest.figures import digits, iso
from bot.backtest.picture import replay_picture
from bot.backtest.report_json import report_json
from bot.backtest.text import COLUMNS, PART_LABELS, report_text
from bot.backtest.trades_csv import HEADER, csv_of
from bot.charts.drawing import png
from core.accounting.attribution import Parts
from core.hedging.states import Reason, State
from core.replay.expectation import terms_of
from core.replay.outcome import FILL_FIELDS, Outcome
from core.replay.setup import POST_ONLY
from core.replay.theory import predict
from tests.bot.replays import DAY_MS, FILLS, MINUTE_MS, PARTS, START_MS, case, found, outcome, without_recordings

ROOT = Path(__file__).parents[2]
# The rest of what is nested is by state and reason.
NAMED_INSIDE = ("position", "parts", "hedging", "exposure", "risk", "theory", "observed")
TEXT = """\
eth: ETHUSDT, 2025-05-04 15:34 to 2025-05-06 15:34 UTC
2,881 bars of 60 s, 2.0 days, 2,900 looks
Recorded: klines with funding, every 1 min, 2025-05-04 15:34 to 2025-05-06 15:34 UTC
Position 1,600 to 2,500 USDT per ETH, worth 100,000.00 USDT at 2,000;
in range 100.0 % of the time

- 2 minutes were missing.

Account                                             USDT           a day
  LP fees                                        +137.50          +68.75
  price of the LP's BASE                         -500.25         -250.12
  LVR, the LP's loss by rebalancing              -233.56         -116.78
  short, as if filled at arrival prices          +498.75         +249.38
  slippage                                         -2.10           -1.05
  funding                                          +5.40           +2.70
  commissions                                     -20.00          -10.00
  net, their sum                                 -114.26          -57.13
In no sum:
  residual: LP's BASE and short                    -1.50           -0.75
  short, realised                                +120.40          +60.20
  short, unrealised                              +376.25         +188.12
Net is not what settings are judged by: over one period the price decides it. Judge by the cost and
by the exposure that is left.

Hedging                                         measured          theory
  rebalances a day                                  1.00           44.55
  turnover a day                               20,000.00       49,639.91
  cost a day                                       11.05           27.35
  residual, typical (rms), ETH                      0.25        0.227431
  residual, typical (rms), USDT                   500.00
  residual, largest, ETH                             1.5
  residual, largest, USDT                       3,000.00
2 rebalances in 3 fills, turnover 40,000.00, costs 22.10 USDT, opening the short included

The LP itself                                   measured          theory
  LVR                                            -233.56         -233.56
  against holding its tokens (IL)                 -93.81
Fees would pay for the LVR up to a volatility of 46.0 % a year; it was 60.0 %

Risk                                                USDT
  largest drawdown of net                         210.50
  lowest margin balance                        48,000.00
  lowest available balance                     40,000.00
  nearest to liquidation                          87.2 %
  liquidations                                         0

State: READY 75.0 %, COOLDOWN 25.0 %
Why: within_band 75.0 %, cooldown 25.0 %"""


def booked(*, other: Decimal = Decimal(0), moved: Decimal = Decimal(0)) -> Outcome:
    """With what the exchange would have booked as realised."""
    return replace(outcome(), parts=replace(PARTS, realised=Decimal("120.40"), other=other, moved=moved))


def test_the_text_tells_everything_once() -> None:
    """Word for word; the check values of docs/theory.md for this position are in it: LVR 116.78 a day at 60 %."""
    assert report_text(found(an_outcome=booked())) == TEXT


def test_every_part_of_the_sum_is_a_row() -> None:
    """What `net` adds up is what is shown: a part that no row shows would make the table wrong."""
    ones = Parts()
    for name, _ in PART_LABELS:
        ones = replace(ones, **{name: Decimal(1)})  # type: ignore[arg-type]
    assert ones.net == len(PART_LABELS)
    text = report_text(found(an_outcome=replace(outcome(), parts=ones)))
    assert [label for _, label in PART_LABELS if f"\n  {label}  " not in text] == []
    assert next(line for line in text.splitlines() if "net, their sum" in line).split()[3] == "+9.00"


def test_nothing_done_is_no_minus_nothing() -> None:
    """Costs of zero have no sign, and one trade is one trade."""
    idle = replace(outcome(), plans=0, trades=0, parts=Parts(commissions=Decimal("-0.0")))
    text = report_text(found(an_outcome=idle))
    assert "-0.00" not in text
    assert "0 rebalances in 0 fills, turnover 0.00, costs 0.00 USDT\n" in text
    assert "1 rebalance in 1 fill, " in report_text(found(an_outcome=replace(outcome(), plans=1, trades=1)))


def test_no_line_is_wider_than_the_terminal() -> None:
    """Also where everything is long."""
    long = replace(case(), notices=("One minute here and another one there were missing. " * 10,))
    states = dict.fromkeys(Reason, DAY_MS)
    text = report_text(found(long, replace(outcome(), reasons=states)))
    assert max(map(len, text.splitlines())) <= COLUMNS
    assert "others" in text


def test_what_was_not_recorded_is_unknown_and_not_zero() -> None:
    """In text and JSON, with what to give so that it is known; the break-even volatility then is unknown too."""
    text, data = report_text(without_recordings()), json.loads(report_json(without_recordings()))
    assert f"LP fees{'unknown':>47}" in text
    assert "Not in it: LP fees (not recorded: --pool-minutes, or --fee-apr) and funding (not recorded:" in text
    assert "pay for the LVR" not in text
    assert data["unknown"] == ["lp_fees", "funding"]
    assert data["parts"]["lp_fees"] is None
    assert data["parts"]["funding"] is None
    assert data["parts"]["net"] == "-257.16"
    assert data["theory"]["break_even_volatility_per_year"] is None


def test_out_of_range_all_the_time_there_is_no_theory() -> None:
    """And no figure made of a division by nothing."""
    never = replace(outcome().observed, price=0.0, gamma=0.0, in_range_share=0.0)
    away = found(an_outcome=replace(outcome(), observed=never))
    data = json.loads(report_json(away))
    assert set(data["theory"].values()) == {None}
    assert data["observed"] is None
    assert "volatility" not in report_text(away)


def test_the_rest_left_by_a_ratio_under_one_is_not_compared() -> None:
    """Theory speaks of the missing trade; with a ratio of a half the residual is mostly meant to be there."""
    half = replace(case(), config=case().config.model_copy(update={"hedge_ratio": Decimal("0.5")}))
    assert found(half).theory_rms_base is None
    assert found().theory_rms_base is not None


def test_time_out_of_range_trades_nothing_in_theory() -> None:
    """A day of which half is in range has half of the predicted trades and of the LVR."""
    moves = outcome().observed.sigma_base_per_day
    half = replace(
        outcome(), observed=replace(outcome().observed, in_range_share=0.5, sigma_base_per_day=moves * 0.5**0.5)
    )
    whole, part = found(), found(an_outcome=half)
    assert whole.theory is not None and part.theory is not None
    assert part.theory.trades_per_day == pytest.approx(whole.theory.trades_per_day / 2)
    assert part.theory.residual_rms_base == whole.theory.residual_rms_base
    assert whole.lvr_theory_quote is not None
    assert part.lvr_theory_quote == pytest.approx(whole.lvr_theory_quote / 2)


def test_theory_looks_as_often_as_the_price_moves() -> None:
    """Four looks a minute at minute bars see four times the same: the prediction is that of one."""
    often = found(an_outcome=replace(outcome(), looks=4 * 2880))
    seldom = found(an_outcome=replace(outcome(), looks=288))
    assert often.theory == found().theory
    assert often.theory is not None and seldom.theory is not None
    assert seldom.theory.trades_per_day < often.theory.trades_per_day


def test_theory_ends_trades_where_the_replay_did() -> None:
    """A share of the band from the target, for which each trade is smaller and there are more of them."""
    edge = replace(outcome(), observed=replace(outcome().observed, inner_share=0.25))
    theory = found(an_outcome=edge).theory
    expected = predict(
        price=2000.0,
        sigma_base_per_day=3.718457,
        band_base=0.5,
        inner_share=0.25,
        look_every_s=60.0,
        cost_rate=terms_of(case().setup(), outcome(), 60_000).rate(0.375 * 2000),
    )
    assert theory == expected


def test_what_an_order_costs_one_way() -> None:
    """5 bps fee, half a spread of 1 bps, and 1 bps of impact at 100,000: 5.5 and half of that impact at 50,000."""
    setup = case().setup()
    assert terms_of(setup, outcome(), 60_000).rate(50_000.0) == pytest.approx(0.0006)
    post_only = setup._replace(conduct=setup.conduct._replace(order_kind=POST_ONLY))
    assert terms_of(post_only, outcome(), 60_000).rate(50_000.0) == 0.0002


def test_json_numbers_are_text() -> None:
    """Every leaf is text or null, and what is known is what the text shows."""
    data = json.loads(report_json(found(an_outcome=booked())))

    def leaves(node: object) -> list[object]:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else None
        return [node] if inner is None else [leaf for each in inner for leaf in leaves(each)]

    assert all(leaf is None or isinstance(leaf, str) for leaf in leaves(data))
    assert data["parts"] == {
        "lp_fees": "137.50",
        "lp_price": "-500.25",
        "lvr": "-233.56",
        "beside": "0",
        "hedge": "498.75",
        "slippage": "-2.10",
        "funding": "5.40",
        "commissions": "-20.00",
        "other": "0",
        "net": "-114.26",
        "residual": "-1.50",
        "realised": "120.40",
        "unrealised": "376.25",
    }
    summed = [Decimal(data["parts"][name]) for name, _ in PART_LABELS]
    assert sum(summed) == Decimal(data["parts"]["net"])
    assert data["start"] == "2025-05-04T15:34:00Z"
    assert data["position"]["first_value_quote"] == "100000"
    assert data["risk"]["liquidation_distance_low_pct"] == "87.25"
    assert data["states"] == {"READY": "0.75", "COOLDOWN": "0.25"}
    assert data["impermanent_loss"] == "-93.81"


def test_every_name_is_documented() -> None:
    """What a program reads, in JSON and in CSV, stands in docs/replay.md."""
    data = json.loads(report_json(found()))
    names = set(data) | {name for key in NAMED_INSIDE for name in data[key]}
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "replay.md").read_text()))
    assert names | set(HEADER.split(",")) <= documented


def test_no_short_has_no_distance_to_liquidation() -> None:
    """Null, not zero."""
    nothing = replace(outcome(), risk=replace(outcome().risk, liquidation_distance_low_pct=None))
    assert json.loads(report_json(found(an_outcome=nothing)))["risk"]["liquidation_distance_low_pct"] is None
    assert "no short" in report_text(found(an_outcome=nothing))


def test_every_fill_is_a_line() -> None:
    """With the digits of the number that was meant, not of the machine's: 0.1 + 0.2 is 0.3."""
    rows = list(csv.reader(io.StringIO(csv_of(FILLS).decode(), newline="")))
    assert rows == [
        HEADER.split(","),
        ["2025-05-04T15:34:01.250Z", "SELL", "25", "1999.9", "2000", "24.99875", "taker", "band_exceeded", "-25"],
        ["2025-05-04T15:44:00Z", "BUY", "0.3", "2010", "2009.5", "0.1206", "maker", "approved", "-24.7"],
    ]
    assert csv_of(np.zeros(0, FILL_FIELDS)).decode() == f"{HEADER}\r\n"


def test_digits_never_hide_an_error() -> None:
    """No exponents; what is no finite number is refused."""
    assert [digits(each) for each in (1e-7, 123456789012.5, -0.0, 1e20)] == [
        "0.0000001",
        "123456789012.5",
        "0",
        "100000000000000000000",
    ]
    for bad in (math.nan, math.inf):
        with pytest.raises(ValueError, match="no finite number"):
            digits(bad)
    assert iso(START_MS + MINUTE_MS) == "2025-05-04T15:35:00Z"


def test_the_picture_has_price_residual_and_account() -> None:
    """Range, fills, band and the six running sums, without a gap between thinned points; what is unknown is no line."""
    picture = replay_picture(found())
    price, residual, account = picture.panels
    assert price.areas[0].low == (1600.0, 1600.0)
    assert [mark.side for mark in price.marks] == ["buy", "sell"]
    assert residual.areas[0].low[0] == pytest.approx(-0.5)
    assert None not in residual.lines[0].ys
    assert [line.label for line in account.lines] == ["net", "fees", "LP", "hedge", "funding", "costs"]
    assert account.lines[0].ys[-1] == -114.26
    less = replay_picture(without_recordings())
    assert [line.label for line in less.panels[2].lines] == ["net", "LP", "hedge", "costs"]
    assert less.footer == "Not recorded, not counted: LP fees and funding"
    assert picture.footer == ""
    assert png(picture).startswith(b"\x89PNG")


def test_fills_drawn_together_are_told() -> None:
    """A mark for several fills would else look like one."""
    many = np.repeat(FILLS[:1], 5)
    footer = replay_picture(found(an_outcome=replace(outcome(), fills=many))).footer
    assert footer == "Marks: 1 for 5 fills, near ones joined"


def test_what_a_liquidation_takes_is_explained_where_there_was_one() -> None:
    """And is no part of the cost."""
    told = "what the exchange takes beside the commission when it liquidates"
    assert told not in report_text(found())
    text = report_text(found(an_outcome=booked(other=Decimal(-500))))
    assert told in text
    assert "other: taken at a liquidation" in text


def test_cost_is_the_outcomes_own() -> None:
    """Text and JSON show the one figure by which settings are judged."""
    some = booked(other=Decimal(-500))
    data = json.loads(report_json(found(an_outcome=some)))
    assert float(data["hedging"]["cost_quote"]) == pytest.approx(some.cost_quote)
    assert f"costs {some.cost_quote:,.2f} USDT" in report_text(found(an_outcome=some))


def test_halves_of_the_short_that_cannot_be_told_are_unknown() -> None:
    """As `lp-hedge report` has it."""
    mixed = found(an_outcome=booked(moved=Decimal(5)))
    assert json.loads(report_json(mixed))["parts"]["unrealised"] is None
    assert re.search(r"short, unrealised +unknown\n", report_text(mixed))


def test_a_hedge_that_stood_still_is_told_first() -> None:
    """Above everything, with share and reason; a twentieth of the time is let pass."""
    reasons = {Reason.WITHIN_BAND: 90 * DAY_MS, Reason.LOW_MARGIN: 7 * DAY_MS, Reason.MAX_PER_HOUR: 3 * DAY_MS}
    still = replace(outcome(), states={State.READY: 90 * DAY_MS, State.SUSPENDED: 10 * DAY_MS}, reasons=reasons)
    told = "The hedge was SUSPENDED 10.0 % of the time, most of it for low_margin: The available balance"
    assert report_text(found(an_outcome=still)).startswith(told)
    assert json.loads(report_json(found(an_outcome=still)))["notices"][0].startswith(told)
    hardly = replace(still, states={State.READY: 95 * DAY_MS, State.SUSPENDED: 5 * DAY_MS})
    assert report_text(found(an_outcome=hardly)).startswith("eth: ETHUSDT")
