"""What can be typed after `lp-hedge`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from bot.backtest.arguments import add_backtest, number
from bot.calibrate.arguments import add_calibrate
from bot.version import VERSION
from core.halting import HALT, SHOWN_CHARS, is_meant_as_halt

DESCRIPTION = """\
Keeps a perpetual short on Binance USD-M of the right size against a Uniswap V3 or PancakeSwap V3 position,
and is operated from Telegram. Without any configuration `lp-hedge run` shows a demo on an embedded market."""
EPILOG = """\
first steps:  lp-hedge demo    see it work    |  lp-hedge init    write hedge.toml and .env for your position
              lp-hedge check   preflight      |  lp-hedge run     the service (paper mode until you say live)
only in the chat, or at the service's own terminal:
              /pending /positions /pnl /chart /margin /whatif /history /logs /export /set /alerts /config
exit codes:   0 fine  1 failed while running, or facts missing  2 wrong usage or configuration  3 must be fixed
              130 ended by Ctrl-C (run and demo: 0)
pages:        {pages}"""

# Commands that a running service carries out: name -> (words as help shows them, what it does)
TWINS: dict[str, tuple[tuple[str, ...], str]] = {
    HALT: (("[NAME]",), "stop everything at once, no order of any kind; survives restarts"),
    "pause": (("[NAME]",), "no new trades, the short stays"),
    "resume": (("[NAME]",), "hedge again after halt or pause"),
    "flatten": (("NAME",), "close the whole short and halt"),
    "hedge": (("NAME",), "trade to the target now"),
    "approve": (("ID",), "let a proposed hedge happen"),
    "reject": (("ID", "[REASON ...]"), "refuse a proposed hedge"),
    "adopt": (("NAME", "[LONG|SHORT]"), "take the exchange's position as ours; trades nothing by itself"),
    "follow": (("ID|keep|close", "[NAME]"), "hedge this LP position too; keep or close the short for what left"),
}
# A hundred years: what is before anybody's first position, and still a date.
LONGEST_DAYS = 36_500
LARGEST_TOKEN_ID = 2**64 - 1
LOCATIONS = ("--config", "--db", "--env-file")
MAY_TRADE_AT_ONCE = ("flatten", "hedge", "adopt", "follow")


class _Parser(argparse.ArgumentParser):
    """Its commands' parsers are of this kind too."""

    def error(self, message: str) -> NoReturn:
        """One sentence, as for every other mistake, where argparse prints its whole usage first."""
        self.exit(2, f"lp-hedge: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """A mistake ends the process with 2 and one sentence, from whichever command's parser."""
    parser: argparse.ArgumentParser = _Parser(
        prog="lp-hedge",
        description=DESCRIPTION,
        epilog=EPILOG.format(pages=_pages()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"lp-hedge {VERSION}")
    _add_locations(parser, default=None)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary, add in (
        ("run", "the service; on a fresh machine the demo", _add_run),
        ("demo", "the whole program on an embedded market, nothing real", _add_demo),
        ("init", "write hedge.toml and .env for a position of yours", _add_init),
        ("check", "preflight: one line each, ok or what to do; every setting in force", _add_check),
        ("status", "one fresh read of everything and what would be decided; trades nothing", _add_json),
        ("health", "whether the running service's hedges really turn: exit code 0, else 1", _add_json),
        ("report", "P&L by its parts, fills and fees", _add_report),
        ("backtest", "the hedge replayed over recorded prices, by the code that decides live", add_backtest),
        ("calibrate", "search recorded prices for good settings; never trades", add_calibrate),
        ("db", "copy, restore or examine the database", _add_database),
    ):
        add(_command(commands, name, summary))
    for name, (words, summary) in TWINS.items():
        _add_twin(_command(commands, name, summary), name, words)
    return parser


def parse_typed(argv: Sequence[str]) -> argparse.Namespace:
    """A halt that is misspelt, or has words and flags that nobody knows, is a halt; any other mistake ends with 2."""
    parser = build_parser()
    options, unknown = parser.parse_known_args(_with_halt_as_meant(argv))
    if unknown and options.command != HALT:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if unknown:
        options.words = [*options.words, *unknown]
    return options


def _with_halt_as_meant(argv: Sequence[str]) -> list[str]:
    typed = list(argv)
    at = _place_of_command(typed)
    if at is not None and typed[at] != HALT and is_meant_as_halt(typed[at]):
        sys.stderr.write(f"I took {typed[at][:SHOWN_CHARS]!r} for {HALT}.\n")
        typed[at] = HALT
    return typed


def _place_of_command(typed: Sequence[str]) -> int | None:
    """Of the first word that is neither a flag nor the file after one."""
    at = 0
    while at < len(typed) and typed[at].startswith("-"):
        at += 2 if typed[at] in LOCATIONS else 1
    return at if at < len(typed) else None


def _pages() -> Path:
    """Where README.md and docs/ are: brought by the package, else in the folder of the source."""
    brought = Path(sys.prefix) / "share" / "lp-hedge"
    return brought if (brought / "docs").is_dir() else Path(__file__).resolve().parents[1]


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
    )
    _add_locations(parser, default=argparse.SUPPRESS)
    return parser


def _add_locations(parser: argparse.ArgumentParser, default: str | None) -> None:
    """On the program and on each command, so that both orders work; a command's default must not undo the first."""
    parser.add_argument("--config", type=Path, metavar="FILE", default=default, help="default ./hedge.toml")
    parser.add_argument("--db", type=Path, metavar="FILE", default=default, help="default ./data/lp_hedge.db")
    parser.add_argument("--env-file", type=Path, metavar="FILE", default=default, help="default ./.env")


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_withdrawal_key(parser)
    parser.add_argument("--log-format", choices=("text", "json"), help="of each log line, default text")
    parser.add_argument(
        "--log-file",
        type=Path,
        metavar="FILE",
        help="log there too, with rotation; default: none, at a terminal lp_hedge.log beside the database",
    )
    parser.set_defaults(**_DEMO_DEFAULTS)


_DEMO_DEFAULTS = {"hours": None, "speed": 60.0, "fast": False, "seed": 0, "approvals": "ask", "json": False}


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hours", type=_up_to(24 * LONGEST_DAYS), metavar="H", help="stop after so many hours of market time"
    )
    pace = parser.add_mutually_exclusive_group()
    pace.add_argument("--speed", type=_speed, default=60.0, metavar="X", help="times real time, default 60")
    pace.add_argument("--fast", action="store_true", help="as fast as it goes")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="another stretch of the market")
    parser.add_argument(
        "--approvals",
        choices=("ask", "approve", "reject", "ignore"),
        default="ask",
        help="who answers large hedges: you, or always the same answer",
    )
    _add_json(parser)


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--chain", help="ethereum, bsc, arbitrum, base, optimism or polygon")
    parser.add_argument("--id", type=_up_to(LARGEST_TOKEN_ID), metavar="N", help="the LP position's token id")
    parser.add_argument("--symbol", help="the perpetual, such as BNBUSDT")
    parser.add_argument("--amm", choices=("uniswap_v3", "pancakeswap_v3"), help="default: as usual on that chain")
    parser.add_argument("--rpc", metavar="URL", help="a node of that chain, written to .env")
    parser.add_argument(
        "--telegram", action="store_true", help="only show the numeric ids of who writes to the bot, and keep yours"
    )


