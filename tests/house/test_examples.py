"""What is documented by example is complete, loads, and says the truth about the defaults."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.config_file import parse_config, read_config
from bot.environment import Environment
from core.config import AlertsConfig, ChainConfig, Config, HedgeConfig, PaperConfig

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "hedge.toml"
SHOWN_DEFAULT = re.compile(r"^# (?=[a-z_]+ = )", re.MULTILINE)
# Shown with a sensible value because they are unset, or follow from others, or belong to the example's position.
UNSET = {
    "hedge_threshold", "delta_band_quote", "delta_band_pct", "delta_hysteresis_quote", "max_position_notional",
    "approval_over_quote", "alert_over_quote", "pool_id", "wallet", "base",
}  # fmt: skip


def sections() -> dict[str, dict[str, object]]:
    """The example with every shown default taken for real, by section."""
    text = SHOWN_DEFAULT.sub("", EXAMPLE.read_text())
    data = tomllib.loads(text, parse_float=Decimal)
    return {
        "config": {key: value for key, value in data.items() if not isinstance(value, dict)},
        "paper": data["paper"],
        "alerts": data["alerts"],
        "chain": data["chains"]["bsc"],
        "hedge": data["hedges"]["bnb"],
    }


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_every_example_loads(path: Path) -> None:
    """A file that someone copies must not fail on the first line."""
    assert read_config(path).hedges


def test_every_shown_line_is_allowed() -> None:
    """Taking the comment sign away from any line leaves a valid file."""
    parse_config(SHOWN_DEFAULT.sub("", EXAMPLE.read_text()), EXAMPLE)


@pytest.mark.parametrize(
    ("section", "model"),
    [("paper", PaperConfig), ("alerts", AlertsConfig), ("chain", ChainConfig), ("hedge", HedgeConfig)],
)
def test_the_example_names_every_key_with_its_default(section: str, model: type[BaseModel]) -> None:
    """A setting that is not in the example does not exist for the operator."""
    shown = sections()[section]
    assert set(shown) == set(model.model_fields)
    for key, value in shown.items():
        field = model.model_fields[key]
        if not field.is_required() and key not in UNSET and section != "chain":
            assert value == field.default, key


def test_the_example_names_the_top_level_keys() -> None:
    """`mode` and `timezone` too."""
    assert set(sections()["config"]) | {"paper", "chains", "hedges", "alerts"} == set(Config.model_fields)


def test_the_env_example_names_every_variable_and_no_secret() -> None:
    """Each name is there once, and nothing that looks like a key."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = {match[1] for line in lines if (match := re.match(r"#? ?([A-Z_]+)=", line))}
    assert {name.upper() for name in Environment.model_fields} <= names
    secret = re.compile(r"(TOKEN|KEY|SECRET|RPC_URL|IDS)=(.+)")
    assert not [line for line in lines if secret.match(line)]
