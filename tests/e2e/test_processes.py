"""The program's commands as processes beside each other, and what survives their ends."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from decimal import Decimal
from typing import cast

import pytest

from tests.e2e.stage import BY_ITSELF, OPERATOR, Service, Stage
from tests.rigs.chain import faults as node_faults
from tests.rigs.venue.faults import ANY, hang

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
PATIENCE_S = 60.0
# Its own clock ends it after 4.5; a node that hangs is given up after eight, an exchange after ten.
IN_TIME_S = 7.5
QUESTION = "Approve this hedge?"
KEYS = {
    "": "name state reason price net_base departed_base target_base gap_base gap_quote band_quote residual_base"
    " wallet_base lp perp",
    "lp": "state side base quote fee_base fee_quote price block block_time positions",
    "perp": "symbol position_base long_base short_base entry_price mark_price liquidation_price available_balance"
    " funding_rate",
    "position": "id state side base quote fee_base fee_quote price_lower price_upper",
}
Json = dict[str, object]


def keys(part: str) -> list[str]:
    return KEYS[part].split()


def plain(values: Json) -> bool:
    return all(value is None or isinstance(value, str) for value in values.values())


def shown(stage: Stage, code: int = 0) -> Json:
    """The one hedge of `status --json`, which ended with `code`."""
    done = stage.call("status", "--json")
    assert (done.returncode, done.stderr) == (code, ""), done
    answer = json.loads(done.stdout)
    assert list(answer) == ["mode", "hedges"]
    assert answer["mode"] == stage.mode
    (hedge,) = answer["hedges"]
    return cast(Json, hedge)


# -- status and check --------------------------------------------------------------------------------------------------


def test_status_keeps_to_its_contract(stage: Stage) -> None:
    """Exactly the promised keys in their order, each a string or null, without a database and without leaving one.

    And two more: a plain yes or no, whether the LP's figures are an estimate, and the id of the proposal that waits.
    """
    hedge = shown(stage)
    assert hedge.pop("estimated") is False
    assert hedge.pop("approval_id") is None
    lp, perp = cast(Json, hedge.pop("lp")), cast(Json, hedge.pop("perp"))
    (position,) = cast(list[Json], lp.pop("positions"))
    assert [*hedge, "lp", "perp"] == keys("")
    assert [*lp, "positions"] == keys("lp")
    assert list(perp) == keys("perp")
    assert list(position) == keys("position")
    assert plain(hedge) and plain(lp) and plain(perp) and plain(position)
    assert (position["id"], lp["side"], hedge["wallet_base"]) == (str(stage.position_id), "in", None)
    assert str(lp["block_time"]).endswith("Z")
    assert not stage.database.exists()


def test_status_without_a_node_says_null_and_ends_with_1(stage: Stage) -> None:
    """What could not be read is null, what could is there, and a script sees it by the code."""
    stage.environment = {"LOCAL_RPC_URL": "http://127.0.0.1:9"}
    hedge = shown(stage, 1)
    assert (hedge["net_base"], cast(Json, hedge["lp"])["block"], hedge["reason"]) == (None, None, "stale_chain")
    assert cast(Json, hedge["perp"])["mark_price"] is not None


def test_status_beside_a_running_service_shows_the_same(stage: Stage) -> None:
    """It reads for itself, disturbs nothing, and comes to the decision that the service came to; the phone was given
    its board by itself."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        assert stage.telegram.wait_message(OPERATOR, "\nUpdated ", timeout_s=PATIENCE_S).silent
        stage.telegram.wait_for(lambda: "reason='within_band'" in service.output(), timeout_s=PATIENCE_S)
        sent = stage.orders_sent()
        hedge = shown(stage)
        assert (hedge["state"], hedge["reason"]) == ("READY", "within_band")
        assert Decimal(str(cast(Json, hedge["perp"])["position_base"])) == -stage.short()
        said = stage.call("status").stdout
        assert "RUNNING ✅" in said and "READY" in said and "NOT RUNNING" not in said
        assert (stage.orders_sent(), service.stop()) == (sent, 0)