def _add_check(parser: argparse.ArgumentParser) -> None:
    _add_withdrawal_key(parser)
    _add_json(parser)


def _add_withdrawal_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-withdrawal-key", action="store_true", help="accept an API key that may withdraw (better: make another)"
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for machines")


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=_up_to(LONGEST_DAYS), default=1, metavar="N", help="how far back, default 1")
    parser.add_argument("--by", choices=("day", "week", "month"), help="the same for each of them, in your time zone")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write every fill there")
    parser.add_argument("--parts", type=Path, metavar="FILE", help="write the parts of the P&L there as CSV")
    _add_json(parser)


def _add_database(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    backup = actions.add_parser("backup", help="a consistent copy while the service runs")
    _add_locations(backup, default=argparse.SUPPRESS)
    backup.add_argument("file", type=Path, metavar="FILE")
    restore = actions.add_parser("restore", help="put such a copy in the place of the database, while nothing runs")
    _add_locations(restore, default=argparse.SUPPRESS)
    restore.add_argument("file", type=Path, metavar="FILE")
    _add_locations(actions.add_parser("check", help="integrity, and the journal against itself"), argparse.SUPPRESS)


def _add_twin(parser: argparse.ArgumentParser, name: str, words: Sequence[str]) -> None:
    fewest = sum(not word.startswith("[") for word in words)
    parser.usage = f"lp-hedge {name} {' '.join(words)}"
    most = None if "..." in words[-1] or name == HALT else len(words)
    parser.add_argument("words", nargs="*", action=_WordCount, fewest=fewest, most=most, metavar=" ".join(words))
    if name in MAY_TRADE_AT_ONCE:
        parser.add_argument("--yes", action="store_true", help="do not ask whether you mean it")


class _WordCount(argparse.Action):
    """Words of which at least `fewest` and at most `most` must be there; argparse itself knows no such range."""

    def __init__(self, option_strings: Sequence[str], dest: str, *, fewest: int, most: int | None, **more: Any) -> None:
        super().__init__(option_strings, dest, **more)
        self._fewest, self._most = fewest, most

    def __call__(
        self, parser: argparse.ArgumentParser, options: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        words = [str(value) for value in values] if isinstance(values, list) else []
        if len(words) < self._fewest:
            parser.error(f"it needs {self.metavar}")
        if self._most is not None and len(words) > self._most:
            parser.error(f"too many words: {' '.join(words[self._most :])}")
        setattr(options, self.dest, words)


def _up_to(most: int) -> Callable[[str], int]:
    """A whole number of at least 1 and at most `most`."""

    def whole(text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
        if not digits or not 1 <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from 1 to {most}")
        return int(text)

    return whole


def _speed(text: str) -> float:
    return number(text, "a speed between 0 and 100000", lambda speed: 0 < speed <= 100_000)
