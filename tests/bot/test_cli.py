"""The command line says what went wrong in one sentence, never a traceback, never a secret, and exits accordingly."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from bot import cli
from bot.arguments import TWINS, build_parser
from bot.commands import BY_NAME
from bot.crash_log import keep_trace
from bot.logs import LogSettings
from bot.settings import settings_at
from bot.twins import order
from core.clock import SystemClock
from core.errors import ConfigurationError, LpHedgeError, Transient
from core.hedge_memory import Remembered, to_json
from core.hedging.kernel_types import Memory
from storage.database import open_database
from storage.lock import InstanceLock
from storage.schema import MIGRATIONS
from storage.store import Store
from tests.bot.samples import T0

OURS = ("TELEGRAM_", "BINANCE_", "LP_HEDGE_", "BSC_", "POLYGON_")
ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: logging.Logger) -> Path:
    """An empty working directory and an environment without our names."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Service:
    """Stands in for a running lp-hedge: holds its lock and answers every command, or none."""

    def __init__(self, database: Path, *, answers: bool) -> None:
        self.database = database
        self.seen: list[tuple[str, tuple[str, ...], str, str]] = []
        self._answers = answers
        self._up, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Service:
        self._thread.start()
        assert self._up.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _serve(self) -> None:
        with InstanceLock(self.database):
            async with await Store.open(self.database, scope="paper:paper", clock=SystemClock()) as store:
                self._up.set()
                while not self._stop.is_set():
                    for command in await store.commands.pending() if self._answers else ():
                        self.seen.append((command.name, command.args, command.actor, command.source))
                        ok = command.args != ("nobody",)
                        answer = "Done." if ok else "There is no hedge 'nobody'."
                        await store.commands.finish(command.command_id, ok=ok, answer=answer, at=NOON)
                    await asyncio.sleep(0.01)