def test_check_as_a_process_says_ready_or_what_to_do(stage: Stage) -> None:
    """0 with every line ok; 3 with a line to fix; a machine reads the same."""
    good = stage.call("check", "--json")
    assert (good.returncode, json.loads(good.stdout)["ok"]) == (0, True)
    stage.configure({"lp_position_ids": "[987654]"})
    broken = stage.call("check", "--json")
    assert (broken.returncode, json.loads(broken.stdout)["ok"]) == (3, False)
    assert stage.orders_sent() == 0


# -- the twins ---------------------------------------------------------------------------------------------------------


def test_without_a_service_the_twins_do_nothing_and_say_so(stage: Stage) -> None:
    """No order may wait in a database for a program that starts some other day; a halt does, even before the first."""
    for words in (("pause",), ("hedge", "eth", "--yes"), ("approve", "x"), ("adopt", "eth", "--yes")):
        done = stage.call(*words)
        assert (done.returncode, "no lp-hedge runs on" in done.stderr) == (2, True), done
    assert not stage.database.exists()
    stage.configure(BY_ITSELF)
    assert stage.call("halt").returncode == 0
    with Service(stage) as service:
        wait(stage, lambda: "reason='halted'" in service.output())
        assert stage.orders_sent() == 0
        assert service.stop() == 0, service.output()


def test_the_twins_operate_a_running_service(stage: Stage) -> None:
    """Approve, pause, resume, reject, hedge, adopt and halt from a terminal, with Telegram out of order."""
    stage.telegram.fault("*", times=None, code=502)
    stage.configure({"poll_seconds": '"0.5"'})
    with Service(stage) as service:

        def order(*words: str, says: str, code: int = 0) -> None:
            done = stage.call(*words)
            assert (done.returncode, says in done.stdout) == (code, True), (done, service.output())

        def approval() -> str:
            wait(stage, lambda: pending(stage) != "")
            return str(shown(stage)["approval_id"])

        wait(stage, lambda: "AWAITING_APPROVAL" in service.output())
        order("approve", approval(), says="Approved")
        wait(stage, lambda: stage.short() > 4)
        order("approve", "nosuch", says="I know no proposal with this ID", code=1)
        order("pause", says="Paused: eth.")
        order("hedge", "eth", "--yes", says="/resume first", code=1)
        order("resume", "eth", says="Resumed: eth.")
        order("pause", "ether", says="There is no hedge", code=1)
        stage.set_price(1850)
        order("reject", approval(), "too", "much", says="Rejected")
        held = stage.short()
        order("hedge", "eth", "--yes", says="Hedging eth now.")
        wait(stage, lambda: stage.short() != held)
        order("adopt", "eth", "--yes", says="agree already")
        order("halt", says="Halted: eth.")
        assert service.stop() == 0, service.output()


def wait(stage: Stage, probe: Callable[[], object]) -> None:
    stage.telegram.wait_for(probe, timeout_s=PATIENCE_S)


def pending(stage: Stage) -> str:
    """The id of the approval that waits, as the database has it; empty when none does."""
    with sqlite3.connect(f"file:{stage.database}?mode=ro", uri=True) as reader:
        row = reader.execute("SELECT approval_id FROM approvals WHERE state = 'pending'").fetchone()
    reader.close()
    return row[0] if row else ""


# -- restarts ----------------------------------------------------------------------------------------------------------


