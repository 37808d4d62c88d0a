"""`lp-hedge init` leaves a file that loads, with a band that suits the position, and says why."""

from __future__ import annotations

import re
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import first_config
from bot.config_file import parse_config
from bot.env_file import set_variable
from bot.first_config import Proposal, Wishes, config_text, propose, write_first_config
from core.amm.presets import ChainPreset, chain_preset
from core.clock import SystemClock
from core.config import HedgeConfig
from core.errors import ConfigurationError, LpHedgeError, Refused
from tests.bot.full_disk import no_room
from tests.e2e.conftest import chain, chain_proxy, chain_session, stage, telegram, venue
from tests.e2e.stage import Stage
from tests.hedging.positions import LIQUIDITY, position, read

__all__ = ["chain", "chain_proxy", "chain_session", "stage", "telegram", "venue"]


def wishes(**given: object) -> Wishes:
    empty: dict[str, object] = dict.fromkeys(("chain", "position_id", "symbol", "amm_type", "rpc_url"))
    return Wishes(**{**empty, **given})  # type: ignore[arg-type]


@pytest.fixture
def local(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> ChainPreset:
    """The test chain, known as if it were one of the presets."""
    config = parse_config((stage.folder / "hedge.toml").read_text(), Path("hedge.toml"))
    preset = chain_preset("local", config.chains["local"])
    monkeypatch.setattr(first_config, "chain_preset", lambda name, override: preset)
    monkeypatch.chdir(stage.folder)
    monkeypatch.setenv("BINANCE_FUTURES_URL", stage.venue.url)
    return preset


def hedge_of(stage: Stage) -> HedgeConfig:
    return HedgeConfig.model_validate(
        {"chain": "local", "amm_type": "uniswap_v3", "lp_position_ids": [stage.position_id], "symbol": "ETHUSDT"}
    )


@pytest.mark.chain
async def test_the_band_is_widened_until_trades_are_few(stage: Stage, local: ChainPreset) -> None:
    """2 % of a narrow position would trade some sixty times a day; the proposal says what it did about that.

    The test market keeps no candles, so theory has no volatility to go by.
    """
    proposal = await propose(hedge_of(stage), local, [SecretStr(stage.proxy.url)], stage.venue.url, SystemClock())
    assert proposal.band_quote > Decimal(390)
    assert any("widened until theory has at most 30 trades a day" in sentence for sentence in proposal.why)
    assert any("the volatility could not be read" in sentence for sentence in proposal.why)
    assert any("`lp-hedge calibrate`" in sentence for sentence in proposal.why)
    config = parse_config(config_text(hedge_of(stage), proposal), Path("hedge.toml"))
    assert config.hedges["eth"].band_quote == proposal.band_quote
    assert config.hedges["eth"].band_pct == 0


@pytest.mark.chain
async def test_without_the_exchange_the_position_alone_decides(stage: Stage, local: ChainPreset) -> None:
    """A blocked exchange does not keep anyone from a first file."""
    proposal = await propose(hedge_of(stage), local, [SecretStr(stage.proxy.url)], "http://127.0.0.1:9", SystemClock())
    assert proposal.band_quote == Decimal(390)
    assert proposal.perp is None and "2 % of that, rounded up: 390" in proposal.why[-1]


@pytest.mark.chain
@pytest.mark.usefixtures("local")
def test_both_files_are_written_once(stage: Stage) -> None:
    """The endpoint goes to .env, for the owner's eyes only; nothing is ever overwritten."""
    target, env = stage.folder / "new.toml", stage.folder / "new.env"
    asked = wishes(chain="local", position_id=stage.position_id, symbol="ETHUSDT", rpc_url=stage.proxy.url)
    said = write_first_config(asked, target, env)
    assert "Next: lp-hedge check" in said
    assert f"LOCAL_RPC_URL={stage.proxy.url}" in env.read_text()
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert parse_config(target.read_text(), target).hedges["eth"].lp_position_ids == (stage.position_id,)
    with pytest.raises(ConfigurationError, match="exists already"):
        write_first_config(asked, target, env)


@pytest.mark.chain
@pytest.mark.usefixtures("local")
@pytest.mark.parametrize(
    ("symbol", "sentence"),
    [("FOOUSDT", "has no symbol FOOUSDT"), ("BTCUSDT", "BTCUSDT does not look like the perpetual of WETH")],
)
def test_a_wrong_symbol_is_refused_and_nothing_written(stage: Stage, symbol: str, sentence: str) -> None:
    """A file that only `check` finds wrong would be in the way of the next try."""
    target, env = stage.folder / "new.toml", stage.folder / "new.env"
    asked = wishes(chain="local", position_id=stage.position_id, symbol=symbol, rpc_url=stage.proxy.url)
    with pytest.raises(Refused, match=sentence):
        write_first_config(asked, target, env)
    assert not target.exists() and not env.exists()


@pytest.mark.chain
@pytest.mark.usefixtures("local")
def test_a_pair_is_taken_as_people_write_it(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """ETH/USDT is ETHUSDT; what is said names the position by its number."""
    target, env = stage.folder / "new.toml", stage.folder / "new.env"
    asked = wishes(chain="local", position_id=stage.position_id, symbol="eth/usdt", rpc_url=stage.proxy.url)
    write_first_config(asked, target, env)
    assert parse_config(target.read_text(), target).hedges["eth"].symbol == "ETHUSDT"
    assert f"Position {stage.position_id}: worth" in capsys.readouterr().out
    comments = {
        line.index("  # ") for line in target.read_text().splitlines() if re.match(r"(mode|delta_|app).*#", line)
    }
    assert len(comments) == 1


@pytest.mark.chain
@pytest.mark.usefixtures("local")
def test_an_unknown_position_is_of_the_hedge_that_it_would_be(stage: Stage) -> None:
    """Not of a name that nobody gave."""
    asked = wishes(chain="local", position_id=987654, symbol="ETHUSDT", rpc_url=stage.proxy.url)
    with pytest.raises(LpHedgeError, match="position 987654 of hedge eth never existed"):
        write_first_config(asked, stage.folder / "new.toml", stage.folder / "new.env")


@pytest.mark.parametrize(("band", "asks"), [("2000", "10000"), ("13000", "26000")])
def test_the_first_trade_of_a_large_position_asks(band: str, asks: str) -> None:
    """From a tenth of the value, so long as that is two bands: 5 wide bands would let all of it pass."""
    hedge = HedgeConfig.model_validate(
        {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "ETHUSDT"}
    )
    reference = position(liquidity=LIQUIDITY * 99 // 100)
    text = config_text(hedge, Proposal(read(reference), None, Decimal(band), ()))
    assert parse_config(text, Path("hedge.toml")).hedges["eth"].approval_over_quote == Decimal(asks)


def test_what_is_missing_is_named_with_its_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal nobody can be asked."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="--chain"):
        write_first_config(wishes(), tmp_path / "hedge.toml", tmp_path / ".env")
    with pytest.raises(ConfigurationError, match="is not known"):
        write_first_config(wishes(chain="mars"), tmp_path / "hedge.toml", tmp_path / ".env")
    with pytest.raises(ConfigurationError, match="--id"):
        write_first_config(wishes(chain="bsc"), tmp_path / "hedge.toml", tmp_path / ".env")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rpc_url": "node.example/sekret"}, "--rpc must be an address that begins with http:// or https://."),
        ({"rpc_url": "wss://node.example/sekret"}, "--rpc must be an address that begins with http:// or https://."),
        ({"rpc_url": ","}, "--rpc is empty"),
        ({"chain": "polygon", "amm_type": "pancakeswap_v3"}, "pancakeswap_v3 is not deployed on polygon"),
    ],
)
def test_what_is_wrong_by_itself_is_said_before_anything_is_asked(
    given: dict[str, str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence that repeats nothing of the address; no file is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POLYGON_RPC_URL", raising=False)
    typed = {"chain": "bsc", "position_id": 7, "symbol": "BNBUSDT", **given}
    with pytest.raises(ConfigurationError) as caught:
        write_first_config(wishes(**typed), tmp_path / "hedge.toml", tmp_path / ".env")
    assert sentence in str(caught.value)
    assert "sekret" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_secrets_outlive_a_disk_without_room(tmp_path: Path) -> None:
    """What cannot be written whole leaves what was there, and no trace; what can keeps its mode."""
    env = tmp_path / ".env"
    env.write_text("BINANCE_API_SECRET=keep\n")
    env.chmod(0o640)
    with no_room(8), pytest.raises(ConfigurationError, match="cannot be written: File too large"):
        set_variable(env, "TELEGRAM_OPERATOR_IDS", "4711")
    assert (env.read_text(), list(tmp_path.iterdir())) == ("BINANCE_API_SECRET=keep\n", [env])
    set_variable(env, "TELEGRAM_OPERATOR_IDS", "4711")
    assert env.read_text() == "BINANCE_API_SECRET=keep\nTELEGRAM_OPERATOR_IDS=4711\n"
    assert (stat.S_IMODE(env.stat().st_mode), list(tmp_path.iterdir())) == (0o640, [env])
