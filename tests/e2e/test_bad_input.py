"""Whatever is set wrongly ends as an exit code and one sentence, or as a suspension that the phone hears of."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from storage.lock import InstanceLock
from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage
from tests.rigs.chain import faults as node_faults
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.secrets import NODE_KEY
from tests.rigs.telegram.rig import TelegramRig
from tests.rigs.venue import Credentials
from tests.rigs.venue.faults import ANY, rate_limited_429, unavailable_503_plain

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
# As many processes starting at once on a busy machine.
TEN_STARTS_S = 120.0
Spoil = Callable[[Stage], None]
SUSPENDED = "hedging suspended"


def complaint(stage: Stage, code: int, command: str = "run") -> str:
    """The one sentence on stderr of a command that ends with `code`; no trace, no secret."""
    done = stage.call(command)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert done.stderr.startswith("lp-hedge: "), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def complaints(stage: Stage, cases: Sequence[tuple[Spoil, str]], code: int) -> None:
    """Each mistake in a folder of its own, a few at a time; every sentence has its words, and nothing was traded."""

    def say(number: int) -> str:
        spoil, words = cases[number]
        branch = stage.branch(f"case{number}")
        spoil(branch)
        said = complaint(branch, code)
        return "" if words in said else f"{words!r} is not in {said!r}"

    with ThreadPoolExecutor(3) as pool:
        assert [fault for fault in pool.map(say, range(len(cases))) if fault] == []
    assert stage.orders_sent() == 0


def setting(settings: Mapping[str, str]) -> Spoil:
    return lambda stage: stage.configure(settings)


def surrounded(environment: Mapping[str, str]) -> Spoil:
    return lambda stage: stage.configure({}, environment)


def rewritten(change: Callable[[str], str]) -> Spoil:
    def spoil(stage: Stage) -> None:
        stage.configuration.write_text(change(stage.configuration.read_text()))

    return spoil


# -- hedge.toml ----------------------------------------------------------------------------------------------------

MISTAKES_IN_A_HEDGE = [
    ({"delta_bnd_quote": "5"}, "delta_bnd_quote is not a known setting: did you mean delta_band_quote?"),
    ({"hedge_ratio": "1.5"}, "hedge_ratio = 1.5 is not allowed: it must be at most 1."),
    ({"poll_seconds": '"soon"'}, "poll_seconds"),
    ({"delta_band_quote": "0", "delta_band_pct": "0"}, "all bands are off"),
    ({"lp_position_ids": "[]"}, "lp_position_ids"),
    ({"lp_position_ids": "[-4]"}, "lp_position_ids"),
    ({"max_position_notional": "0"}, "max_position_notional is required in live mode"),
    ({"chain": '"moon"'}, 'hedges.eth: chain "moon" is not known: The presets are ethereum'),
    ({"amm_type": '"uniswap_v2"'}, '"uniswap_v3" or "pancakeswap_v3"'),
    ({"amm_type": '"pancakeswap_v3"'}, "position_managers.pancakeswap_v3"),
    ({"amm_type": '"sushiswap_v3"'}, "position_managers of [chains.local]"),
    ({"api_secret": '"hidden-in-the-wrong-file"'}, "secrets and endpoints belong in .env"),
    ({"max_order_quote": "1"}, "max_order_quote"),
    ({"max_order_size": '"0.00001"'}, "max_order_size"),
]
MISTAKES_IN_THE_FILE: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text + "poll_seconds = = 3\n", "is not valid TOML"),
    (lambda text: text.partition("[hedges.eth]")[0], "no [hedges.NAME] block"),
    (lambda text: text.replace('mode = "live"', 'mode = "real"'), 'mode = "real" is not allowed'),
    (lambda text: 'timezone = "Mars/Olympus"\n' + text, "Mars/Olympus"),
    (lambda text: text + "[hedges.two]" + text.partition("[hedges.eth]")[2], "share the symbol ETHUSDT"),
    (lambda text: text.replace("[hedges.eth]", "[hedges.Ether-1]"), "use 1 to 16 of a-z, 0-9 and _"),
]


def test_a_wrong_setting_ends_with_2_and_names_itself(stage: Stage) -> None:
    """Key, value and what is allowed, before anything was asked or written."""
    complaints(stage, [(setting(settings), words) for settings, words in MISTAKES_IN_A_HEDGE], 2)


def test_a_broken_file_ends_with_2_and_says_where(stage: Stage) -> None:
    """Also `check` and `status` say it so, and none of them leaves a database behind."""
    complaints(stage, [(rewritten(spoil), words) for spoil, words in MISTAKES_IN_THE_FILE], 2)
    rewritten(MISTAKES_IN_THE_FILE[0][0])(stage)
    for command in ("check", "status"):
        assert "is not valid TOML" in complaint(stage, 2, command)
    stage.configuration.unlink()
    assert f"no configuration at {stage.configuration}" in complaint(stage, 2)
    assert not stage.database.exists()


def undeployed(stage: Stage) -> None:
    """A preset chain, at whose node nobody looks: the configuration alone tells."""
    stage.configure(
        {"chain": '"optimism"', "amm_type": '"pancakeswap_v3"'}, {"OPTIMISM_RPC_URL": f"{stage.proxy.url}/{NODE_KEY}"}
    )


def test_an_amm_that_is_not_deployed_there_is_refused_by_name(stage: Stage) -> None:
    """Before its chain is asked anything but its id."""
    preset = rewritten(lambda text: text + f"[chains.optimism]\nchain_id = {stage.chain.chain_id}\n")

    def spoil(stage: Stage) -> None:
        undeployed(stage)
        preset(stage)

    complaints(stage, [(spoil, "pancakeswap_v3 is not deployed on optimism, only on ethereum, bsc")], 2)


MISTAKES_IN_THE_ENVIRONMENT = [
    ({"LOCAL_RPC_URL": ""}, "LOCAL_RPC_URL is not set"),
    ({"LOCAL_RPC_URL": "node.example/sekret"}, "LOCAL_RPC_URL must be an address"),
    ({"LOCAL_WS_URL": "https://node.example/sekret"}, "LOCAL_WS_URL must be an address that begins with ws://"),
    ({"LOCAL_WS_URL": "wss:///sekret"}, "LOCAL_WS_URL must be an address"),
    ({"LOCAL_WS_URL": "ws://127.0.0.1:99999/sekret"}, "LOCAL_WS_URL must be an address whose port is a number"),
    ({"LOCAL_RPC_URL": "http://127.0.0.1:99999/sekret"}, "LOCAL_RPC_URL must be an address whose port is a number"),
    ({"BINANCE_API_KEY": "", "BINANCE_API_SECRET": ""}, 'mode = "live" needs BINANCE_API_KEY and BINANCE_API_SECRET'),
    ({"BINANCE_API_SECRET": ""}, "belong together"),
    ({"TELEGRAM_OPERATOR_IDS": ""}, "TELEGRAM_OPERATOR_IDS must list"),
    ({"TELEGRAM_OPERATOR_IDS": "@anna"}, "TELEGRAM_OPERATOR_IDS"),
    ({"TELEGRAM_BOT_TOKEN": ""}, "there is nobody to ask"),
    ({"TELEGRAM_API_URL": "telegram"}, "TELEGRAM_API_URL must be an address"),
    ({"BINANCE_FUTURES_URL": "ftp://sekret"}, "BINANCE_FUTURES_URL must be an address"),
    ({"LP_HEDGE_LOG_LEVEL": "loud"}, "LP_HEDGE_LOG_LEVEL"),
    ({"LP_HEDGE_DB": "/proc/nowhere/x.db"}, "/proc/nowhere/x.db"),
]


def test_a_wrong_environment_ends_with_2_and_names_the_variable(stage: Stage) -> None:
    """No value that may hold a key is repeated."""
    complaints(stage, [(surrounded(values), words) for values, words in MISTAKES_IN_THE_ENVIRONMENT], 2)


def test_a_mistake_in_the_env_file_is_found_as_well(stage: Stage) -> None:
    """`.env` beside the configuration is read like the environment."""
    (stage.folder / ".env").write_text("LP_HEDGE_HEARTBEAT_URL=sekret\n")
    said = complaint(stage, 2)
    assert "LP_HEDGE_HEARTBEAT_URL must be an address" in said
    assert "sekret" not in said


# -- what the world refuses ------------------------------------------------------------------------------------------


def burnt(stage: Stage) -> None:
    position_id = stage.chain.mint_position(stage.pool, 1800, 2200, base=1, quote=2000)
    stage.chain.burn(position_id)
    stage.configure({"lp_position_ids": f"[{position_id}]"})


def without_a_stable(stage: Stage) -> None:
    text = stage.configuration.read_text()
    stage.configuration.write_text(
        text.replace(f'stables = ["{stage.pool.quote.address}"]', f'stables = ["0x{"5" * 40}"]')
    )


def no_such_manager(stage: Stage) -> None:
    text = stage.configuration.read_text()
    stage.configuration.write_text(text.replace(stage.chain.manager.address, "0x" + "9" * 40))


FARM = f'farms = {{ uniswap_v3 = "0x{"6" * 40}" }}\n[hedges.eth]'
REFUSALS: dict[str, tuple[Spoil, str]] = {
    "symbol": (setting({"symbol": '"NOPEUSDT"'}), "no symbol NOPEUSDT"),
    "other asset": (setting({"symbol": '"BNBUSDT"'}), "BNBUSDT does not look like the perpetual of WETH"),
    "position": (setting({"lp_position_ids": "[987654]"}), "position 987654 of hedge eth never existed"),
    "burnt": (burnt, "none of the positions exists any more"),
    "pool": (setting({"pool_id": f'"{"0x" + "7" * 40}"'}), "there is no contract at 0x7777"),
    "stable": (without_a_stable, "stables in [chains.local]"),
    "chain": (rewritten(lambda text: text.replace("chain_id = 31337", "chain_id = 56")), "LOCAL_RPC_URL or chain_id"),
    "manager": (no_such_manager, "position manager"),
    "farm": (rewritten(lambda text: text.replace("[hedges.eth]", FARM)), "correct farms in [chains.local]"),
    "key": (surrounded({"BINANCE_API_KEY": "another-key"}), "BINANCE_API_KEY"),
    "secret": (surrounded({"BINANCE_API_SECRET": "another-secret"}), "BINANCE_API_SECRET"),
}

UNREACHABLE: dict[str, tuple[Spoil, str]] = {
    "port": (surrounded({"BINANCE_FUTURES_URL": "http://127.0.0.1:9"}), "connection could not be made"),
    "host": (surrounded({"BINANCE_FUTURES_URL": "http://no-such-host.invalid"}), "connection could not be made"),
}


def test_what_exchange_or_chain_refuse_ends_with_3(stage: Stage) -> None:
    """A key, symbol, position, pair or chain that is not what the configuration says, while nothing is held."""
    complaints(stage, list(REFUSALS.values()), 3)


@pytest.fixture
def phones() -> Iterator[Callable[[], TelegramRig]]:
    """More operators' phones, each with a bot of its own."""
    with ExitStack() as stack:

        def phone() -> TelegramRig:
            rig = stack.enter_context(TelegramRig())
            rig.add_chat(OPERATOR)
            return rig

        yield phone


