"""What is configured is read strictly, and each mistake is one sentence that names key, value and what is allowed."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.config_file import parse_config
from bot.settings import Locations, Places, find_places, looks_like_a_first_start, settings_at
from core.errors import ConfigurationError

HEDGE = """
[hedges.bnb]
chain = "bsc"
amm_type = "pancakeswap_v3"
lp_position_ids = [123456]
symbol = "BNBUSDT_PERP"
"""
OURS = ("TELEGRAM_", "BINANCE_", "LP_HEDGE_", "BSC_")


@pytest.fixture(autouse=True)
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without files and an environment without our names."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaint(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_config(text, Path("hedge.toml"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("delta_bnd_quote = 5", "hedges.bnb.delta_bnd_quote is not a known setting: did you mean delta_band_quote?"),
        (
            "hedge_cooldown_seconds = 5",
            "hedges.bnb.hedge_cooldown_seconds is not a known setting: did you mean cooldown_",
        ),
        ("rebalance_interval = 5", "did you mean poll_seconds?"),
        ("hedge_ratio = 2", "hedges.bnb.hedge_ratio = 2 is not allowed: it must be at most 1."),
        ('leverage = "max"', 'hedges.bnb.leverage = "max" is not allowed: it must be "keep" or a whole number.'),
        ('order_type = "stop"', 'it must be "market", "limit" or "post_only".'),
        ("poll_seconds = 0.1", "hedges.bnb.poll_seconds = 0.1 is not allowed: it must be at least 0.2."),
        ("poll_seconds = nan", "hedges.bnb.poll_seconds = NaN is not allowed: it must be a number."),
        ('pool_id = "0x12"', "it must be an address, 0x and 40 hexadecimal digits."),
        ('rpc_url = "https://x"', "secrets and endpoints belong in .env (see .env.example)."),
        ("include_wallet_base = true", "hedges.bnb: include_wallet_base = true needs wallet."),
        (
            f'wallet = "0x{"0" * 40}"',
            "hedges.bnb.wallet: 0x0000000000000000000000000000000000000000 is the zero address",
        ),
        (
            'wallet = "0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095C"',
            "hedges.bnb.wallet: 0xbb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095C is mistyped",
        ),
        (
            '[chains.bsc]\nposition_managers = { x = "0x12" }',
            'chains.bsc.position_managers.x = "0x12" is not allowed: it must be an address',
        ),
        (f'[chains.bsc]\nfarms = {{ x = "0x{"0" * 40}" }}', "chains.bsc.farms.x: 0x0000"),
        ("cooldown_seconds = 1\nx", "hedge.toml is not valid TOML: Expected '=' after a key in a key/value pair"),
    ],
)
def test_a_mistake_names_the_key_the_value_and_the_cure(line: str, sentence: str) -> None:
    """Whatever is wrong in the file, the operator reads what to change."""
    said = complaint(HEDGE + line)
    assert sentence in said
    assert "\n" not in said
    assert "pydantic" not in said


@pytest.mark.parametrize("written", ["lower", "upper", "as it is"])
def test_an_address_may_be_written_in_one_case_or_with_its_checksum(written: str) -> None:
    """Only mixed case says something about the digits."""
    digits = "bb4CdB9CBd36B01bD1cBaEBF2De08d9173bc095c"
    shown = {"lower": digits.lower(), "upper": digits.upper(), "as it is": digits}[written]
    config = parse_config(f'{HEDGE}wallet = "0x{shown}"', Path("hedge.toml"))
    assert config.hedges["bnb"].wallet == f"0x{shown}"


def test_an_id_that_no_position_has_is_refused() -> None:
    """Ids are 256 bits wide; what is wider cannot even be asked for."""
    assert "hedges.bnb.lp_position_ids: no position has so large an id" in complaint(
        HEDGE.replace("123456", str(2**256))
    )
    assert parse_config(HEDGE.replace("123456", str(2**256 - 1)), Path("hedge.toml"))


def test_several_mistakes_are_told_at_once() -> None:
    """Nobody should have to start the program once per typing error."""
    said = complaint(HEDGE + 'max_retries = 99\nleverage = 0\nenabled = "so"')
    assert all(key in said for key in ("max_retries", "leverage", "enabled"))


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        ("[7]", "hedges bnb and two share position 7"),
        ('"all"', "hedges bnb and two share all of one wallet and pool"),
    ],
)
def test_two_hedges_do_not_hedge_one_position(ids: str, sentence: str) -> None:
    """Nor by naming the same wallet and pool in another case."""
    place = f'lp_position_ids = {ids}\nwallet = "0x{"a" * 40}"\npool_id = "0x{"b" * 40}"\n'
    first = re.sub(r"lp_position_ids = .*\n", place, HEDGE)
    second = first.partition("[hedges.bnb]")[2].replace("a" * 40, "A" * 40).replace("BNBUSDT", "BNBUSDC")
    assert sentence in complaint(f"{first}[hedges.two]{second}")


@pytest.mark.parametrize("text", ["", "hedges = 3", 'mode = "paper"', "[hedges]"])
def test_a_file_without_hedges_is_refused(text: str) -> None:
    """A program that hedges nothing must not look as if it ran."""
    assert "no [hedges.NAME] block" in complaint(text)


def test_numbers_keep_their_digits() -> None:
    """An amount in the file is the decimal that was typed, not its nearest float."""
    config = parse_config(HEDGE + "hedge_threshold = 0.12345678901234567890123", Path("hedge.toml"))
    assert config.hedges["bnb"].hedge_threshold == Decimal("0.12345678901234567890123")


def test_a_missing_file_says_what_to_do() -> None:
    """The first thing a new operator meets is this sentence."""
    with pytest.raises(ConfigurationError, match=r"no configuration at hedge.toml: `lp-hedge init` writes one"):
        settings_at(find_places(Locations()))


def test_flag_beats_environment_beats_env_file(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearer word wins."""
    (empty_home / "my.env").write_text("LP_HEDGE_CONFIG=a.toml\nLP_HEDGE_DB=a.db\nTELEGRAM_OPERATOR_IDS=1, 22\n")
    monkeypatch.setenv("LP_HEDGE_DB", "b.db")
    places = find_places(Locations(env_file=empty_home / "my.env"))
    assert (places.config_path, places.database_path) == (Path("a.toml"), Path("b.db"))
    assert places.around.values.telegram_operator_ids == (1, 22)
    assert find_places(Locations(db=Path("c.db"))).database_path == Path("c.db")


