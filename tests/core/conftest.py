from __future__ import annotations

import pytest

from tests.execution.conftest import setting, stage, world
from tests.execution.world import Setting

__all__ = ["setting", "stage", "world"]


@pytest.fixture
def asking(setting: Setting) -> Setting:
    """Plans from 1000 QUOTE on need a person's word; the opening hedge of about 10,000 is one."""
    setting.settings |= {"approval_over_quote": 1000, "delta_band_quote": 200, "delta_band_pct": 0}
    return setting
