"""`lp-hedge check` against the real protocols: what is wrong is said, with what to do, and exits 3."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from tests.e2e.conftest import chain, chain_proxy, chain_session, stage, telegram, venue
from tests.e2e.stage import Stage

__all__ = ["chain", "chain_proxy", "chain_session", "stage", "telegram", "venue"]
pytestmark = pytest.mark.chain


def checks(stage: Stage, *arguments: str, code: int) -> dict[str, list[tuple[str, str]]]:
    """subject -> (verdict, detail)."""
    done = stage.call("check", "--json", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(done.stdout)["checks"]:
        found.setdefault(each["subject"], []).append((each["verdict"], each["detail"]))
    return found


def test_a_good_configuration_passes_with_a_line_for_everything(stage: Stage) -> None:
    """Node, position, clock, symbol, key, account, band, pace, room and Telegram each have their line."""
    found = checks(stage, code=0)
    for subject in ("eth: node", "eth: LP", "exchange clock", "eth: symbol", "exchange key", "ETHUSDT account",
                    "market stream", "account stream", "eth: basis", "eth: band", "eth: pace", "eth: room",
                    "telegram"):  # fmt: skip
        assert subject in found, found
    assert any("assumed" in detail for _, detail in found["eth: pace"])
    ((_, addresses),) = found["exchange addresses"]
    assert f"BINANCE_STREAM_URL {stage.venue.stream_url} (set)" in addresses
    ((_, defaults),) = found["eth: defaults"]
    assert "close_when_no_lp = true (without liquidity the short is closed after the grace)" in defaults


def test_a_node_of_another_chain_is_named(stage: Stage) -> None:
    """An address of the wrong chain would read somebody else's position."""
    file = stage.folder / "hedge.toml"
    file.write_text(file.read_text().replace("chain_id = 31337", "chain_id = 56"))
    ((verdict, detail),) = checks(stage, code=3)["eth: LP"]
    assert verdict == "fix"
    assert "LOCAL_RPC_URL" in detail


def test_what_must_be_fixed_is_said_last_again(stage: Stage) -> None:
    """Seventy settings in force push the first lines off the screen; each says which file it is from."""
    stage.settings = {"lp_position_ids": "[987654]"}
    stage.write_configuration()
    (stage.folder / ".env").write_text("LP_HEDGE_LOG_FILES=7\n")
    (stage.folder / ".env").chmod(0o600)
    done = stage.call("check")
    *_, fix, verdict = done.stdout.rstrip().splitlines()
    assert fix.startswith("FIX   eth: LP") and "987654" in fix and verdict == "1 to fix before `lp-hedge run`."
    assert re.search(r"LP_HEDGE_LOG_FILES +7  \(.env\)", done.stdout)
    assert re.search(r"LOCAL_RPC_URL +1 set  \(environment\)", done.stdout)


def test_a_position_that_never_existed_is_said(stage: Stage) -> None:
    """A digit too many in the id is the most likely mistake of all."""
    stage.settings = {"lp_position_ids": "[987654]"}
    stage.write_configuration()
    ((verdict, detail),) = checks(stage, code=3)["eth: LP"]
    assert verdict == "fix"
    assert "987654" in detail


def test_a_silent_node_hides_nothing_else(stage: Stage) -> None:
    """One part that cannot be examined does not keep the others from it."""
    stage.environment = {"LOCAL_RPC_URL": "http://127.0.0.1:9"}
    found = checks(stage, code=3)
    assert found["eth: LP"][0][0] == "fix"
    assert found["telegram"][0][0] == "ok"
    assert found["ETHUSDT account"][0][0] == "ok"


def test_a_key_that_may_withdraw_is_refused_unless_allowed(stage: Stage) -> None:
    """A stolen key must not be able to take the money away."""
    stage.venue.exchange.permissions = {"enableWithdrawals": True}
    refused = checks(stage, code=3)["exchange key"]
    assert any(verdict == "fix" and "withdraw" in detail for verdict, detail in refused)
    allowed = checks(stage, "--allow-withdrawal-key", code=0)["exchange key"]
    assert ("warn", "it may withdraw: take that right away at Binance") in allowed


def test_the_position_mode_is_named(stage: Stage) -> None:
    """Either will do, and neither is ever switched by us."""
    stage.venue.exchange.set_hedge_mode(True)
    assert any("hedge mode" in detail for verdict, detail in checks(stage, code=0)["ETHUSDT account"])


def test_wrong_keys_are_one_sentence_without_the_key(stage: Stage) -> None:
    """Refused credentials are named, never shown."""
    stage.environment = {"BINANCE_API_KEY": "wrong-and-sekret"}
    found = checks(stage, code=3)
    assert found["exchange account"][0][0] == "fix"
    assert "sekret" not in json.dumps(found)


