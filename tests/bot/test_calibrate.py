"""What `lp-hedge calibrate` tells: table, verdicts, lines to paste, JSON, picture."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from decimal import Decimal

import pytest

from bot.calibrate.as_json import report_json
from bot.calibrate.block import block
from bot.calibrate.picture import frontier_picture
from bot.calibrate.text import report_text
from bot.demo.market import RULES
from core.config import HedgeConfig
from core.hedging.policy import policy_from
from core.replay.calibration.candidates import Candidate, Centre, Wanted, candidates
from core.replay.calibration.ranking import Aim
from tests.bot.calibrations import BASIC, BETTER, BROKE, CLOSE, THEORYS, report, tried
from tests.replay.outcomes import hedge_config, measured


def test_the_report_shows_configured_found_and_theory_side_by_side() -> None:
    """With cost, residual, trades and the objective, and fits a terminal of 100 columns."""
    text = report_text(report(notices=("Two bars were missing.",)))
    rows = {line[:18].strip(): line.split() for line in text.split("\n\n")[1].splitlines()}
    assert rows["configured"] == ["configured", "500", "target", "-", "30", "s", "40.00", "200.00", "10.0", "42.50"]
    assert rows["found"] == ["found", "1,230", "615", "-", "-", "12.00", "250.00", "10.0", "15.00"]
    assert rows["by theory"] == ["by", "theory", "11.50", "240.00", "4.1"]
    assert rows["theory's optimum"] == ["theory's", "optimum", "1,190", "595", "11.50", "240.00", "4.1", "14.25"]
    assert rows["replayed"][:3] == ["replayed", "1,190", "595"]
    assert "100    target      4 h     30 s" in text
    assert "Two bars were missing." in text
    assert max(map(len, text.splitlines())) <= 100


def test_it_says_by_what_it_judges() -> None:
    """Cost and risk, or cost under a limit; and that it is not profit."""
    assert "least cost + 0.0001 / 2 * variance" in report_text(report())
    limited = report_text(report(aim=Aim(1e-4, most_residual_quote=245.0)))
    assert "residual rms below 245.00" in limited
    assert "Profit is not looked at" in limited
    assert limited.split("found ")[1].split()[0] == "1,190"


def test_walk_forward_is_told_with_a_verdict() -> None:
    """What was chosen on the past, what it was expected to come to, what came out, and whether to believe it."""
    held = " ".join(report_text(report()).split())
    assert "It held: on parts they had not seen, the chosen settings came to 15.00 a day" in held
    assert "the configured one to 42.50" in held
    lucky = [measured(5, 100, variance=0), *[measured(200, 100, variance=0)] * 3]
    steady = [measured(10, 100, variance=0)] * 4
    failed = report_text(report(steady, lucky, candidates=tried()[:2]))
    assert "It did not hold" in failed
    assert "calibrate on more data" in " ".join(failed.split())
    table = failed.split("Walk-forward")[1].splitlines()[2].split()
    assert table[0] == "2"
    assert table[-4:] == ["5.00", "200.00", "10.00", "190.00"]


def test_a_setting_that_is_no_good_is_said_to_be() -> None:
    """Liquidated, beyond the limit, or at the rim of what was tried."""
    broke = [[BROKE] * 4] * 2
    text = report_text(report(*broke, candidates=tried()[:2]))
    assert "liquidated 8 times: ranked last" in text
    assert "No setting is sound on this account" in text
    assert "Nothing that was tried can be recommended" in text
    assert "It held" not in text
    assert "nothing tried is both cheaper" not in text
    assert json.loads(report_json(report(*broke, candidates=tried()[:2])))["held"] is False
    assert "keeps the residual below 10.00" in report_text(report(aim=Aim(1e-4, most_residual_quote=10.0)))
    rim = report([BASIC] * 4, [BASIC] * 4, [BASIC] * 4, [BASIC] * 4, [BETTER] * 4)
    assert "The band found is the widest that was tried" in report_text(rim)


def test_a_limit_that_is_missed_is_said_wherever_it_matters() -> None:
    """In the comparison, in the lines that are kept, and more data are not asked for."""
    missed = report([BASIC] * 4, [BETTER] * 4, [CLOSE] * 4, candidates=tried()[:3], aim=Aim(1e-4, 10.0))
    text = " ".join(report_text(missed).split())
    assert missed.conclusion.chosen == 2
    assert "Found is the nearest, at 50.00" in text
    assert "# The limit of 10.00 is MISSED" in str(block(missed))
    assert "calibrate on more data" not in text
    assert "MISSED" not in str(block(report(aim=Aim(1e-4, 60.0))))


def test_an_account_that_is_too_small_is_said_first() -> None:
    """Before any figure; and lines that are worse than what is configured say so, for they may be kept."""
    held = [measured(12, 250, variance=60_000, low_margin=0.2)] * 4
    small = report(held, [BASIC] * 4, candidates=tried()[:2])
    head = " ".join(report_text(small).split("\n\n")[0].split())
    assert "too small: give it more margin. 1 of 2 settings were held back by low_margin" in head
    assert "Found is WORSE than what is configured" in " ".join(report_text(small).split())
    assert "# WORSE than what was configured (42.50 a day against 15.00)" in str(block(small))
    capped = report([measured(12, 250, held_back=0.2)] * 4, [BASIC] * 4, candidates=tried()[:2])
    assert "too small" not in report_text(capped)
    assert "WORSE" not in str(block(report()))


def test_one_run_over_all_parts_that_fails_is_said() -> None:
    """Each part begins with the full balance; an account does not."""
    broke = report(straight=(measured(low_margin=0.5), BROKE))
    text = " ".join(report_text(broke).split())
    assert (
        "the configured setting was held back by margin, caps, max_per_hour or unanswered questions 50% of the time"
        in text
    )
    assert "the setting found was liquidated 2 times" in text
    assert "# Over the whole time in one run: liquidated 2 times." in str(block(broke))
    told = json.loads(report_json(broke))["straight"]
    assert told["found"]["liquidations"] == "2"
    assert told["configured"]["held_back_share"] == "0.5"
    assert "in one run" not in report_text(report())


def test_walk_forward_tells_its_margin() -> None:
    """A word alone would stand on a knife's edge."""
    lucky = [measured(5, 100, variance=0), *[measured(12, 100, variance=0)] * 3]
    steady = [measured(10, 100, variance=0)] * 4
    text = " ".join(report_text(report(steady, lucky, candidates=tried()[:2])).split())
    assert "It held" in text
    assert "Regret 20.0% of what the best would cost; held means at most 25%." in text
    gained = [measured(-5, 100, variance=0)] * 4
    assert "no share of it" in report_text(report(gained, gained, candidates=tried()[:2])).replace("\n", " ")


