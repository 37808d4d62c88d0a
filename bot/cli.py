"""The command line: arguments in, one exit code out. Heavy parts are loaded by the commands that need them.

Exit codes: 0 fine; 1 failed while running, or facts missing; 2 wrong usage or configuration; 3 something must be fixed.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.arguments import TWINS, build_parser, parse_typed
from bot.stopping import Stopping
from core.clock import SystemClock
from core.errors import ConfigurationError, LpHedgeError, Refused

if TYPE_CHECKING:
    from bot.logs import LogSettings
    from bot.settings import Places, Settings

OK, FAILED, WRONG, MUST_FIX, INTERRUPTED = 0, 1, 2, 3, 130

Handler = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """The border: whatever goes wrong below becomes one sentence on stderr without a secret, and a code."""
    options = parse_typed(sys.argv[1:] if argv is None else argv)
    try:
        return HANDLERS[options.command](options)
    except LpHedgeError as error:
        return _complain(options, str(error), _code_of(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `lp-hedge status | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:  # noqa: BLE001 -- the named border: a person gets a sentence, the file the trace
        return _complain(options, _unexpected(options, error), FAILED)
    finally:
        gc.enable()  # for whoever called this as a function, when `run` ended early


def run(options: argparse.Namespace) -> int:
    """Until it is stopped. What needs no network is checked first, without the heavy parts."""
    (stopping := Stopping()).heed()
    # What is imported stays: searching it for garbage again and again is a sixth of a start. `run_service` goes on.
    gc.disable()
    from bot.settings import looks_like_a_first_start, settings_at

    places = _places(options)
    if looks_like_a_first_start(places, lambda: _hedges_in(places.database_path)):
        print(
            "No hedge.toml here, no keys, nothing stored: starting the demo on an embedded market. Nothing real is "
            "traded.\n`lp-hedge init` writes a configuration for your own position.\n"
        )
        gc.enable()
        return _demo(build_parser().parse_args(["demo"], namespace=options), stopping)
    settings = settings_at(places)
    try:
        settings.require_chains()
        settings.require_private_secrets()
    except ConfigurationError:
        if not _holds_position(settings):
            raise  # else it starts suspended: a short is not left alone over a mistake
    settings.require_runnable(has_terminal=sys.stdin.isatty())
    from bot import compose  # heavy, and of no use to a mistake

    logs = _log_settings(options, settings)
    if logs.screen_level:
        print(f"The log is in {logs.file}; warnings come here too.")
    return asyncio.run(
        compose.run_service(settings, stopping, logs, allows_withdrawal_key=options.allow_withdrawal_key)
    )


def demo(options: argparse.Namespace) -> int:
    """In Telegram too when a token is configured."""
    (stopping := Stopping()).heed()
    return _demo(options, stopping)


def _demo(options: argparse.Namespace, stopping: Stopping) -> int:
    from bot import compose
    from bot.settings import DemoOptions, telegram_settings

    around = _places(options).around
    values = around.values
    demo_options = DemoOptions(
        hours=options.hours,
        speed=None if options.fast else options.speed,
        seed=options.seed,
        approvals=options.approvals,
        json=options.json,
        telegram=telegram_settings(around),
        log_level=values.lp_hedge_log_level if "lp_hedge_log_level" in values.model_fields_set else "WARNING",
    )
    return asyncio.run(compose.run_demo(demo_options, stopping))


def status(options: argparse.Namespace) -> int:
    """1 when facts are missing, or there is no hedge to read."""
    from bot.settings import settings_at

    try:
        settings = settings_at(_places(options))
        settings.require_chains()
    except ConfigurationError:
        if not options.json:
            _tell_stops(options)
        raise
    _warn_on_stderr(settings)
    from bot import compose
    from bot.rendering.markup import plain
    from bot.rendering.status import Service, status_text
    from bot.report import stored_funding
    from bot.status_json import facts_are_missing, status_json

    statuses = asyncio.run(compose.read_status(settings))
    if options.json:
        print(status_json(settings.config.mode, statuses))
    else:
        now, funding = SystemClock().now(), asyncio.run(stored_funding(settings))
        service = Service(compose.service_runs(settings))
        text = status_text(
            statuses, mode=settings.config.mode, now=now, zone=settings.zone, funding=funding, service=service
        )
        print(plain(text))
    return FAILED if not statuses or any(map(facts_are_missing, statuses)) else OK


def check(options: argparse.Namespace) -> int:
    """3 when something must be fixed."""
    from bot.settings import settings_at

    settings = settings_at(_places(options))
    settings.require_known_contracts()
    _warn_on_stderr(settings)
    from bot import preflight

    found = asyncio.run(preflight.examine(settings, allow_withdrawal_key=options.allow_withdrawal_key))
    print(preflight.report_json(found) if options.json else preflight.report_text(found))
    return MUST_FIX if found.must_fix else OK


def init(options: argparse.Namespace) -> int:
    """Two files, or with `--telegram` only the operators' ids."""
    from bot import first_config

    env_file = options.env_file or Path(".env")
    if options.telegram:
        places = _places(options)
        first_config.find_operators(places.around, env_file, places.database_path)
        return OK
    wishes = first_config.Wishes(
        chain=options.chain, position_id=options.id, symbol=options.symbol, amm_type=options.amm, rpc_url=options.rpc
    )
    target = options.config or Path("hedge.toml")
    print(first_config.write_first_config(wishes, target, env_file))
    return OK


