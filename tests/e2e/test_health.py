"""What a container's health check is told of the real program, from its first second to its violent end."""

from __future__ import annotations

import json

import pytest

from tests.e2e.stage import Service, Stage

pytestmark = [pytest.mark.e2e, pytest.mark.chain]


def test_health_follows_the_service(stage: Stage) -> None:
    """Unwell before it runs, well once its hedge turned, unwell after `kill -9`."""
    before = stage.call("health")
    assert (before.returncode, before.stdout) == (1, f"Health: no lp-hedge runs on {stage.database}.\n")
    with Service(stage) as service:
        stage.telegram.wait_for(lambda: stage.call("health").returncode == 0, timeout_s=120)
        seen = json.loads(stage.call("health", "--json").stdout)
        names = {item["name"] for item in seen["items"]}
        assert {item["name"] for item in seen["items"] if item["vital"]} == {"eth", "commands"}
        assert {"eth chain", "eth exchange", "database", "event loop", "Telegram"} <= names
        service.kill()
    assert stage.call("health").returncode == 1