def test_a_wrong_symbol_shows_by_its_price(stage: Stage) -> None:
    """Hedging one coin with another's perpetual is caught by prices that have nothing in common."""
    stage.venue.exchange.set_price("ETHUSDT", Decimal(600))
    assert checks(stage, code=3)["eth: basis"][0][0] == "fix"


def test_an_approval_limit_under_the_band_is_warned_of(stage: Stage) -> None:
    """Who set it so will be asked about everything, and should know."""
    stage.settings = {"approval_over_quote": "100", "max_per_hour": "1", "urgent_slippage_bps": "10"}
    stage.write_configuration()
    found = checks(stage, code=0)
    assert "every rebalance asks" in found["eth: band"][0][1]
    assert found["eth: pace"][0][0] == "warn"
    ((verdict, detail),) = found["eth: settings"]
    assert verdict == "warn" and "urgent_slippage_bps = 10 is stricter than max_slippage_bps = 30" in detail


def test_a_bot_that_cannot_write_to_its_operator_is_found(stage: Stage) -> None:
    """Alerts that never arrive are found before they are needed, and the token is in no line."""
    stage.environment = {"TELEGRAM_OPERATOR_IDS": "999"}
    said = checks(stage, code=3)["telegram"]
    assert ("fix", "it cannot write to 999: open @lp_hedge_rig_bot there and press Start") in said


def test_paper_needs_neither_key_nor_telegram(stage: Stage) -> None:
    """The first five minutes are without any account."""
    stage.mode = "paper"
    stage.environment = dict.fromkeys(("BINANCE_API_KEY", "BINANCE_API_SECRET", "TELEGRAM_BOT_TOKEN"), "")
    stage.write_configuration()
    found = checks(stage, code=0)
    assert "exchange key" not in found
    assert found["eth: room"][0][0] == "ok"


@pytest.mark.parametrize(
    ("paper", "code", "verdict", "binds"),
    [
        ("leverage = 5", 0, "warn", "1000.00 of 10000.00"),
        ("leverage = 20", 0, "warn", "250.00 of 10000.00"),
        ("leverage = 5\nbalance_quote = 900", 3, "fix", "1000.00 of 900.00"),
    ],
)
def test_the_margin_on_paper_is_that_of_the_paper_account(
    stage: Stage, paper: str, code: int, verdict: str, binds: str
) -> None:
    """As the simulated account will ask for it, also for what a position limit leaves of the target."""
    stage.mode, stage.settings = "paper", {"max_position_notional": "5000"}
    stage.write_configuration()
    file = stage.folder / "hedge.toml"
    file.write_text(f"{file.read_text()}\n[paper]\n{paper}\n")
    ((found, detail),) = checks(stage, code=code)["eth: room"]
    assert found == verdict
    assert (
        f"over max_position_notional = 5000: the rest stays unhedged; that much binds {binds} margin; at most" in detail
    )


def test_streams_that_stay_away_are_a_warning(stage: Stage) -> None:
    """Hedging goes on by asking; a silent market is told apart from a shut door."""
    stage.venue.hub.refusing = True
    found = checks(stage, code=0)
    for subject in ("market stream", "account stream"):
        ((verdict, detail),) = found[subject]
        assert verdict == "warn"
        assert "check BINANCE_STREAM_URL" in detail


def test_people_read_lines_and_every_setting(stage: Stage) -> None:
    """The text holds a verdict, each value with its origin, and no secret."""
    done = stage.call("check")
    assert done.stdout.rstrip().endswith("Ready for `lp-hedge run` in live mode, 1 worth a look.")
    assert "hedges.eth.cooldown_seconds              1  (file)" in done.stdout
    assert "hedges.eth.max_per_hour                  30  (default)" in done.stdout
    assert stage.telegram.token not in done.stdout
    assert stage.venue.credentials.secret not in done.stdout


def test_addresses_are_shown_without_what_may_be_secret(stage: Stage) -> None:
    """People paste this into public places."""
    place = stage.venue.stream_url.removeprefix("ws://")
    stage.environment = {"BINANCE_STREAM_URL": f"ws://user:secretpw@{place}"}
    done = stage.call("check")
    assert place in done.stdout
    assert "secretpw" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "verdict", "says"),
    [
        ("150@1", "fix", "LP_HEDGE_CLOCK = 150@1 leads out of the calendar"),
        ("2@1700000000", "warn", "LP_HEDGE_CLOCK makes time run 2 times as fast"),
    ],
)
def test_a_faster_clock_is_said(stage: Stage, text: str, verdict: str, says: str) -> None:
    """What `run` refuses is to be fixed; and nobody leaves it there by mistake."""
    stage.environment = {"LP_HEDGE_CLOCK": text}
    ((given, detail),) = checks(stage, code=3 if verdict == "fix" else 0)["clock"]
    assert (given, says in detail) == (verdict, True)
