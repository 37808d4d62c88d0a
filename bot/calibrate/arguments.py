"""What can be typed after `lp-hedge calibrate`, beside the data, position and cost flags that `backtest` has."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from bot.backtest.arguments import add_case, decimal_or_zero, positive

ORDER_TYPES = ("market", "limit", "post_only")
MOST_SETTINGS, MOST_FOLDS, MOST_JOBS = 100_000, 100, 9_999
EXAMPLE = """\
example, on recorded data (from the repository's root):
  lp-hedge --config examples/backtest.toml calibrate \\
    --prices tests/data/market/ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz \\
    --funding tests/data/market/ETHUSDT-funding-8h-from-2025-04-15.csv \\
    --lower 1600 --upper 3000 --value-quote 100000 --plot frontier.png

docs/calibration.md says how settings are judged."""


def add_calibrate(parser: argparse.ArgumentParser) -> None:
    """Beside the flags of `add_case`, those of the search."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLE
    add_case(parser)
    _add_search(parser.add_argument_group("what is tried"))
    _add_aim(parser.add_argument_group("what is best", "Never the profit: it only follows the price."))
    _add_means(parser.add_argument_group("who works on it"))
    output = parser.add_argument_group("what it writes")
    output.add_argument("--json", action="store_true", help="machine-readable output")
    output.add_argument("--plot", type=Path, metavar="FILE.png", help="cost against residual of every setting")


def _add_search(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--settings", type=_whole(2, MOST_SETTINGS), default=1000, metavar="N", help="at most so many, default 1000"
    )
    group.add_argument("--ratios", type=_ratios, default=(), metavar="R,R", help="hedge ratios, such as 0.8,0.9,1")
    group.add_argument("--order-types", type=_order_types, default=(), metavar="T,T", help="such as market,post_only")
    group.add_argument("--seed", type=int, default=0, metavar="N", help="another sample of a grid larger than N")
    group.add_argument(
        "--folds", type=_whole(2, MOST_FOLDS), default=4, metavar="K", help="parts of the data, default 4, at least 2"
    )


def _add_aim(group: argparse._ArgumentGroup) -> None:
    aim = group.add_mutually_exclusive_group()
    aim.add_argument(
        "--risk-aversion",
        type=positive,
        metavar="G",
        help="per QUOTE: least cost + G/2 * variance a day; default 10 / the position's value",
    )
    aim.add_argument(
        "--max-residual-quote", type=positive, metavar="R", help="or least cost with the residual's rms below R"
    )


def _add_means(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--jobs", type=_whole(1, MOST_JOBS), metavar="N", help="processes, default one for each core")
    group.add_argument("--backend", choices=("local", "dask", "ray"), default="local", help="default local")
    group.add_argument("--address", metavar="URL", help="of the dask scheduler, such as tcp://10.0.0.5:8786")


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parsed(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return parsed


def _ratios(text: str) -> tuple[Decimal, ...]:
    """0, which is no ratio, stands for what is no number."""
    found = tuple(dict.fromkeys(map(decimal_or_zero, text.split(","))))
    if not all(0 < each <= 1 for each in found):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of fractions above 0 up to 1, such as 0.8,0.9,1")
    return found


def _order_types(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(each.strip() for each in text.split(",")))
    if not set(found) <= set(ORDER_TYPES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of {', '.join(ORDER_TYPES)}")
    return found
