"""What a backtest is run with: filters, period, position, files; each mistake is a sentence before anything starts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.arguments import build_parser
from bot.backtest.case import chosen_hedge, pool_pair
from bot.backtest.period import cut
from bot.backtest.position import Wanted, as_one, wanted_position
from bot.backtest.rules import rules_for
from bot.whole_file import require_writable, write_all
from core.config import Config
from core.errors import ConfigurationError
from core.exchange.binance_messages import SymbolInfo, symbol_rules
from core.exchange.known_rules import KNOWN_RULES
from core.facts import LpPosition, RangeSide
from core.replay.setup import Position
from core.replay.theory.position import value
from tests.bot.replays import CONFIG, MINUTE_MS, START_MS, case, path

RECORDED = Path(__file__).parents[1] / "data" / "binance_futures" / "rest"


def options(*words: str) -> argparse.Namespace:
    return build_parser().parse_args(["backtest", "--prices", "prices.csv", *words])


# -- filters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "symbols"),
    [
        ("exchangeInfo_2022-02_btc_eth", ("BTCUSDT", "ETHUSDT")),
        ("exchangeInfo_2021-07_mainnet", ("BNBUSDT",)),
    ],
)
def test_the_bundled_filters_are_the_recorded_ones(file: str, symbols: Sequence[str]) -> None:
    """Digit for digit; a price's bounds against the mark play no part in a replay and are left out."""
    entries = {each["symbol"]: each for each in json.loads((RECORDED / f"{file}.json").read_text())["symbols"]}
    for symbol in symbols:
        recorded = symbol_rules(SymbolInfo.model_validate(entries[symbol]))
        assert KNOWN_RULES[symbol].rules == replace(recorded, lowest_of_mark=None, highest_of_mark=None)
        assert KNOWN_RULES[symbol].recorded in file


def test_bundled_filters_say_how_old_they_are() -> None:
    """And flags win over them."""
    rules, notices = rules_for("ETHUSDT", options())
    assert rules.min_notional_quote == 10
    assert "as of 2022-02 (step 0.001 ETH, smallest order 10 USDT)" in notices[0]
    rules, notices = rules_for("ETHUSDT", options("--min-notional", "20", "--step-size", "0.01"))
    assert rules.min_notional_quote == 20
    assert rules.step_size == rules.market_step_size == rules.min_quantity == Decimal("0.01")
    assert notices == ()


def test_other_symbols_need_their_filters() -> None:
    """From flags or from the exchange's own answer, which is read as the live program reads it."""
    with pytest.raises(ConfigurationError, match="SUSHIUSDT are not bundled: give --step-size and --min-notional"):
        rules_for("SUSHIUSDT", options("--step-size", "1"))
    rules, _ = rules_for("SUSHIUSDT", options("--step-size", "1", "--min-notional", "5"))
    assert (rules.base_asset, rules.quote_asset) == ("SUSHI", "USDT")
    assert rules.step_size == 1 and rules.min_notional_quote == 5
    file = RECORDED / "exchangeInfo_2021-07_mainnet.json"
    rules, notices = rules_for("BNBUSDT", options("--symbol-rules", str(file)))
    assert rules.market_max_quantity == 20000 and notices == ()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        ("not json", "is not JSON"),
        ("[]", "has no entry for ETHUSDT"),
        ("7", "has no entry for ETHUSDT"),
        ('{"symbol": "ETHUSDT"}', "is not as the exchange writes it"),
        ('{"symbols": [{"symbol": "ETHUSDT", "filters": "none"}]}', "is not as the exchange writes it"),
    ],
)
def test_a_bad_file_of_filters_is_one_sentence(tmp_path: Path, content: str | None, words: str) -> None:
    """Whatever is in it."""
    file = tmp_path / "rules.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigurationError, match=words):
        rules_for("ETHUSDT", options("--symbol-rules", str(file)))


# -- period --------------------------------------------------------------------------------------------------------


def minutes(*words: str) -> list[int]:
    """Which of ten minutes remain; the first ends at 15:34."""
    kept = cut(path(10), options(*words))
    return [(int(at) - START_MS) // MINUTE_MS for at in kept.time_ms]


def test_the_period_is_cut_by_time() -> None:
    """Both ends belong to it; days count from --from, else back from the end."""
    assert minutes() == list(range(10))
    assert minutes("--from", "2025-05-04T15:36", "--to", "2025-05-04T15:38") == [2, 3, 4]
    assert minutes("--from", "2025-05-04T17:36+02:00", "--to", "2025-05-04T15:38Z") == [2, 3, 4]
    assert minutes("--days", str(2 / 1440)) == [7, 8, 9]
    assert minutes("--days", str(2 / 1440), "--from", "2025-05-04T15:36") == [2, 3, 4]
    assert minutes("--days", str(2 / 1440), "--to", "2025-05-04T15:38") == [2, 3, 4]
    assert minutes("--days", "400") == list(range(10))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2025-05-05", "--to", "2025-05-04"), "2025-05-05 00:00 UTC is not before --to 2025-05-04 00:00"),
        (("--from", "2025-05-03", "--to", "2025-05-05", "--days", "1"), "leave out --days"),
        (("--from", "2025-06-01"), "no prices from 2025-06-01 00:00 UTC to .*: the file has 2025-05-04 15:34 UTC to"),
        (("--days", "0.0001"), "no prices from"),
    ],
)
def test_an_impossible_period_is_one_sentence(words: Sequence[str], said: str) -> None:
    """It says what the file has."""
    with pytest.raises(ConfigurationError, match=said):
        minutes(*words)


