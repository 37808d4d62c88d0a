"""Measures, their order, the frontier and walk-forward, as pure functions."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvariantBroken
from core.hedging.states import Reason
from core.replay.calibration.frontier import frontier
from core.replay.calibration.measure import Measure, measure
from core.replay.calibration.ranking import Aim, fault, objective, ranked, score
from core.replay.calibration.walk_forward import has_held, walk_forward, whole
from core.replay.outcome import Outcome
from tests.replay.outcomes import DAY_MS, measured, outcome, with_profit

AIM = Aim(risk_aversion=0.01)


def test_a_measure_is_what_the_outcome_says_a_day() -> None:
    """Cost and variance by the day, residual and time held back as shares of the whole."""
    reasons = {Reason.MAX_PER_HOUR: DAY_MS // 2, Reason.WITHIN_BAND: DAY_MS}
    found = measure(outcome(days=2, cost=30, rms_quote=70, variance_per_day=400, plans=9, reasons=reasons))
    assert found.cost_per_day == pytest.approx(15)
    assert found.variance_per_day == pytest.approx(400)
    assert found.residual_rms_quote == pytest.approx(70)
    assert found.rebalances_per_day == pytest.approx(4.5)
    assert found.held_back_share == pytest.approx(0.25)
    assert found.low_margin_share == 0
    short = measure(outcome(days=2, reasons={Reason.LOW_MARGIN: DAY_MS // 2}))
    assert (short.low_margin_share, short.held_back_share) == (0.25, 0.25)
    assert objective(found, AIM) == pytest.approx(15 + 0.005 * 400)


@pytest.mark.parametrize("broken", [outcome(rms_quote=math.nan), outcome(variance_per_day=math.inf), outcome(days=0)])
def test_what_is_no_number_never_reaches_the_ranking(broken: Outcome) -> None:
    """A NaN would be neither better nor worse than anything."""
    with pytest.raises(InvariantBroken):
        measure(broken)


def test_parts_weigh_by_their_days() -> None:
    """Three days of 10 and one of 50 are 20 a day; the residual adds in squares."""
    both = whole([measured(10, 30, days=3), measured(50, 90, days=1)])
    assert both.cost_per_day == pytest.approx(20)
    assert both.residual_rms_quote == pytest.approx(math.sqrt((3 * 900 + 8100) / 4))


def test_the_least_cost_and_risk_is_first() -> None:
    """Half the risk aversion times the variance is added to the cost; of equals the first named stays first."""
    cheap, safe = measured(5, variance=4000), measured(20, variance=100)
    assert ranked([safe, cheap, cheap], AIM) == (0, 1, 2)
    assert ranked([safe, cheap, cheap], Aim(0.001)) == (1, 2, 0)


def test_under_a_limit_the_cheapest_that_keeps_it_is_first() -> None:
    """Beyond it the nearest comes first, whatever it costs."""
    aim = Aim(0.01, most_residual_quote=100)
    found = [measured(1, 150), measured(9, 60), measured(4, 99), measured(2, 120)]
    assert ranked(found, aim) == (2, 1, 3, 0)
    assert score(found[2], aim) == 4


def test_profit_is_not_seen() -> None:
    """Outcomes that differ in profit alone are measured alike, so they rank alike."""
    base = [outcome(cost=cost, variance_per_day=900 / cost) for cost in (3.0, 1.0, 2.0)]
    rich = [with_profit(each, Decimal(place * 10_000)) for place, each in enumerate(base)]
    poor = [with_profit(each, Decimal(place * -10_000)) for place, each in enumerate(base)]
    orders = [ranked([measure(each) for each in found], AIM) for found in (base, rich, poor)]
    assert orders[0] == orders[1] == orders[2]
    assert not {"net", "hedge", "lp", "lp_fees"} & {each.name for each in fields(Measure)}


@pytest.mark.parametrize("bad", [measured(0.1, 1, liquidations=1), measured(0.1, 1, held_back=0.06)])
def test_what_was_liquidated_or_held_back_is_last_and_says_so(bad: Measure) -> None:
    """However cheap it looks."""
    fine = measured(99, 999, variance=1e6, held_back=0.04)
    assert ranked([bad, fine], AIM) == (1, 0)
    assert fault(bad, AIM)
    assert not fault(fine, AIM)
    assert frontier([bad, fine], AIM) == (1,)


FIGURE = st.floats(0.1, 1000)


@given(st.lists(st.tuples(FIGURE, FIGURE), min_size=1, max_size=30))
def test_the_frontier_is_what_nothing_beats(figures: list[tuple[float, float]]) -> None:
    """Nobody on it is dominated; everybody off it is dominated, or the equal of one that is on it."""
    found = [measured(cost, rms) for cost, rms in figures]
    on = frontier(found, AIM)
    for place, (cost, rms) in enumerate((each.cost_per_day, each.residual_rms_quote) for each in found):
        beaten = [
            other
            for other in found
            if other.cost_per_day <= cost and other.residual_rms_quote <= rms and other is not found[place]
        ]
        strictly = [each for each in beaten if (each.cost_per_day, each.residual_rms_quote) != (cost, rms)]
        assert not strictly if place in on else beaten
    costs = [found[place].cost_per_day for place in on]
    assert costs == sorted(costs, reverse=True)


def test_walk_forward_chooses_on_the_past_and_is_judged_on_the_next() -> None:
    """Predicted is the training score, tried the next part's, regret against the best of that part."""
    steady = [measured(10, variance=0), measured(10, variance=0), measured(10, variance=0)]
    lucky = [measured(2, variance=0), measured(30, variance=0), measured(4, variance=0)]
    first, second = walk_forward([steady, lucky], AIM)
    assert (first.trained, first.chosen, first.predicted, first.tried) == (1, 1, 2, 30)
    assert (first.best, first.regret) == (0, 20)
    assert (second.trained, second.chosen, second.predicted, second.tried) == (2, 0, 10, 10)
    assert (second.best, second.regret) == (1, 6)
    assert not has_held((first, second))


def test_it_held_when_the_unseen_parts_were_near_the_best() -> None:
    """Within a quarter of hindsight, and without a fault."""
    steady = [[measured(10, variance=0)] * 3, [measured(12, variance=0), measured(8.5, variance=0)] * 2]
    steps = walk_forward([row[:3] for row in steady], AIM)
    assert has_held(steps)
    assert not has_held((replace(steps[0], sound=False), *steps[1:]))


def test_breaking_the_limit_unseen_is_not_holding() -> None:
    """A limit on the residual that was kept in training and broken afterwards is said."""
    aim = Aim(0.01, most_residual_quote=100)
    (step,) = walk_forward([[measured(5, 90), measured(5, 130)], [measured(9, 50), measured(9, 50)]], aim)
    assert step.chosen == 0
    assert not step.sound
    assert step.regret == -4
    assert not has_held((step,))