def test_a_question_outlives_a_kill_and_is_answered_once(stage: Stage) -> None:
    """After kill -9 it is presented again; two taps are one hedge."""
    with Service(stage) as service:
        first = stage.telegram.wait_message(OPERATOR, QUESTION, timeout_s=PATIENCE_S)
        service.kill()
    with Service(stage, "again") as service:
        wait(stage, lambda: len(stage.telegram.messages(OPERATOR, QUESTION)) == 2)
        question = stage.telegram.wait_message(OPERATOR, QUESTION, timeout_s=PATIENCE_S)
        stage.telegram.press(OPERATOR, question, "Approve")
        stage.telegram.press(OPERATOR, first, "Approve", stale=True)
        wait(stage, lambda: stage.short() > 4)
        stage.telegram.wait_message(OPERATOR, "back under its limit", timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
    assert stage.orders_sent() == 1
    assert len(stage.executed()) == 1


def test_what_happened_while_it_was_down_is_hedged_after_the_start(stage: Stage) -> None:
    """The chain went on without us: the gap is closed from fresh readings, once."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        wait(stage, lambda: "reason='within_band'" in service.output())
        service.kill()
    before = stage.short()
    stage.set_price(1900)
    with Service(stage, "again") as service:
        wait(stage, lambda: stage.short() != before)
        wait(stage, lambda: "reason='within_band'" in service.output())
        base = Decimal(stage.chain.expected_collect(stage.position_id).total[0]).scaleb(-18)
        assert abs(stage.short() - base) < Decimal("0.002")
        assert service.stop() == 0, service.output()
    assert stage.orders_sent() == 2


def test_paper_mode_hedges_without_keys_and_remembers(stage: Stage) -> None:
    """Real chain and prices, no order to the exchange; the account and the short survive a restart."""
    stage.mode = "paper"
    stage.configure(BY_ITSELF, dict.fromkeys(("BINANCE_API_KEY", "BINANCE_API_SECRET"), ""))
    with Service(stage) as service:
        stage.telegram.wait_message(OPERATOR, "🔁 eth: SELL", timeout_s=PATIENCE_S)
        wait(stage, lambda: "reason='within_band'" in service.output())
        assert service.stop() == 0, service.output()
    held = cast(Json, shown(stage)["perp"])
    assert Decimal(str(held["position_base"])) < -4
    with Service(stage, "again") as service:
        wait(stage, lambda: "reason='within_band'" in service.output())
        assert service.stop() == 0, service.output()
    again = cast(Json, shown(stage)["perp"])
    assert (again["position_base"], again["entry_price"]) == (held["position_base"], held["entry_price"])
    assert stage.orders_sent() == 0
    assert not [each for each in stage.venue.journal if "signature" in each.params]


# -- the end -----------------------------------------------------------------------------------------------------------


def test_it_ends_in_time_while_everything_around_it_hangs(stage: Stage) -> None:
    """A stop is obeyed with a dead phone, a slow node and an exchange that holds its answers: it waits for none."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        wait(stage, lambda: "reason='within_band'" in service.output())
        stage.telegram.fault("*", times=None, delay_s=60)
        stage.proxy.fault = node_faults.slow(30)
        stage.venue.faults.add(ANY, hang(60), times=100)
        time.sleep(1)
        assert service.stop(IN_TIME_S) == 0, service.output()
    assert stage.call("db", "check").returncode == 0


def test_it_ends_in_time_while_it_starts(stage: Stage) -> None:
    """Also before the exchange ever answered."""
    stage.venue.faults.add(ANY, hang(60), times=100)
    stage.telegram.fault("*", times=None, delay_s=60)
    with Service(stage) as service:
        wait(stage, lambda: stage.venue.journal)
        assert service.stop(IN_TIME_S) == 0, service.output()


def test_whoever_only_looks_changes_nothing_at_the_exchange(stage: Stage) -> None:
    """`check` and `status` leave leverage and margin type as they are; `run` sets them while flat."""
    stage.configure({"leverage": "3", "margin_type": '"isolated"'} | BY_ITSELF)
    posts = ("POST /fapi/v1/leverage", "POST /fapi/v1/marginType")
    for command in ("check", "status"):
        stage.call(command, "--json")
    assert [stage.venue.requests(post) for post in posts] == [[], []]
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: all(stage.venue.requests(post) for post in posts), timeout_s=PATIENCE_S)
        assert service.stop() == 0, service.output()