# -- position ------------------------------------------------------------------------------------------------------


def test_value_makes_liquidity_in_each_regime() -> None:
    """The reference position of docs/theory.md: 100,000 QUOTE at 2000, and its values below and above the range."""
    wanted = wanted_position(options("--lower", "1600", "--upper", "2500", "--value-quote", "100000"))
    assert wanted is not None
    position = wanted.at(2000.0)
    assert position.liquidity == pytest.approx(10590.16994374947, rel=1e-12)
    assert value(1800.0, *position) == pytest.approx(93752.80201223)
    assert value(2500.0, *position) == pytest.approx(105901.69943749)
    assert value(3000.0, *position) == pytest.approx(105901.69943749)
    assert value(1000.0, *position) == pytest.approx(52950.8497187)


@given(lower=st.floats(1e-6, 1e6), width=st.floats(1.001, 1e4), price=st.floats(1e-7, 1e7), worth=st.floats(1.0, 1e9))
def test_a_position_is_worth_what_was_asked(lower: float, width: float, price: float, worth: float) -> None:
    """Wherever the price stands."""
    position = Wanted(lower, lower * width, worth, None).at(price)
    assert value(price, *position) == pytest.approx(worth, rel=1e-6)


def test_liquidity_is_taken_as_it_is() -> None:
    """And no flag at all asks for the hedge's own position."""
    wanted = wanted_position(options("--lower", "1600", "--upper", "2500", "--liquidity", "7.5"))
    assert wanted is not None and wanted.at(1.0) == Position(1600.0, 2500.0, 7.5)
    assert wanted_position(options()) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--lower", "1600"), "--lower and --upper belong together"),
        (("--value-quote", "1000"), "--lower and --upper belong together"),
        (("--lower", "2500", "--upper", "1600", "--value-quote", "5"), "2500 is not below --upper 1600"),
        (("--lower", "1600", "--upper", "1600", "--value-quote", "5"), "1600 is not below --upper 1600"),
        (("--lower", "1600", "--upper", "1600.01", "--value-quote", "5"), "narrower than one tick"),
        (("--lower", "1600", "--upper", "2500"), "how large is the position"),
    ],
)
def test_half_a_position_is_one_sentence(words: Sequence[str], said: str) -> None:
    """It says what is missing."""
    with pytest.raises(ConfigurationError, match=said):
        wanted_position(options(*words))


def on_chain(**changes: object) -> LpPosition:
    known = LpPosition(
        position_id=1, owner="", pool="", base_is_token0=False, base_decimals=18, quote_decimals=6,
        liquidity=10590169943749470, tick_lower=0, tick_upper=0, sqrt_price_x96=0, price=Decimal(2000),
        base=Decimal(25), quote=Decimal(50000), owed_base=Decimal(0), owed_quote=Decimal(0),
        price_lower=Decimal(1600), price_upper=Decimal(2500), side=RangeSide.IN, base_at_lower_edge=Decimal(53),
    )  # fmt: skip
    return replace(known, **changes)  # type: ignore[arg-type]


def test_the_hedges_own_positions_are_summed() -> None:
    """Liquidity in whole tokens; several ranges, or none, ask for flags."""
    one = as_one("eth", [on_chain()])
    assert (one.lower, one.upper) == (1600.0, 2500.0)
    assert one.liquidity == pytest.approx(10590.16994374947)
    assert as_one("eth", [on_chain(), on_chain(position_id=2)]).liquidity == pytest.approx(2 * one.liquidity)
    with pytest.raises(ConfigurationError, match="eth's positions have 2 different ranges"):
        as_one("eth", [on_chain(), on_chain(price_upper=Decimal(2600))])
    with pytest.raises(ConfigurationError, match="eth has no liquidity on its chain now"):
        as_one("eth", [])


# -- the rest ------------------------------------------------------------------------------------------------------