def test_endpoints_of_any_chain_are_found_in_order(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of one's own needs no preset to have its endpoints read."""
    (empty_home / "hedge.toml").write_text(HEDGE)
    monkeypatch.setenv("BSC_RPC_URL", "https://one.example/key1 , http://127.0.0.1:8545/")
    monkeypatch.setenv("BSC_WS_URL", "wss://one.example/ws")
    settings = settings_at(find_places(Locations()))
    assert settings.rpc_urls("bsc") == (SecretStr("https://one.example/key1"), SecretStr("http://127.0.0.1:8545"))
    assert settings.ws_url("bsc") == SecretStr("wss://one.example/ws")
    assert "https://one.example/key1" in settings.secrets()
    assert "key1" not in repr(settings)
    with pytest.raises(ConfigurationError, match="MY_CHAIN_RPC_URL is not set"):
        settings.endpoints("my-chain")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("BSC_RPC_URL", "one.example/sekret", "BSC_RPC_URL must be an address that begins with http:// or https://."),
        ("BSC_RPC_URL", "https://node.example/sek ret", "BSC_RPC_URL must be an address without blanks or control"),
        ("BSC_RPC_URL", "https://node.example/sek\tret", "BSC_RPC_URL must be an address without blanks or control"),
        ("BSC_RPC_URL", "https://node.example/sek\x07ret", "BSC_RPC_URL must be an address without blanks or control"),
        ("BINANCE_STREAM_URL", "wss://stream.example/a b", "BINANCE_STREAM_URL must be an address without blanks"),
        ("BINANCE_STREAM_URL", "wss://stream.example/ws/", "BINANCE_STREAM_URL must be an address without the path"),
        ("TELEGRAM_OPERATOR_IDS", "@anna", "TELEGRAM_OPERATOR_IDS = '@anna' is not allowed: use numeric ids such as"),
        ("TELEGRAM_CHAT_ID", "anna", "TELEGRAM_CHAT_ID = 'anna' is not allowed: use one numeric id such as -100"),
        ("LP_HEDGE_LOG_FILE_MB", "0", "LP_HEDGE_LOG_FILE_MB = '0' is not allowed: use a whole number from 1 on."),
        ("LP_HEDGE_LOG_FILE_MB", "abc", "LP_HEDGE_LOG_FILE_MB = 'abc' is not allowed: use a whole number from 1 on."),
        ("LP_HEDGE_LOG_FILES", "-1", "LP_HEDGE_LOG_FILES = '-1' is not allowed: use a whole number from 1 on."),
        ("LP_HEDGE_CLOCK", "1", "LP_HEDGE_CLOCK = '1' is not allowed: use its speed and the second since 1970"),
        ("BINANCE_API_KEY", "sekret", "BINANCE_API_KEY and BINANCE_API_SECRET belong together"),
        ("BINANCE_FUTURES_URL", "fapi", "BINANCE_FUTURES_URL must be an address"),
        ("LP_HEDGE_LOG_LEVEL", "chatty", "LP_HEDGE_LOG_LEVEL = CHATTY is not allowed: use DEBUG"),
    ],
)
def test_a_wrong_environment_names_the_variable_and_no_secret(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that may hold a key is never repeated."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        find_places(Locations())
    assert sentence in str(caught.value)
    assert "sekret" not in str(caught.value)


def test_a_list_of_push_addresses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is listened to: to take the first of two would be a silent guess."""
    monkeypatch.setenv("BSC_RPC_URL", "https://one.example")
    monkeypatch.setenv("BSC_WS_URL", "wss://one.example/sekret,wss://two.example")
    with pytest.raises(ConfigurationError) as caught:
        find_places(Locations())
    assert str(caught.value) == "BSC_WS_URL takes one address; only BSC_RPC_URL takes several, apart by commas."


def test_endpoints_that_no_hedge_reads_are_noticed_once(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped chain is otherwise found only when its node is missed."""
    (empty_home / "hedge.toml").write_text(HEDGE)
    for name in ("BSC_RPC_URL", "BSC_TEST_RPC_URL"):
        monkeypatch.setenv(name, "https://one.example")
    monkeypatch.setenv("BSC_TEST_WS_URL", "wss://one.example")
    (notice,) = settings_at(find_places(Locations())).notices
    assert notice == (
        "BSC_TEST_RPC_URL, BSC_TEST_WS_URL: set, but no hedge is on such a chain; BSC_RPC_URL and BSC_WS_URL are read."
    )


def test_an_open_env_file_and_an_unknown_name_are_noticed(empty_home: Path) -> None:
    """Keys that others can read, and a name with a typing error, do no harm unseen."""
    env = empty_home / ".env"
    env.write_text("TELEGRAM_BOT_TOKN=1\nBINANCE_API_KEY=\n")
    env.chmod(0o644)
    typo, readable = find_places(Locations()).around.notices
    assert "did you mean TELEGRAM_BOT_TOKEN?" in typo
    assert "chmod 600" in readable
    env.chmod(0o600)
    assert len(find_places(Locations()).around.notices) == 1


def test_a_file_of_secrets_is_its_owners_alone_in_live_mode(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mode and owner; on paper, where nothing is at stake, it is only said."""
    env = empty_home / ".env"
    env.write_text("BINANCE_API_KEY=k\nBINANCE_API_SECRET=s\n")
    (empty_home / "hedge.toml").write_text(f'mode = "live"\n{HEDGE}max_position_notional = 500\n')
    for mode, is_private in ((0o600, True), (0o400, True), (0o640, False), (0o602, False), (0o601, False)):
        env.chmod(mode)
        with nullcontext() if is_private else pytest.raises(ConfigurationError, match=r"chmod 600 \.env"):
            settings_at(find_places(Locations())).require_private_secrets()
    (empty_home / "hedge.toml").write_text(HEDGE)
    settings = settings_at(find_places(Locations()))
    settings.require_private_secrets()
    assert any("chmod 600" in notice for notice in settings.notices)
    env.chmod(0o600)
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    os.chown(env, 4712, -1) if os.getuid() == 0 else None
    (exposed,) = find_places(Locations()).around.notices
    assert exposed.startswith(".env belongs to another user")


def test_a_file_system_without_modes_is_no_fault_of_the_operator(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There every file seems open to all, a new one as well, and chmod changes nothing."""
    env = empty_home / ".env"
    env.write_text("LP_HEDGE_LOG_LEVEL=INFO\n")
    env.chmod(0o777)
    real = os.fstat
    with monkeypatch.context() as patch:
        patch.setattr("os.fstat", lambda handle: os.stat_result((real(handle).st_mode | 0o777, *real(handle)[1:])))
        assert find_places(Locations()).around.exposed is None
    assert find_places(Locations()).around.exposed
    assert [path.name for path in empty_home.iterdir()] == [".env"]


def test_the_spot_host_is_asked_only_beside_binances_own_futures_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key for a test network must not be sent to the real spot host."""
    assert find_places(Locations()).around.values.spot_url == "https://api.binance.com"
    monkeypatch.setenv("BINANCE_FUTURES_URL", "http://127.0.0.1:1")
    assert find_places(Locations()).around.values.spot_url == ""
    monkeypatch.setenv("BINANCE_SPOT_URL", "http://127.0.0.1:2")
    assert find_places(Locations()).around.values.spot_url == "http://127.0.0.1:2"


def test_two_exchanges_mixed_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders at one and prices of the other; an exchange of one's own that is only asked is no mixture."""

    def mixes(*, futures: str, streams: str) -> bool:
        monkeypatch.setenv("BINANCE_FUTURES_URL", futures)
        monkeypatch.setenv("BINANCE_STREAM_URL", streams)
        return find_places(Locations()).around.values.mixes_exchanges

    assert not mixes(futures="", streams="")
    assert mixes(futures="", streams="ws://127.0.0.1:1")
    assert mixes(futures="http://127.0.0.1:1", streams="wss://fstream.binance.com/")
    assert not mixes(futures="http://127.0.0.1:1", streams="ws://127.0.0.1:1")
    assert not mixes(futures="http://127.0.0.1:1", streams="")


def test_an_unencrypted_address_of_another_machine_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key or a token would go there in the clear; this machine needs no encryption against itself."""
    monkeypatch.setenv("TELEGRAM_API_URL", "http://telegram.example:8081")
    monkeypatch.setenv("BINANCE_FUTURES_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("BINANCE_STREAM_URL", "wss://stream.example")
    (notice,) = find_places(Locations()).around.notices
    assert notice.startswith("TELEGRAM_API_URL:") and "not encrypted" in notice


def first_start(places: Places, *hedges: str) -> bool:
    return looks_like_a_first_start(places, lambda: hedges)


def test_only_a_fresh_machine_gets_the_demo(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever named a file, set a key or ever ran a hedge is told what is missing instead."""
    assert first_start(find_places(Locations()))
    assert not first_start(find_places(Locations(config=Path("mine.toml"))))
    assert not first_start(find_places(Locations()), "bnb")
    monkeypatch.setenv("BINANCE_API_KEY", "k")
    monkeypatch.setenv("BINANCE_API_SECRET", "s")
    assert not first_start(find_places(Locations()))
    monkeypatch.delenv("BINANCE_API_KEY")
    monkeypatch.delenv("BINANCE_API_SECRET")
    (empty_home / "hedge.toml").write_text("")
    assert not first_start(find_places(Locations()))


def test_going_live_needs_keys_and_somebody_to_ask(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A live hedge that asks for approvals where nobody can answer would only ever wait."""
    (empty_home / "hedge.toml").write_text('mode = "live"\n' + HEDGE + "max_position_notional = 500\n")
    monkeypatch.setenv("BSC_RPC_URL", "http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="BINANCE_API_KEY"):
        settings_at(find_places(Locations())).require_runnable(has_terminal=True)
    monkeypatch.setenv("BINANCE_API_KEY", "k")
    monkeypatch.setenv("BINANCE_API_SECRET", "s")
    settings = settings_at(find_places(Locations()))
    settings.require_runnable(has_terminal=True)
    with pytest.raises(ConfigurationError, match="nobody to ask"):
        settings.require_runnable(has_terminal=False)
    assert settings.scope.startswith("live:")
    assert settings.scope != "live:k"


def test_a_token_without_operators_is_refused(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty list must never come to mean everybody."""
    (empty_home / "hedge.toml").write_text(HEDGE)
    monkeypatch.setenv("BSC_RPC_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:ABC")
    with pytest.raises(ConfigurationError, match="TELEGRAM_OPERATOR_IDS"):
        settings_at(find_places(Locations())).require_runnable(has_terminal=True)
    monkeypatch.setenv("TELEGRAM_OPERATOR_IDS", "42")
    telegram = settings_at(find_places(Locations())).telegram()
    assert telegram is not None
    assert telegram.operator_ids == frozenset({42})


def test_an_unknown_timezone_is_refused(empty_home: Path) -> None:
    """A report at a wrong hour is worse than a sentence at the start."""
    (empty_home / "hedge.toml").write_text('timezone = "Mars/Olympus"\n' + HEDGE)
    with pytest.raises(ConfigurationError, match="Mars/Olympus"):
        settings_at(find_places(Locations()))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[hedge.bnb]\nchain = "bsc"', "[hedge] is no known section: did you mean [hedges.bnb]?"),
        ('[hegdes.bnb]\nchain = "bsc"', "[hegdes] is no known section: did you mean [hedges.bnb]?"),
        ("[Hedges]\nx = 1", "[Hedges] is no known section: did you mean [hedges.NAME]?"),
        ("[hedge.two]\nx = 1" + HEDGE, "hedge is not a known setting: did you mean hedges?"),
        ("hedge = 3", "no [hedges.NAME] block"),
    ],
)
def test_a_misspelt_block_of_hedges_is_recognised(text: str, sentence: str) -> None:
    """One letter less is the likeliest mistake of all, and would else look as if there were no hedge."""
    assert sentence in complaint(text)