def test_frontier_rows_that_a_few_trades_made_are_marked() -> None:
    """A cost below zero, or hardly a trade."""
    rows = ([CLOSE] * 4, [measured(-1, 200)] * 4, [measured(-2, 300, trades=0)] * 4)
    text = report_text(report(*rows, candidates=tried()[:3])).split("Efficient frontier")[1]
    assert text.count("luck of a few trades") == 2
    assert "luck" not in report_text(report())


def test_without_an_optimum_it_says_so() -> None:
    """A position that was never in range."""
    text = report_text(report(optimum=False))
    assert "Theory has no optimum here" in text
    assert json.loads(report_json(report(optimum=False)))["theory"] is None


def pasted(configured: HedgeConfig, lines: str) -> HedgeConfig:
    """The block put into [hedges.NAME] instead of the lines of the same names."""
    keys = tomllib.loads(lines, parse_float=Decimal)
    return HedgeConfig.model_validate({**configured.model_dump(), **keys})


def test_the_block_is_toml_and_becomes_the_setting_that_was_found() -> None:
    """With what to expect of it, over which days."""
    found = report()
    lines = block(found)
    assert lines is not None
    assert pasted(found.configured, lines) == found.chosen
    assert "# 12.00 USDT a day in costs, residual rms 250.00 USDT, 10.0 trades a day." in lines
    assert "2025-05-04 to 2025-05-08 (4.0 days)" in lines
    keys = [line.split(" = ")[0] for line in lines.splitlines() if not line.startswith("#")]
    assert keys == ["delta_band_quote", "delta_band_pct", "rebalance_to", "delta_hysteresis_quote", "cooldown_seconds"]


@pytest.mark.parametrize(
    "configured",
    [
        hedge_config(),
        hedge_config(delta_band_quote=None, delta_band_pct=None, hedge_threshold="0.2"),
        hedge_config(delta_band_quote=None, delta_band_pct=2, delta_hysteresis_quote="12.5", rebalance_to="edge"),
    ],
)
def test_every_setting_that_can_win_can_be_pasted(configured: HedgeConfig) -> None:
    """Whatever is configured: to the kernel the pasted block is the setting that was replayed."""
    wanted = Wanted(100, ratios=(Decimal("0.8"), Decimal(1)), order_types=("market", "post_only"))
    grid = candidates(configured, Centre(500, 900, Decimal("0.25"), 20), wanted)
    for candidate in grid[1:]:
        lines = block(report([BASIC] * 4, [BETTER] * 4, candidates=(grid[0], candidate)))
        assert lines is not None
        assert policy_from(pasted(configured, lines), RULES) == policy_from(candidate.config, RULES)
        assert pasted(configured, lines).order_type == candidate.config.order_type


