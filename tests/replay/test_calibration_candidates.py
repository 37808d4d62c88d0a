"""Which settings are tried."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest

from core.errors import ConfigurationError
from core.replay.calibration.candidates import Centre, Wanted, bands, candidates, rounded
from tests.replay.outcomes import hedge_config

HALF = Decimal("0.5")
CENTRE = Centre(configured_quote=500, theory_quote=9000, theory_rest=HALF, smallest_quote=20)


def test_what_is_configured_and_theory_come_first_whatever_the_size() -> None:
    """Also when only two are wanted; each setting once."""
    config = hedge_config(delta_band_pct=2, cooldown_seconds=45)
    two = candidates(config, CENTRE, Wanted(settings=2))
    assert [each.origin for each in two] == ["configured", "theory"]
    assert two[0].config is config
    assert two[1].config.delta_band_quote == 9000
    assert two[1].config.rebalance_to == "edge"
    assert two[1].config.delta_hysteresis_quote == 4500
    many = candidates(config, CENTRE, Wanted(settings=700))
    assert len(many) == 700 == len({each.config.model_dump_json() for each in many})


def test_the_grid_varies_what_it_promises() -> None:
    """Bands around both centres, four places to rest, pace; ratio and order type only when asked for."""
    config = hedge_config(cooldown_seconds=45, hedge_ratio=Decimal("0.9"))
    grid = [each.config for each in candidates(config, CENTRE, Wanted(settings=100_000)) if each.origin == "grid"]
    widths = {each.band_quote for each in grid}
    assert min(widths) <= 125
    assert max(widths) >= 72_000
    assert {each.delta_band_pct for each in grid} == {0}
    assert {each.rebalance_to for each in grid} == {"target", "edge"}
    assert {each.force_rebalance_seconds for each in grid} == {0, 14_400, 86_400}
    assert {each.cooldown_seconds for each in grid} == {0, 30, 45, 300}
    assert {each.hedge_ratio for each in grid} == {Decimal("0.9")}
    asked = Wanted(100_000, ratios=(HALF, Decimal(1)), order_types=("market", "post_only"))
    more = [each.config for each in candidates(config, CENTRE, asked) if each.origin == "grid"]
    assert {each.hedge_ratio for each in more} == {HALF, 1}
    assert {each.order_type for each in more} == {"market", "post_only"}


def test_a_threshold_in_base_is_off_in_all_but_the_configured() -> None:
    """All bands must be exceeded before a trade: one left on would decide instead of the one that is tried."""
    tried = candidates(hedge_config(hedge_threshold=3), CENTRE, Wanted(settings=50))
    assert tried[0].config.hedge_threshold == 3
    assert {each.config.hedge_threshold for each in tried[1:]} == {0}


def test_a_smaller_sample_is_even_and_repeatable() -> None:
    """Every band has as many settings as any other, but for one; the seed alone decides which."""
    first = candidates(hedge_config(), CENTRE, Wanted(settings=150))
    again = candidates(hedge_config(), CENTRE, Wanted(settings=150))
    other = candidates(hedge_config(), CENTRE, Wanted(settings=150, seed=1))
    assert first == again
    assert first != other
    counts = Counter(each.config.delta_band_quote for each in first if each.origin == "grid")
    assert set(counts) == set(bands(CENTRE))
    assert max(counts.values()) - min(counts.values()) <= 2


def test_without_theory_the_grid_lies_around_what_is_configured() -> None:
    """A position that was never in range has no optimum."""
    centre = Centre(500, None, HALF, 20)
    assert bands(centre) == tuple(map(rounded, (125, 177, 250, 354, 500, 707, 1000, 1410, 2000)))
    assert "theory" not in {each.origin for each in candidates(hedge_config(), centre, Wanted())}


@pytest.mark.parametrize("theory_quote", [0.0, 9000.0, None])
def test_under_a_limit_the_grid_goes_down_to_the_smallest_order(theory_quote: float | None) -> None:
    """Whatever theory says can be met, in steps no wider than elsewhere."""
    tried = bands(Centre(11_200, theory_quote, HALF, 20, from_smallest=True))
    assert tried[0] == 20
    assert all(above / below < Decimal("1.6") for below, above in pairwise(tried))
    assert bands(Centre(11_200, None, HALF, 20))[0] > 1000


def test_no_band_below_the_smallest_order() -> None:
    """It would decide nothing."""
    assert min(bands(Centre(500, 30, HALF, 200))) == 200


def test_a_setting_that_the_configuration_refuses_is_one_sentence() -> None:
    """Not an entry in the table."""
    with pytest.raises(ConfigurationError, match="hedge_ratio cannot be tried"):
        candidates(hedge_config(), CENTRE, Wanted(ratios=(Decimal("1.5"),)))
