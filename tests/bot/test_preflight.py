"""`lp-hedge check` against the real protocols: what is wrong is said, with what to do, and exits 3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.conftest import chain, chain_proxy, chain_session, stage, telegram, venue
from tests.e2e.stage import OPERATOR, Stage

__all__ = ["chain", "chain_proxy", "chain_session", "stage", "telegram", "venue"]
pytestmark = pytest.mark.chain


@pytest.fixture
def ready(stage: Stage) -> Iterator[Stage]:
    """A configuration with which all is well."""
    stage.telegram.press_start(OPERATOR) if hasattr(stage.telegram, "press_start") else None
    yield stage


def checks(stage: Stage, *arguments: str, code: int) -> dict[str, list[tuple[str, str]]]:
    """subject -> (verdict, detail)."""
    done = stage.call("check", "--json", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(done.stdout)["checks"]:
        found.setdefault(each["subject"], []).append((each["verdict"], each["detail"]))
    return found


def test_a_good_configuration_passes_with_a_line_for_everything(ready: Stage) -> None:
    """Node, position, clock, symbol, key, account, band, pace, room and Telegram each have their line."""
    found = checks(ready, code=0)
    for subject in ("eth: node", "eth: LP", "exchange clock", "eth: symbol", "exchange key", "ETHUSDT account",
                    "eth: basis", "eth: band", "eth: pace", "eth: room", "telegram"):  # fmt: skip
        assert subject in found, found
    assert any("assumed" in detail for _, detail in found["eth: pace"])