def test_the_hedge_is_named_where_there_is_a_choice() -> None:
    """The names are listed."""
    hedge = CONFIG.model_dump(exclude_unset=True)
    both = Config.model_validate(
        {"hedges": {"eth": hedge, "bnb": {**hedge, "symbol": "BNBUSDT", "lp_position_ids": [2]}}}
    )
    with pytest.raises(ConfigurationError, match="Name one with --hedge: eth, bnb"):
        chosen_hedge(both, None)
    with pytest.raises(ConfigurationError, match="there is no hedge btc: the configuration has eth, bnb"):
        chosen_hedge(both, "btc")
    assert chosen_hedge(both, "bnb") == "bnb"
    assert chosen_hedge(Config.model_validate({"hedges": {"eth": hedge}}), None) == "eth"


def test_nobody_answers_with_never() -> None:
    """Seconds otherwise."""
    assert replace(case(), answer_s=None).setup().conduct.answer_ms == -1
    assert case().setup().conduct.answer_ms == 30_000
    assert (options("--answer-after", "never").answer_after, options("--answer-after", "5").answer_after) == (None, 5)


def test_the_pool_is_guessed_from_the_hedge() -> None:
    """Recorded pools are USDC/WETH; PancakeSwap keeps a third of the fee, BSC's USDT has 18 decimals; flags win."""
    uniswap = pool_pair(options(), CONFIG, ())
    assert uniswap is not None
    assert (uniswap.base_is_token0, uniswap.decimals0, uniswap.decimals1) == (False, 6, 18)
    assert (uniswap.fee, uniswap.protocol_share) == (0.0005, 0.0)
    pancake = CONFIG.model_copy(update={"amm_type": "pancakeswap_v3", "chain": "bsc"})
    usual = pool_pair(options("--fee-tier", "2500"), pancake, ())
    assert usual is not None
    assert (usual.decimals0, usual.decimals1, usual.fee, usual.protocol_share) == (18, 18, 0.0025, 0.32)
    named = pool_pair(
        options("--pool-token-order", "base-quote", "--decimals", "8,6", "--protocol-share", "0.1"), pancake, ()
    )
    assert named is not None
    assert (named.base_is_token0, named.decimals0, named.decimals1, named.protocol_share) == (True, 8, 6, 0.1)
    seen = pool_pair(options(), CONFIG, [on_chain(base_is_token0=True, base_decimals=8)])
    assert seen is not None and (seen.base_is_token0, seen.decimals0, seen.decimals1) == (True, 8, 6)
    assert pool_pair(options(), CONFIG.model_copy(update={"amm_type": "a_fork"}), ()) is None


@pytest.mark.parametrize(
    "words",
    [
        ("--lower", "-1"), ("--lower", "nan"), ("--upper", "inf"), ("--value-quote", "much"), ("--days", "0"),
        ("--from", "yesterday"), ("--balance", "-5"), ("--latency-ms", "1.5"), ("--fee-tier", "0"),
        ("--protocol-share", "34"), ("--decimals", "6"), ("--decimals", "6,x"), ("--answer-after", "soon"),
        ("--step-size", "0"), ("--value-quote", "1", "--liquidity", "1"), ("--pool-token-order", "1"),
        ("--spread", "1"),
    ],
)  # fmt: skip
def test_a_bad_flag_ends_with_2(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And is named."""
    with pytest.raises(SystemExit) as ended:
        options(*words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err


# -- files ---------------------------------------------------------------------------------------------------------


def test_a_target_that_cannot_be_written_is_found_first(tmp_path: Path) -> None:
    """Wrong name, no folder, a folder, a device, an input: each a sentence, nothing left behind."""
    prices = tmp_path / "prices.csv"
    prices.write_text("kept")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "device.csv").symlink_to("/dev/null")
    (tmp_path / "link.csv").symlink_to(prices)
    for name, words in (
        ("fills.txt", "must end in .csv"),
        ("none/fills.csv", "cannot be written: No such file"),
        ("folder.csv", "is there and is no file"),
        ("device.csv", "is there and is no file"),
        ("prices.csv", "would overwrite what is read"),
        ("link.csv", "would overwrite what is read"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            require_writable("--trades", tmp_path / name, suffix=".csv", inputs=[prices])
    before = sorted(tmp_path.iterdir())
    require_writable("--trades", tmp_path / "fills.csv", suffix=".csv", inputs=[prices])
    assert sorted(tmp_path.iterdir()) == before


def test_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    """When the second cannot be, the first is as it was and no part is left."""
    first, second = tmp_path / "fills.csv", tmp_path / "none" / "plot.png"
    first.write_text("older")
    with pytest.raises(ConfigurationError, match=r"plot\.png cannot be written"):
        write_all({first: b"new", second: b"png"})
    assert first.read_text() == "older"
    assert list(tmp_path.iterdir()) == [first]
    write_all({first: b"new"})
    assert first.read_text() == "new"
    assert list(tmp_path.iterdir()) == [first]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    (tmp_path / "real.csv").write_text("older")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_all({tmp_path / "link.csv": b"new"})
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"