def hold_a_short(stage: Stage) -> None:
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        stage.telegram.wait_message(OPERATOR, "SELL", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


def test_the_same_while_a_short_is_held_is_told_on_the_phone(stage: Stage, phones: Callable[[], TelegramRig]) -> None:
    """Nobody looks at a terminal then: the program starts, stays suspended, and says why; a malformed file ends it."""
    hold_a_short(stage)
    orders = stage.orders_sent()
    mistakes = {
        name: REFUSALS[name] for name in ("symbol", "other asset", "position", "chain", "key", "secret")
    } | UNREACHABLE
    mistakes["amm"] = (setting({"amm_type": '"pancakeswap_v3"'}), "position_managers.pancakeswap_v3")
    mistakes["moon"] = (setting({"chain": '"moon"'}), 'chain "moon" is not known')
    stage.venue.limits.weight.seconds = 10  # ten programs share one address's request limit
    with ExitStack() as stack:
        told = []
        for name, (spoil, words) in mistakes.items():
            branch = stage.branch(name, telegram=phones())
            branch.configure({"poll_seconds": "10"})
            spoil(branch)
            told.append((branch, stack.enter_context(Service(branch)), words))
        for branch, service, words in told:
            alert = branch.telegram.wait_message(OPERATOR, SUSPENDED, timeout_s=TEN_STARTS_S)
            assert words in alert.text
            assert service.stop() == 0, service.output()
    assert stage.orders_sent() == orders
    stage.configure({"hedge_ratio": "7"})
    assert "hedge_ratio = 7" in complaint(stage, 2)


def test_one_bad_hedge_does_not_stop_the_others(stage: Stage) -> None:
    """Beside a hedge whose position never was and one whose symbol is unknown, the good one goes on."""
    hold_a_short(stage)
    held = stage.short()
    block = stage.configuration.read_text().partition("[hedges.eth]")[2]
    lost = block.replace(f"[{stage.position_id}]", "[987654]").replace("ETHUSDT", "BNBUSDT")
    nameless = block.replace(f"[{stage.position_id}]", "[1]").replace("ETHUSDT", "NOPEUSDT")
    with stage.configuration.open("a") as file:
        file.write(f"[hedges.lost]{lost}[hedges.nameless]{nameless}")
    stage.set_price(1900)
    with Service(stage, "three") as service:
        stage.telegram.wait_for(lambda: stage.short() != held, timeout_s=PATIENCE_S)
        by_name = {each["name"]: each["reason"] for each in json.loads(stage.call("status", "--json").stdout)["hedges"]}
        assert service.stop() == 0, service.output()
    assert by_name == {"eth": "within_band", "lost": "stale_chain", "nameless": "stale_venue"}


def test_a_key_that_works_again_ends_the_suspension(stage: Stage) -> None:
    """Suspended over a refused key, it can be halted from the phone, and goes on by itself once the key is good."""
    hold_a_short(stage)
    good = stage.venue.credentials
    stage.environment = {"BINANCE_API_SECRET": good.secret}
    stage.venue.credentials = Credentials(good.key, "another" * 6)
    with Service(stage, "again") as service:
        service.wait_until_up()
        assert stage.call("pause").stdout == "Paused: eth.\n"
        assert stage.call("hedge", "eth", "--yes").returncode == 1
        stage.telegram.wait_message(OPERATOR, "PAUSED", timeout_s=PATIENCE_S)
        stage.venue.credentials = good
        stage.telegram.wait_for(lambda: "reason='paused'" in service.output(), timeout_s=PATIENCE_S + 20)
        assert stage.call("resume").stdout == "Resumed: eth.\n"
        stage.telegram.wait_for(lambda: "state='READY'" in service.output(), timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()


# -- the database ----------------------------------------------------------------------------------------------------


def test_a_second_program_on_the_same_database_is_refused(stage: Stage) -> None:
    """Two would hedge twice: the second names the first and leaves."""
    with InstanceLock(stage.database):
        assert "already runs on" in complaint(stage, 2)


def test_a_database_that_is_not_ours_is_left_alone(stage: Stage) -> None:
    """Garbage, or a file of a newer version: said, and not a byte changed."""
    stage.database.write_bytes(b"this is not a database, but somebody's diary\n" * 40)
    _untouched(stage, "is not a database")
    stage.database.unlink()
    with sqlite3.connect(stage.database) as newer:
        newer.execute("PRAGMA user_version = 4711")
        newer.execute("PRAGMA application_id")
        newer.execute("CREATE TABLE meta (key TEXT)")
    newer.close()
    _untouched(stage, str(stage.database))


def _untouched(stage: Stage, words: str) -> None:
    before = stage.database.read_bytes()
    for command in ("run", "status"):
        assert words in complaint(stage, 2, command)
    assert stage.database.read_bytes() == before


# -- what comes from outside -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [401, 404])
def test_a_refused_bot_token_does_not_stop_the_hedging(stage: Stage, code: int) -> None:
    """The hedge needs no phone: it goes on, the log says what is wrong with the token, `check` what to do."""
    stage.configure(BY_ITSELF)
    stage.telegram.fault("*", times=None, code=code)
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        stage.telegram.wait_for(lambda: "token" in service.output().lower(), timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    checked = stage.call("check")
    assert checked.returncode == 3
    assert "TELEGRAM_BOT_TOKEN" in checked.stdout


def as_paper(stage: Stage, name: str, proxy: RpcProxy) -> Stage:
    """One more program without keys and phone."""
    stage.mode = "paper"
    stage.environment = dict.fromkeys(("BINANCE_API_KEY", "BINANCE_API_SECRET", "TELEGRAM_BOT_TOKEN"), "")
    return stage.branch(name, proxy=proxy)


def suspended_by_the_chain(service: Service) -> bool:
    return "reason='stale_chain'" in service.output()


def hedged(service: Service) -> bool:
    return "reason='band_exceeded'" in service.output()


def test_a_node_that_answers_nonsense_at_the_start_is_waited_for(stage: Stage) -> None:
    """Suspended, never ended and never trading on it; when the node is well again the hedge goes on by itself."""
    stage.settings = BY_ITSELF
    broken = (node_faults.GARBAGE, node_faults.HTML, node_faults.NULL_RESULT, node_faults.EMPTY_BODY)
    ills = (*broken, node_faults.EMPTY_RESULT, node_faults.RATE_LIMITED)
    with ExitStack() as stack:
        proxies = [stack.enter_context(RpcProxy(stage.chain.rpc_url)) for _ in ills]
        services = []
        for number, (proxy, ill) in enumerate(zip(proxies, ills, strict=True)):
            proxy.fault = ill
            services.append(stack.enter_context(Service(as_paper(stage, f"node{number}", proxy))))
        for service in services:
            stage.telegram.wait_for(lambda s=service: suspended_by_the_chain(s), timeout_s=PATIENCE_S)  # type: ignore[misc]
            assert not hedged(service)
        for proxy in proxies:
            proxy.fault = None
        for service in services:
            stage.telegram.wait_for(lambda s=service: hedged(s), timeout_s=PATIENCE_S)  # type: ignore[misc]
            assert service.stop() == 0, service.output()
    assert stage.orders_sent() == 0


def test_an_exchange_that_does_not_answer_at_the_start_is_waited_for(stage: Stage) -> None:
    """5xx and 429 at the first words: commands are answered meanwhile, and the hedge follows once it is back."""
    stage.configure(BY_ITSELF)
    stage.venue.faults.add(ANY, unavailable_503_plain(), times=2)
    stage.venue.faults.add(ANY, rate_limited_429(1), times=1)
    with Service(stage) as service:
        service.wait_until_up()
        assert stage.call("pause").stdout == "Paused: eth.\n"
        assert stage.call("resume").stdout == "Resumed: eth.\n"
        stage.telegram.wait_for(lambda: stage.short() > 4, timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
