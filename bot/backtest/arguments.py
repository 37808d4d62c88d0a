"""What can be typed after `lp-hedge backtest`. Data, position and costs are the same for `lp-hedge calibrate`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

EXAMPLE = """\
example, on recorded data (from the repository's root; any hedge.toml with an ETHUSDT hedge will do):
  lp-hedge --config examples/backtest.toml backtest \\
    --prices tests/data/market/ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz \\
    --funding tests/data/market/ETHUSDT-funding-8h-from-2025-04-15.csv \\
    --lower 1600 --upper 3000 --value-quote 100000 --fee-apr 0.25 --plot backtest.png --trades fills.csv

docs/replay.md says which files are understood and what every figure means."""
NEVER = "never"
# A fraction a year that no pool pays for long: whoever writes more means percent.
MOST_FEE_APR = 5
# token0 and token1.
QUOTE_FIRST, BASE_FIRST = "quote-base", "base-quote"


def add_backtest(parser: argparse.ArgumentParser) -> None:
    """Beside the flags of `add_case`, what is written."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    add_case(parser)
    output = parser.add_argument_group("what it writes")
    output.add_argument("--json", action="store_true", help="machine-readable output")
    output.add_argument("--plot", type=Path, metavar="FILE.png", help="price, exposure and account as a picture")
    output.add_argument("--trades", type=Path, metavar="FILE.csv", help="every fill")


def add_case(parser: argparse.ArgumentParser) -> None:
    """The flags that `bot.backtest.case.gather` reads."""
    parser.add_argument("--hedge", metavar="NAME", help="which [hedges.NAME]; not needed when there is one only")
    _add_data(parser.add_argument_group("data"))
    _add_position(parser.add_argument_group("position", "None of these: the hedge's own, read from its chain."))
    _add_terms(parser.add_argument_group("what trading costs, and who answers"))
    _add_pool(parser.add_argument_group("the pool of recorded pool files"))
    _add_rules(parser.add_argument_group("the exchange's filters", "Bundled for BNBUSDT, BTCUSDT and ETHUSDT."))


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--prices", type=Path, required=True, metavar="FILE", help="klines or pool minutes, CSV or .gz")
    group.add_argument("--funding", type=Path, metavar="FILE", help="funding rates; without: funding is not known")
    group.add_argument("--pool-minutes", type=Path, metavar="FILE", help="the pool's own prices and swap fees")
    group.add_argument("--from", dest="start", type=_moment, metavar="TIME", help="2025-05-10 or 2025-05-10T12:00, UTC")
    group.add_argument("--to", dest="end", type=_moment, metavar="TIME", help="likewise, or with an offset of its own")
    group.add_argument("--days", type=positive, metavar="N", help="N days from --from, else the last N")
    group.add_argument("--no-cache", action="store_true", help="neither use nor keep parsed files")


def _add_position(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--lower", type=positive, metavar="P", help="lower edge of the range, QUOTE per BASE")
    group.add_argument("--upper", type=positive, metavar="P", help="upper edge")
    size = group.add_mutually_exclusive_group()
    size.add_argument("--value-quote", type=positive, metavar="V", help="its value in QUOTE at the first price")
    size.add_argument("--liquidity", type=positive, metavar="L", help="or its liquidity, sqrt(BASE * QUOTE)")


def _add_terms(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--balance", type=_amount, metavar="V", help="margin balance; default [paper] balance_quote")
    group.add_argument("--spread-bps", type=_not_negative, default=1.0, metavar="B", help="bid to ask, default 1")
    group.add_argument(
        "--impact-bps", type=_not_negative, default=1.0, metavar="B", help="of an order of 100,000 QUOTE, default 1"
    )
    group.add_argument(
        "--latency-ms", type=_whole, default=250, metavar="MS", help="from the decision to the fill, default 250"
    )
    group.add_argument(
        "--fee-apr", type=_fee_apr, metavar="F", help="LP fees a year as a fraction (0.25), where none were recorded"
    )
    group.add_argument(
        "--answer-after",
        type=_answer,
        default=30.0,
        metavar="S",
        help="seconds until a person approves a large hedge, default 30; or: never",
    )


def _add_pool(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--pool-token-order",
        choices=(QUOTE_FIRST, BASE_FIRST),
        help="token0 and token1; default quote-base, as USDC/WETH and USDT/WBNB",
    )
    group.add_argument("--decimals", type=_decimals, metavar="D0,D1", help="default 18,18 on bsc, else 6 for QUOTE")
    group.add_argument("--fee-tier", type=_tier, metavar="N", help="hundredths of a bps, default 500 (0.05 %%)")
    group.add_argument(
        "--protocol-share",
        type=_share,
        metavar="F",
        help="fraction of fees that LPs do not get; default by amm_type",
    )


def _add_rules(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--symbol-rules", type=Path, metavar="FILE", help="an exchangeInfo answer of the exchange")
    group.add_argument("--step-size", type=_amount, metavar="Q", help="or the smallest quantity in BASE")
    group.add_argument("--min-notional", type=_amount, metavar="V", help="and the smallest order in QUOTE")


def number(text: str, allowed: str, fits: Callable[[float], bool]) -> float:
    """`allowed`: what the error says would have fitted. Raises ArgumentTypeError, also for NaN and infinity."""
    try:
        value = float(text) if text.isascii() else math.nan
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and fits(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is not {allowed}")
    return value


def positive(text: str) -> float:
    """Raises ArgumentTypeError for zero and below."""
    return number(text, "a number above 0", lambda value: value > 0)


def _not_negative(text: str) -> float:
    return number(text, "a number of at least 0", lambda value: value >= 0)


def _fee_apr(text: str) -> float:
    return number(
        text, f"a fraction from 0 to {MOST_FEE_APR} (0.25 = 25 % a year)", lambda value: 0 <= value <= MOST_FEE_APR
    )


def _share(text: str) -> float:
    return number(text, "a fraction from 0 to under 1", lambda value: 0 <= value < 1)


def _answer(text: str) -> float | None:
    """None: never."""
    return None if text == NEVER else number(text, "seconds of at least 0, or never", lambda value: value >= 0)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _tier(text: str) -> int:
    value = _whole(text)
    if not 0 < value < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no fee tier: 100, 500, 2500, 3000 and 10000 are usual")
    return value


def decimal_or_zero(text: str) -> Decimal:
    """0 for what is no finite number."""
    try:
        value = Decimal(text) if text.isascii() else Decimal(0)
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)


def _amount(text: str) -> Decimal:
    value = decimal_or_zero(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def _decimals(text: str) -> tuple[int, int]:
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and int(part) <= 36 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers of decimals, such as 6,18")
    return int(parts[0]), int(parts[1])


def _moment(text: str) -> datetime:
    """Aware; UTC where no offset is written."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2025-05-10 or 2025-05-10T12:00") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