def twin(options: argparse.Namespace) -> int:
    """A row that the running service carries out; 1 when its answer is no."""
    from bot import twins

    sure, places = getattr(options, "yes", False), _places(options)
    ok, answer = twins.order(
        places.database_path,
        options.command,
        options.words,
        clock=SystemClock(),
        sure=sure,
        hedges=lambda: _hedge_names(places),
    )
    print(answer)
    return OK if ok else FAILED


def health(options: argparse.Namespace) -> int:
    """0 or 1, also when the files cannot be read: Docker keeps every other code of a health check for itself."""
    from bot.database_place import database_path  # asked every minute: nothing heavy here
    from bot.pulse import Seen, look, seen_json

    try:
        seen = look(database_path(options.db, options.env_file), SystemClock())
    except ConfigurationError as error:
        seen = Seen(False, f"Health: {error}")
    print(seen_json(seen) if options.json else seen.says)
    return OK if seen.turns else FAILED


def report(options: argparse.Namespace) -> int:
    """The files are written all or none, before anything is printed."""
    from bot.report import book_since
    from bot.report_json import report_json
    from bot.report_tables import require_tables, write_tables
    from bot.report_text import report_text
    from bot.settings import settings_at

    places, now = _places(options), SystemClock().now()
    settings = settings_at(places)
    settings.require_known_contracts()
    require_tables(options.csv, options.parts, (places.database_path, places.config_path, places.around.file))
    book = asyncio.run(book_since(settings, now - timedelta(days=options.days), by=options.by))
    write_tables(book, options.csv, options.parts)
    print(report_json(book, settings.config.mode) if options.json else report_text(book))
    return OK


def backtest(options: argparse.Namespace) -> int:
    """How long it took goes to stderr, so that the same run prints the same."""
    from bot.backtest.run import backtest as run_backtest

    result = run_backtest(options, _places(options), SystemClock())
    print(result.text)
    print(f"{result.bars:,} bars in {result.spent_s:.2f} s", file=sys.stderr)
    return OK


def database(options: argparse.Namespace) -> int:
    """`db backup`, `db restore`, or `db check`, which is 3 for a fault and 0 for a note."""
    from bot.database_command import backed_up, examined, restored

    path, now = _places(options).database_path, SystemClock().now()
    match options.action:
        case "backup":
            print(backed_up(path, options.file, now))
        case "restore":
            print(restored(path, options.file, now))
        case "check":
            text, has_fault = examined(path, now)
            print(text)
            return MUST_FIX if has_fault else OK
    return OK


def calibrate(options: argparse.Namespace) -> int:
    """Prints what it found; `hedge.toml` is left as it is."""
    from bot.calibrate.run import calibrate as search_settings

    print(search_settings(options, _places(options), SystemClock()))
    return OK


