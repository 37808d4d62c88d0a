"""The documentation of alerts names every kind and threshold with its default."""

from __future__ import annotations

import re
from pathlib import Path

from core.config import AlertsConfig

DOCS = Path(__file__).parents[2] / "docs" / "alerts.md"


def test_every_alert_setting_is_documented_with_its_default() -> None:
    """And nothing else is."""
    rows = re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", DOCS.read_text(), re.MULTILINE)
    assert dict(rows) == {key: str(field.default) for key, field in AlertsConfig.model_fields.items()}
