"""The commands of README and docs, as a user would type them: they run, end as they should and say what they should."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from bot.pulse import look
from core.amm.presets import PRESETS
from core.clock import SystemClock
from storage.lock import is_running
from tests.e2e.shown_commands import JSON_FENCE, JSON_OF, RUN, Scene, Shown
from tests.e2e.stage import BY_ITSELF, OPERATOR, SYMBOL, Service, Stage
from tests.rigs.environment import ROOT
from tests.rigs.secrets import TRAP

pytestmark = [pytest.mark.e2e]
PATIENCE_S = 60.0
ENDS_WITHIN_S = 150.0
# The rig's contracts in the place of those that the preset of BNB Chain names; all else is the program as it is.
AS_BNB_CHAIN = """
import sys
from core.amm import presets
from core.amm.presets import ChainPreset
presets.PRESETS["bsc"] = {preset!r}
from bot.cli import main
sys.exit(main(sys.argv[1:]))
"""
PLAIN = (sys.executable, "-m", "bot")


def of(scene: Scene) -> tuple[Shown, ...]:
    return tuple(shown for shown in RUN if shown.scene is scene)


def carried_out(
    shown: Shown,
    folder: Path,
    variables: Mapping[str, str],
    values: Mapping[str, str],
    program: tuple[str, ...] = PLAIN,
) -> None:
    """It ends as it should, with the words that it should have, and the keys where a page shows its JSON."""
    done = subprocess.run(
        [*program, *shown.arguments(values)],
        cwd=folder,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    TRAP.look("the output", done.stdout + done.stderr)
    assert done.returncode == shown.code, (shown.line, done.returncode, done.stdout, done.stderr)
    assert shown.says in done.stdout + done.stderr, (shown.line, done.stdout, done.stderr)
    for page in (page for page, line in JSON_OF.items() if line == shown.line):
        assert shape(json.loads(done.stdout)) == shape(shown_json(page)), page


def test_with_nothing_but_the_checkout(tmp_path: Path) -> None:
    """Demo, backtest and calibrate, from a folder that has the checkout's files and nothing else."""
    for name in ("examples", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    # Nothing is compiled: a process that only compiles would take longer than these replays.
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "NUMBA_DISABLE_JIT": "1",
    }
    for shown in of(Scene.FRESH):
        carried_out(shown, tmp_path, variables, {})
    assert (tmp_path / "backtest.png").stat().st_size > 10_000
    assert (tmp_path / "fills.csv").read_text().count("\n") > 1
    assert (tmp_path / "frontier.png").stat().st_size > 10_000


@pytest.mark.chain
def test_a_new_user_on_paper(stage: Stage) -> None:
    """From `init` to a hedge on paper, by the README's own lines: what init wrote is what check and run read."""
    folder = stage.folder / "user"
    folder.mkdir()
    surroundings = stage.variables()
    variables = {
        name: surroundings[name] for name in ("PATH", "PYTHONPATH", "BINANCE_FUTURES_URL", "BINANCE_STREAM_URL")
    }
    variables |= {"HOME": str(folder), "TELEGRAM_API_URL": surroundings["TELEGRAM_API_URL"]}
    values = {"123456": str(stage.position_id), "BNBUSDT": SYMBOL, "https://...": surroundings["LOCAL_RPC_URL"]}
    program = (sys.executable, "-c", AS_BNB_CHAIN.format(preset=preset_of(stage)))
    for shown in of(Scene.PAPER):
        match shown.line:
            case "lp-hedge run":
                hedges_on_paper(stage, folder, variables, program)
            case "lp-hedge init --telegram":
                with (folder / ".env").open("a") as file:
                    file.write(f"TELEGRAM_BOT_TOKEN={stage.telegram.token}\n")
                keeps_the_operator(stage, folder, variables, program)
            case _:
                carried_out(shown, folder, variables, values, program)


def keeps_the_operator(stage: Stage, folder: Path, variables: Mapping[str, str], program: tuple[str, ...]) -> None:
    """At a terminal: the id of whoever writes is shown, Enter ends that, the number typed is kept."""
    master, slave = pty.openpty()
    shown = bytearray()

    def says(words: str) -> bool:
        while select.select([master], [], [], 0)[0]:
            shown.extend(os.read(master, 4096))
        return words in shown.decode(errors="replace")

    arguments = [*program, "init", "--telegram"]
    search = subprocess.Popen(arguments, cwd=folder, env=dict(variables), stdin=slave, stdout=slave, stderr=slave)
    try:
        for awaited, typed in (("Write to your bot", ""), (f"{OPERATOR}  ", "\n"), ("Who of them", f"{OPERATOR}\n")):
            stage.telegram.wait_for(partial(says, awaited), timeout_s=PATIENCE_S)
            if typed:
                os.write(master, typed.encode())
            else:
                stage.telegram.say(OPERATOR, "/start")
        assert search.wait(PATIENCE_S) == 0, shown.decode()
    finally:
        search.kill()
        search.wait()
        os.close(slave)
        os.close(master)
    assert f"TELEGRAM_OPERATOR_IDS={OPERATOR}" in (folder / ".env").read_text()


def preset_of(stage: Stage) -> object:
    return replace(
        PRESETS["bsc"],
        chain_id=stage.chain.chain_id,
        wrapped_native=stage.chain.weth.address,
        stables=(stage.pool.quote.address,),
        position_managers={"pancakeswap_v3": stage.chain.manager.address},
        farms={},
    )


def hedges_on_paper(stage: Stage, folder: Path, variables: Mapping[str, str], program: tuple[str, ...]) -> None:
    """The service runs, asks for its first hedge, is answered on the phone, and ends when told to."""
    with (folder / "run.log").open("wb") as log:
        service = subprocess.Popen(
            [*program, "run"], cwd=folder, env=dict(variables), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            stage.telegram.wait_for(lambda: is_running(folder / "data" / "lp_hedge.db"), timeout_s=PATIENCE_S)
            question = stage.telegram.wait_message(OPERATOR, "Approve this hedge?", timeout_s=PATIENCE_S)
            stage.telegram.press(OPERATOR, question, "Approve")
            stage.telegram.wait_message(OPERATOR, "SELL", timeout_s=PATIENCE_S)
            service.terminate()
            assert service.wait(PATIENCE_S) == 0, (folder / "run.log").read_text()
        finally:
            service.kill()
            service.wait()
    assert stage.orders_sent() == 0


@pytest.mark.chain
def test_beside_a_running_service(stage: Stage) -> None:
    """What an operator types at the machine."""
    stage.configure(BY_ITSELF)
    with Service(stage) as service:
        stage.until_short(stage.base_of(stage.position_id), within=Decimal("0.01"), timeout_s=PATIENCE_S)
        # What `health` reads is written every 10 s.
        stage.telegram.wait_for(lambda: look(stage.database, SystemClock()).turns, timeout_s=PATIENCE_S)
        for shown in of(Scene.LIVE):
            carried_out(shown, stage.folder, stage.variables(), {})
        assert service.stop() == 0, service.output()


def shown_json(page: str) -> object:
    (text,) = JSON_FENCE.findall((ROOT / page).read_text())
    return cast(object, json.loads(text))


def shape(value: object) -> object:
    """Keys in their order, all the way down."""
    match value:
        case dict():
            return [(key, shape(each)) for key, each in value.items()]
        case list():
            return [shape(each) for each in value]
        case _:
            return None