def test_lines_whose_choice_did_not_hold_say_so() -> None:
    """They may be kept for years; the report may not."""
    lucky = [measured(5, 100, variance=0), *[measured(200, 100, variance=0)] * 3]
    doubtful = block(report([BASIC] * 4, lucky, [BETTER] * 4, candidates=tried()[:3]))
    assert doubtful is not None
    assert "did not hold" in doubtful
    assert "did not hold" not in str(block(report()))


def test_nothing_is_recommended_where_nothing_is_better_or_sound() -> None:
    """No lines to paste then."""
    assert block(report([BETTER] * 4, [BASIC] * 4, candidates=tried()[:2])) is None
    assert block(report([BROKE] * 4, [measured(0.5, 1, liquidations=1)] * 4, candidates=tried()[:2])) is None


def test_json_has_every_figure_as_text() -> None:
    """Names as documented; settings as the configuration's own keys."""
    told = json.loads(report_json(report()))
    assert told["found"]["cost_quote_per_day"] == "12"
    assert told["found"]["residual_rms_quote"] == "250"
    assert told["found"]["setting"]["delta_band_quote"] == "1230"
    assert told["found"]["setting"]["hedge_threshold"] is None
    assert told["configured"]["objective_quote_per_day"] == "42.5"
    assert told["theory"]["delta_band_quote"] == "1190.4"
    assert told["held"] is True
    assert [each["part"] for each in told["walk_forward"]] == ["2", "3", "4"]
    assert told["period"] == {"start": "2025-05-04T00:00:00Z", "end": "2025-05-08T00:00:00Z", "days": "4"}
    assert [each["cost_quote_per_day"] for each in told["frontier"]] == ["90", "40", "13", "12"]
    assert told["block"] == block(report())
    assert (told["bars"], told["parts"], told["settings"]) == ("5760", "4", "5")
    assert told["configured"]["band_quote"] == "500"
    assert not list(_numbers(told))


def _numbers(told: object) -> Iterator[object]:
    """Figures that are no strings; a verdict is none."""
    if isinstance(told, dict | list):
        for each in told.values() if isinstance(told, dict) else told:
            yield from _numbers(each)
    elif isinstance(told, int | float) and not isinstance(told, bool):
        yield told


def test_the_picture_has_every_sound_setting_and_names_four() -> None:
    """Those that were liquidated are counted, not drawn; it can be drawn, also where a setting never traded."""
    from bot.charts.drawing import cloud_png

    cloud = frontier_picture(report())
    assert len(cloud.points) == 4
    assert "1 liquidated or held back are not shown" in cloud.subtitle
    assert [star.label.split(",")[0] for star in cloud.stars] == [
        "configured",
        "found",
        "theory's optimum",
        "theory's optimum",
    ]
    assert [x for x, _ in cloud.line] == [90, 40, 13, 12]
    assert cloud_png(cloud).startswith(b"\x89PNG")
    idle = report([measured(0, 900)] * 4, [CLOSE] * 4, candidates=tried()[:2])
    assert cloud_png(frontier_picture(idle)).startswith(b"\x89PNG")


def test_a_long_frontier_is_shown_by_eight() -> None:
    """Both ends among them."""
    rows = [[measured(100 - place, 10 + place)] * 4 for place in range(30)]
    many = tuple(Candidate(hedge_config(delta_band_quote=100 + place), "grid") for place in range(30))
    text = report_text(report(*rows, candidates=many)).split("Efficient frontier")[1].split("\n\n")[0]
    shown = text.splitlines()[2:]
    assert len(shown) == 8
    assert "100.00" in shown[0]
    assert "71.00" in shown[-1]


def test_theory_that_was_replayed_is_on_the_frontier_like_any_other() -> None:
    """It is a setting among the others, ranked by what came of it."""
    found = report([BASIC] * 4, [BETTER] * 4, [THEORYS] * 4, candidates=tried()[:3])
    assert found.conclusion.chosen == 1
    assert not found.keeps_configured
