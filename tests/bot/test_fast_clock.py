"""LP_HEDGE_CLOCK: honoured where everything is this machine's own, and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.environment import ChainEndpoints, Environment, Surroundings, read_environment
from bot.fast_clock import program_clock
from core.clock import PacedClock, SystemClock
from core.errors import ConfigurationError

HERE = "http://127.0.0.1:1"
CLOCK = "150@1700000000"
ELSEWHERE = {
    "BINANCE_FUTURES_URL": "https://fapi.binance.com",
    "BINANCE_STREAM_URL": "wss://fstream.binance.com",
    "BINANCE_SPOT_URL": "http://localhost.example.com",
    "TELEGRAM_API_URL": "http://localhost:1",
    "LP_HEDGE_HEARTBEAT_URL": "http://192.0.2.1/beat",
    "BSC_RPC_URL": f"{HERE},https://127.0.0.1.example.com/key",
    "BSC_WS_URL": "wss://bsc.example.com",
}


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, str]:
    """Variables that name this machine alone."""
    monkeypatch.chdir(tmp_path)
    variables = dict.fromkeys(ELSEWHERE, HERE)
    variables |= {"BINANCE_STREAM_URL": "ws://127.0.0.1:1", "BSC_WS_URL": "ws://[::1]:1", "LP_HEDGE_CLOCK": CLOCK}
    variables |= {"TELEGRAM_BOT_TOKEN": "1:x", "TELEGRAM_OPERATOR_IDS": "1"}
    return variables


def _set(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Surroundings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_environment(None)


def test_it_runs_that_much_faster_from_its_moment_on(monkeypatch: pytest.MonkeyPatch, around: dict[str, str]) -> None:
    """Whichever process asks, and however often: the same time."""
    surroundings = _set(monkeypatch, around)
    first, second = program_clock(surroundings), program_clock(surroundings)
    met = datetime.fromtimestamp(1_700_000_000, UTC)
    real = datetime.now(UTC)
    told = first.now()
    assert isinstance(first, PacedClock)
    assert abs(told - (met + 150 * (real - met))) < timedelta(seconds=150 * 30)
    assert first.speed_s == 150
    assert told <= second.now() < told + timedelta(seconds=150 * 30)


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_it_is_refused_beside_any_address_elsewhere(
    monkeypatch: pytest.MonkeyPatch, around: dict[str, str], name: str
) -> None:
    """Also beside a name, as what that leads to may change; the sentence shows nothing of the address."""
    surroundings = _set(monkeypatch, around | {name: ELSEWHERE[name]})
    with pytest.raises(ConfigurationError, match=f"LP_HEDGE_CLOCK .* but {name} may be elsewhere: remove") as refused:
        program_clock(surroundings)
    assert "example" not in str(refused.value)


@pytest.mark.parametrize("text", ["150@1", "9999@999999999999", "9999@0"])
def test_a_time_out_of_the_calendar_is_refused(
    monkeypatch: pytest.MonkeyPatch, around: dict[str, str], text: str
) -> None:
    """With a sentence, before anything begins."""
    surroundings = _set(monkeypatch, around | {"LP_HEDGE_CLOCK": text})
    with pytest.raises(ConfigurationError, match=f"LP_HEDGE_CLOCK = {text} leads out of the calendar"):
        program_clock(surroundings)


def test_defaults_are_elsewhere() -> None:
    """An exchange that nobody named is Binance itself."""
    values = Environment(lp_hedge_clock=CLOCK)
    with pytest.raises(ConfigurationError, match="BINANCE_FUTURES_URL"):
        program_clock(Surroundings(values, {}, ()))


def test_without_it_the_clock_is_the_system_s() -> None:
    """Whatever the addresses are."""
    chains = {"BSC": ChainEndpoints((SecretStr("https://bsc.example.com"),), None)}
    assert isinstance(program_clock(Surroundings(Environment(), chains, ())), SystemClock)


@pytest.mark.parametrize("text", ["fast", "150", "@1", "0@1700000000", "-1@1700000000", "1.5@1700000000"])
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, around: dict[str, str], text: str) -> None:
    """As any other value that is not allowed."""
    with pytest.raises(ConfigurationError, match="LP_HEDGE_CLOCK"):
        program_clock(_set(monkeypatch, around | {"LP_HEDGE_CLOCK": text}))