@pytest.fixture
def service(home: Path) -> Iterator[Service]:
    with Service(home / "data" / "lp_hedge.db", answers=True) as service:
        yield service


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` works everywhere and names its own command."""
    listed = re.findall(r"^ {4}(\w+)", build_parser().format_help(), re.MULTILINE)
    assert {"run", "demo", "init", "check", "status", "health", "report", "backtest", "calibrate", "db", *TWINS} <= set(
        listed
    )
    for command in listed:
        with pytest.raises(SystemExit) as left:
            build_parser().parse_args([command, "--help"])
        assert left.value.code == 0
        assert f"lp-hedge {command}" in capsys.readouterr().out


def test_files_may_be_named_before_or_after_the_command() -> None:
    """Nobody remembers which of the two orders a program wants."""
    parser = build_parser()
    before = parser.parse_args(["--db", "x.db", "db", "check"])
    after = parser.parse_args(["db", "check", "--db", "x.db"])
    assert before.db == after.db == Path("x.db")
    assert parser.parse_args(["status"]).db is None


@pytest.mark.parametrize(
    "typed",
    [
        [],
        ["nonsense"],
        ["pause", "a", "b"],
        ["hedge", "a", "--now"],
        ["approve"],
        ["demo", "--hours", "0"],
        ["demo", "--speed", "-1"],
        ["report", "--days", "5000000"],
        ["init", "--id", "9" * 5_000],
    ],
)
def test_wrong_usage_exits_2(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts tell wrong usage from a failure by the code; a person reads one sentence and where the rest is."""
    with pytest.raises(SystemExit) as left:
        cli.main(typed)
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("lp-hedge: ") and said.count("\n") == 1
    known = typed[:1] if typed[:1] != ["nonsense"] and "--now" not in typed else []
    assert said.endswith(f"; see {' '.join(['lp-hedge', *known])} --help\n")


@pytest.mark.parametrize("command", ["run", "check", "status"])
def test_a_named_file_that_is_missing_exits_2(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A typing error in a path must not start a demo."""
    assert cli.main([command, "--config", "mine.toml"]) == 2
    said = capsys.readouterr()
    assert "no configuration at mine.toml" in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_an_unexpected_failure_is_one_sentence_and_a_trace_on_disk(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator is spared the traceback, the mender finds it, and the key is in neither."""
    monkeypatch.setenv("BSC_RPC_URL", "https://node.example/sekret-key")

    def broken(_options: object) -> int:
        raise RuntimeError("cannot reach https://node.example/sekret-key")

    monkeypatch.setitem(cli.HANDLERS, "status", broken)
    assert cli.main(["status"]) == 1
    said = capsys.readouterr().err
    file = home / "data" / "lp_hedge-crash.log"
    trace = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "an unexpected failure ended `status`" in said
    assert "RuntimeError" not in said
    assert said.count("\n") == 1
    assert "in broken" in trace
    assert "sekret" not in said + trace


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("TELEGRAM_BOT_TOKEN", "a-token-of-no-known-shape"),
        ("BINANCE_API_KEY", "key-of-the-exchange"),
        ("BINANCE_API_SECRET", "secret-of-the-exchange"),
        ("LP_HEDGE_HEARTBEAT_URL", "https://watcher.example/ping"),
        ("BSC_RPC_URL", "https://node.example/asked"),
        ("BSC_WS_URL", "wss://node.example/heard"),
    ],
)
@pytest.mark.parametrize("error", [ConfigurationError, Transient])
def test_a_sentence_that_holds_a_secret_is_told_without_it(
    name: str,
    secret: str,
    error: type[LpHedgeError],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each of them by itself, as far as the command line's own edge."""
    others = {
        "BINANCE_API_KEY": "another-key",
        "BINANCE_API_SECRET": "another-secret",
        "BSC_RPC_URL": "https://x.example",
    }
    for variable, value in (others | {name: secret}).items():
        monkeypatch.setenv(variable, value)

    def broken(_: argparse.Namespace) -> int:
        raise error(f"nobody answers at {secret} today")

    monkeypatch.setitem(cli.HANDLERS, "status", broken)
    assert cli.main(["status"]) != 0
    assert capsys.readouterr().err == "lp-hedge: nobody answers at [secret] today\n"


def test_the_traces_of_a_crash_loop_do_not_fill_the_disk(tmp_path: Path) -> None:
    """A restart every ten seconds for days: the newest are kept, in two files of bounded size."""
    for number in range(100):
        kept = keep_trace(tmp_path / "x.db", f"{number}: " + "trace " * 6000, T0)
    newest, older = tmp_path / "lp_hedge-crash.log", tmp_path / "lp_hedge-crash.log.1"
    assert kept == f"the trace is in {newest}" and "\n99: trace" in newest.read_text()
    assert sorted(tmp_path.iterdir()) == [newest, older]
    assert all(
        file.stat().st_size < 1_100_000 and stat.S_IMODE(file.stat().st_mode) == 0o600 for file in (newest, older)
    )


def test_every_twin_is_a_command_of_the_chat() -> None:
    """Chat and terminal must not drift apart."""
    assert set(TWINS) <= set(BY_NAME)


def test_a_twin_reaches_the_running_service_and_shows_its_answer(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    """When Telegram is down, the terminal is the way in."""
    assert cli.main(["pause", "bnb"]) == 0
    assert capsys.readouterr().out == "Done.\n"
    assert cli.main(["reject", "7f3a", "too", "much"]) == 0
    assert [(name, args, source) for name, args, _, source in service.seen] == [
        ("pause", ("bnb",), "cli"),
        ("reject", ("7f3a", "too", "much"), "cli"),
    ]


def test_a_refused_command_exits_1(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """A script must not take a refusal for a success."""
    assert cli.main(["pause", "nobody"]) == 1
    assert "no hedge 'nobody'" in capsys.readouterr().out


@pytest.mark.usefixtures("service")
def test_a_trading_command_without_a_terminal_needs_yes(capsys: pytest.CaptureFixture[str]) -> None:
    """A script that flattens must have said that it means it."""
    assert cli.main(["flatten", "bnb"]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert cli.main(["flatten", "bnb", "--yes"]) == 0


def test_of_follow_only_close_needs_yes(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """To follow and to keep reduce no short; the hedge may be left out."""
    assert cli.main(["follow", "close", "bnb"]) == 2
    assert "add --yes" in capsys.readouterr().err
    assert [cli.main(["follow", *words]) for words in (["7"], ["keep", "bnb"], ["close", "--yes"])] == [0, 0, 0]
    rows = [(name, args) for name, args, *_ in service.seen]
    assert rows == [("follow", ("7",)), ("follow", ("keep", "bnb")), ("follow", ("close",))]


def test_without_a_service_nothing_is_written_but_a_halt(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An order that nobody hears must not act hours later; a halt may."""
    assert cli.main(["halt"]) == 2
    with Service(home / "data" / "lp_hedge.db", answers=True):
        pass
    assert cli.main(["hedge", "bnb", "--yes"]) == 2
    assert "no lp-hedge runs" in capsys.readouterr().err
    assert cli.main(["halt"]) == 0
    with Service(home / "data" / "lp_hedge.db", answers=True) as service:
        assert cli.main(["pause"]) == 0
    assert [name for name, *_ in service.seen] == ["halt", "pause"]


CONFIG = """
[hedges.{name}]
chain = "{chain}"
amm_type = "{amm}"
lp_position_ids = [7]
symbol = "BNBUSDT"
"""


def configured(home: Path, *, name: str = "bnb", chain: str = "bsc", amm: str = "uniswap_v3", more: str = "") -> None:
    (home / "hedge.toml").write_text(CONFIG.format(name=name, chain=chain, amm=amm) + more)


def test_a_halt_before_the_first_start_counts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Configured but never run: the halt waits in a database made for it."""
    configured(home)
    assert cli.main(["halt", "BNB"]) == 0
    assert "the next start there halts first, whatever its mode" in capsys.readouterr().out
    with Service(home / "data" / "lp_hedge.db", answers=True) as service:
        assert cli.main(["pause"]) == 0
    assert service.seen[0][:2] == ("halt", ("BNB",))


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["halt", "nope"], "I know no hedge 'nope', so all are halted."),
        (["halt", "bnb", "eth"], "I know no hedge 'eth', so all are halted."),
        (["halt", "--now", "bnb"], "I know no hedge '--now', so all are halted."),
        (["hatl"], "I took 'hatl' for halt."),
        (["--db", "data/lp_hedge.db", "/halp", "all"], "I took '/halp' for halt."),
    ],
)
def test_a_halt_that_is_not_understood_halts_everything(
    home: Path, typed: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is there to ask; what was done instead is said."""
    configured(home)
    assert cli.main(typed) == 0
    said = capsys.readouterr()
    assert says in said.out + said.err and "the next start there halts first, whatever its mode" in said.out
    with Service(home / "data" / "lp_hedge.db", answers=True) as service:
        assert cli.main(["pause"]) == 0
    words = ("all",) if typed[-1] == "all" else ()
    assert service.seen[0][:2] == ("halt", words)


def test_a_halt_where_nothing_could_start_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a configuration nor a database: there is nothing to halt."""
    (home / "hedge.toml").write_text("broken")
    assert cli.main(["halt", "bnb"]) == 2
    assert "nothing was done" in capsys.readouterr().err and not (home / "data").exists()


def test_a_stop_shows_whatever_is_wrong_with_the_files(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file's mistake is said, and first who is halted or paused."""
    configured(home)

    async def remember() -> None:
        clock = SystemClock()
        async with await Store.open(home / "data" / "lp_hedge.db", scope="paper:paper", clock=clock) as store:
            for name, kernel in (("bnb", Memory(halted=True)), ("eth", Memory(paused=True)), ("op", Memory())):
                await store.memory.save(name, to_json(Remembered(kernel=kernel)), clock.now())

    assert cli.main(["status"]) == 2
    assert capsys.readouterr().out == ""
    asyncio.run(remember())
    assert cli.main(["status"]) == 2
    said = capsys.readouterr()
    assert said.out == "bnb (paper): halted, until resume.\neth (paper): paused, until resume.\n"
    assert "BSC_RPC_URL is not set" in said.err
    (home / "hedge.toml").write_text("broken")
    assert cli.main(["halt"]) == 0
    assert cli.main(["status"]) == 2
    assert "`halt` waits to be read: the next start halts first, whatever its mode." in capsys.readouterr().out
    assert cli.main(["status", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_the_console_s_screen_is_not_flooded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody types, the log goes to a file beside the database; warnings come to the screen as well."""
    configured(home)
    options = build_parser().parse_args(["run"])
    settings = settings_at(cli._places(options))
    assert cli._log_settings(options, settings) == LogSettings()
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    beside = LogSettings(file=settings.database_path.with_name("lp_hedge.log"), screen_level="WARNING")
    assert cli._log_settings(options, settings) == beside
    named = build_parser().parse_args(["run", "--log-file", "mine.log"])
    assert cli._log_settings(named, settings).file == Path("mine.log")


def test_a_halt_needs_no_readable_configuration(home: Path) -> None:
    """What ran before is known by the database."""
    configured(home, name="old")
    with Service(home / "data" / "lp_hedge.db", answers=True):
        pass

    async def remember() -> None:
        clock = SystemClock()
        async with await Store.open(home / "data" / "lp_hedge.db", scope="paper:paper", clock=clock) as store:
            await store.memory.save("old", "{}", clock.now())

    asyncio.run(remember())
    (home / "hedge.toml").write_text("broken")
    assert [cli.main(["halt", "old"]), cli.main(["halt", "new"]), cli.main(["halt"])] == [0, 0, 0]


@pytest.mark.parametrize(
    ("chain", "amm", "more", "sentence"),
    [
        ("polygon", "pancakeswap_v3", "", "hedges.bnb: pancakeswap_v3 is not deployed on polygon, only on ethereum"),
        ("bcs", "uniswap_v3", "", 'hedges.bnb: chain "bcs" is not known: did you mean bsc? The presets are ethereum,'),
        ("moon", "uniswap_v3", "[chains.moon]\nchain_id = 7\n", "set chain_id, stables and position_managers in"),
        ("bsc", "uniswap_v3", f'[chains.bsc]\nfarms = {{ sushi = "0x{"5" * 40}" }}', "chains.bsc.farms.sushi has no"),
    ],
)
def test_a_chain_that_cannot_be_read_is_one_mistake_for_every_command(
    home: Path, chain: str, amm: str, more: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told by the configuration alone, without a node or its address."""
    configured(home, chain=chain, amm=amm, more=more)
    said = set()
    for command in ("run", "check", "status", "report"):
        assert cli.main([command]) == 2
        said.add(capsys.readouterr().err)
    (one,) = said
    assert sentence in one
    assert one.startswith("lp-hedge: hedge.toml: ")


def test_a_manager_of_ones_own_makes_an_amm_known(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then it is the endpoint that is missing."""
    mine = f'[chains.polygon]\nposition_managers = {{ pancakeswap_v3 = "0x{"5" * 40}" }}\n'
    configured(home, chain="polygon", amm="pancakeswap_v3", more=mine)
    assert cli.main(["status"]) == 2
    assert "POLYGON_RPC_URL is not set" in capsys.readouterr().err


def test_a_silent_service_is_reported(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written is not done: the difference is said."""
    monkeypatch.setattr("bot.twins.ANSWER_WITHIN_S", 0.2)
    with Service(home / "x.db", answers=False), pytest.raises(Transient, match="not answered"):
        order(home / "x.db", "halt", (), clock=SystemClock(), sure=True)


def test_the_database_of_an_older_service_that_runs_is_left_alone(home: Path) -> None:
    """Installed beside it, a newer program would else bring the schema up under its feet."""
    older, path = home / "migrations", home / "x.db"
    older.mkdir()
    for file in sorted(MIGRATIONS.iterdir())[:-1]:
        shutil.copy(file, older)

    async def schema(migrations: Path) -> int:
        async with open_database(path, now=NOON, migrations=migrations) as database:
            return int((await database.rows("PRAGMA user_version"))[0][0])

    before = asyncio.run(schema(older))
    with InstanceLock(path), pytest.raises(ConfigurationError, match="of an older version"):
        order(path, "halt", (), clock=SystemClock(), sure=True)
    assert asyncio.run(schema(older)) == before


def test_backup_and_check_of_the_database(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A copy is whole, is not written over another, and a sound file is called sound."""
    assert cli.main(["db", "check"]) == 2
    with Service(home / "data" / "lp_hedge.db", answers=True):
        assert cli.main(["db", "backup", "copy.db"]) == 0
    assert cli.main(["db", "backup", "copy.db"]) == 2
    assert cli.main(["db", "check", "--db", "copy.db"]) == 0
    assert "copy.db is sound." in capsys.readouterr().out


def test_python_m_bot_is_the_program() -> None:
    """The module runs where no script is installed, and quickly: help loads nothing heavy."""
    done = subprocess.run(
        [sys.executable, "-m", "bot", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("lp-hedge ")
    light = "import sys, bot.cli; print(sorted({'telegram', 'web3', 'binance', 'aiohttp'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", light], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


@pytest.mark.e2e
def test_run_on_a_fresh_machine_shows_the_demo_until_quit(home: Path) -> None:
    """One command and nothing configured: it says so, starts, answers, ends well, and leaves nothing behind."""
    command = [sys.executable, "-m", "bot", "run"]
    world = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=home, env=world, input="status\nquit\n", capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("No hedge.toml here, no keys, nothing stored: starting the demo")
    assert "DEMO" in done.stdout and "60 times as fast as life: a minute here is 60 min of market" in done.stdout
    assert done.stdout.count("lp-hedge stopped.") == 1
    assert not list(home.iterdir())


@pytest.mark.e2e
def test_the_stop_is_told_before_the_program_ends(home: Path) -> None:
    """Also when a signal ends it, and nobody types."""
    command = [sys.executable, "-m", "bot", "demo", "--speed", "1"]
    world = {**os.environ, "PYTHONPATH": str(ROOT)}
    running = subprocess.Popen(command, cwd=home, env=world, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    said = ""
    while "started" not in said:
        said += (line := running.stdout.readline())
        assert line, said
    running.send_signal(signal.SIGTERM)
    rest, _ = running.communicate(timeout=60)
    assert rest.count("lp-hedge stopped.") == 1


def test_standard_output_is_the_answers_alone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A warning that a library or a part of the program logs must not spoil what a script reads."""
    (home / "hedge.toml").write_text(
        'mode = "paper"\n[hedges.bnb]\nchain = "bsc"\namm_type = "pancakeswap_v3"\nlp_position_ids = [1]\n'
        'symbol = "BNBUSDT"\n'
    )
    (home / ".env").write_text("BSC_RPC_URL=http://127.0.0.1:9\nBINANCE_FUTURES_URL=http://127.0.0.1:9\n")
    (home / ".env").chmod(0o600)
    assert cli.main(["status", "--json"]) == 1
    structlog.get_logger("core.anything").warning("worth a look")
    shown = capsys.readouterr()
    assert json.loads(shown.out)["mode"] == "paper"
    assert shown.err.endswith(" WARNING core.anything: worth a look\n")