HANDLERS: dict[str, Handler] = {
    "run": run,
    "demo": demo,
    "init": init,
    "check": check,
    "status": status,
    "health": health,
    "report": report,
    "backtest": backtest,
    "db": database,
    "calibrate": calibrate,
    **dict.fromkeys(TWINS, twin),
}


def _places(options: argparse.Namespace) -> Places:
    from bot.settings import Locations, find_places

    return find_places(Locations(options.config, options.db, options.env_file))


def _warn_on_stderr(settings: Settings) -> None:
    """Standard output is the answer's alone."""
    from bot.logs import LogSettings, configure_logs
    from bot.redaction import Redactor

    configure_logs(LogSettings("WARNING"), Redactor(settings.secrets()))


def _log_settings(options: argparse.Namespace, settings: Settings) -> LogSettings:
    from bot.logs import LogSettings

    values = settings.around.values
    file = options.log_file or values.lp_hedge_log_file
    is_console = _is_console(settings)
    return LogSettings(
        level=values.lp_hedge_log_level,
        shape=options.log_format or values.lp_hedge_log_format,
        file=file or (settings.database_path.with_name("lp_hedge.log") if is_console else None),
        screen_level="WARNING" if is_console else None,
        file_mb=values.lp_hedge_log_file_mb,
        files=values.lp_hedge_log_files,
    )


def _is_console(settings: Settings) -> bool:
    """Somebody types where the log lines would come: they go beside the database then."""
    return sys.stderr.isatty() and sys.stdin.isatty() and settings.telegram() is None


def _hedge_names(places: Places) -> tuple[str, ...]:
    """Those of the configuration; where it cannot be read, those that the database remembers."""
    from bot.config_file import read_config

    try:
        return tuple(read_config(places.config_path).hedges)
    except ConfigurationError:
        return _hedges_in(places.database_path)


def _holds_position(settings: Settings) -> bool:
    """As the journal of this mode says, whichever version of the program wrote it."""
    from storage.store import Store

    path, scope = settings.database_path, settings.scope_if_known

    async def ask() -> bool:
        store = await Store.open_existing(path, scope=scope, clock=SystemClock(), of_any_age=True)
        if store is None:
            return False
        async with store:
            return await store.holds_position()

    return asyncio.run(ask())


def _hedges_in(database_path: Path) -> tuple[str, ...]:
    from storage.memory import remembered_hedges

    return asyncio.run(remembered_hedges(database_path, now=SystemClock().now()))


def _tell_stops(options: argparse.Namespace) -> None:
    """Halted or paused shows whatever else fails; a database that cannot be read is not what is to be mended first."""
    from bot.stops_on_disk import stops_on_disk

    with suppress(LpHedgeError):
        for stop in asyncio.run(stops_on_disk(_database_path(options), SystemClock())):
            print(stop)


def _code_of(error: LpHedgeError) -> int:
    match error:
        case ConfigurationError():
            return WRONG
        case Refused():
            return MUST_FIX
    return FAILED


def _complain(options: argparse.Namespace, sentence: str, code: int) -> int:
    print(f"lp-hedge: {_without_secrets(options, sentence)}", file=sys.stderr)
    return code


def _unexpected(options: argparse.Namespace, error: Exception) -> str:
    """Also writes the trace beside the database, for whoever mends the program."""
    from bot.crash_log import keep_trace

    trace = "".join(traceback.format_exception(error))
    kept = keep_trace(_database_path(options), _without_secrets(options, trace), SystemClock().now())
    return f"an unexpected failure ended `{options.command}`: a fault of this program; {kept}."


def _database_path(options: argparse.Namespace) -> Path:
    try:
        return _places(options).database_path
    except ConfigurationError:  # what names it cannot be read
        return options.db or Path("data/lp_hedge.db")


def _without_secrets(options: argparse.Namespace, text: str) -> str:
    from bot.redaction import Redactor
    from bot.settings import secrets_of

    try:
        secrets = secrets_of(_places(options).around)
    except ConfigurationError:  # nothing could be read, so there is nothing of it to hide
        secrets = ()
    return Redactor(secrets).redact(text)
