"""The page of settings names each with what the models allow and the default they have, and every example loads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.chat_settings.table import GROUPS
from bot.config_file import parse_config
from bot.environment import Environment, read_environment
from core.config import AlertsConfig, ChainConfig, Config, HedgeConfig, PaperConfig
from tests.house.allowed_values import allowed, default

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `([\w<>]+)` \| (.+?) \| `(.+?)` \| (.+) \| `(.+?)` \|$", re.MULTILINE)
SECTIONS: Mapping[str, type[BaseModel]] = {
    "The whole program": Config,
    "`[paper]`": PaperConfig,
    "`[alerts]`": AlertsConfig,
    "`[chains.NAME]`": ChainConfig,
}
PARTS = {"paper", "alerts", "chains", "hedges"}
OF_A_CHAIN = {"<CHAIN>_RPC_URL", "<CHAIN>_WS_URL"}
HEDGE = {
    "chain": 'chain = "bsc"',
    "amm_type": 'amm_type = "uniswap_v3"',
    "lp_position_ids": "lp_position_ids = [1]",
    "symbol": 'symbol = "BNBUSDT"',
    "max_position_notional": "max_position_notional = 1000",
    "wallet": 'wallet = "0x0000000000000000000000000000000000000001"',
}
Row = tuple[str, str, str, str, str]


def sections() -> dict[str, list[Row]]:
    """Rows of each table, by heading."""
    _, *parts = PAGE.read_text().split("\n## ")
    return {part.partition("\n")[0]: ROW.findall(part) for part in parts}


def rows_of_hedges() -> list[Row]:
    named = {"what the hedge is", *GROUPS}
    return [row for heading, rows in sections().items() if heading.lower() in named for row in rows]


def differing(rows: list[Row], model: type[BaseModel], keys: set[str]) -> list[str]:
    """What the page says otherwise than the model, or not at all, as the row should begin."""
    shown = {key.lower(): (value, first) for key, value, first, *_ in rows}
    wanted = {key: (allowed(model, key), default(model.model_fields[key])) for key in keys}
    missing = [
        f"| `{key}` | {value} | `{first}` |"
        for key, (value, first) in wanted.items()
        if shown.get(key) != (value, first)
    ]
    return [*missing, *(f"no such setting: {key}" for key in set(shown) - keys)]


@pytest.mark.parametrize("heading", SECTIONS)
def test_a_section_has_every_setting_with_what_is_allowed(heading: str) -> None:
    """Key, allowed values and default, as the model has them; no more and no fewer."""
    model = SECTIONS[heading]
    keys = set(model.model_fields) - (PARTS if model is Config else set())
    assert not differing(sections()[heading], model, keys)


def test_the_hedges_sections_have_every_setting_with_what_is_allowed() -> None:
    """Over all sections of a hedge together; each key once."""
    rows = rows_of_hedges()
    assert len({key for key, *_ in rows}) == len(rows)
    assert not differing(rows, HedgeConfig, set(HedgeConfig.model_fields))


def test_a_setting_stands_where_the_chat_has_it() -> None:
    """The groups of /set are the page's sections."""
    for group, rows in GROUPS.items():
        shown = {key for key, *_ in sections()[group[0].upper() + group[1:]]}
        assert shown - {"leverage", "margin_type"} == {row.key for row in rows}


def test_the_environment_is_complete() -> None:
    """Every variable that is read."""
    rows = sections()["`.env`"]
    assert {key for key, *_ in rows} >= OF_A_CHAIN
    named = [row for row in rows if row[0] not in OF_A_CHAIN]
    assert not differing(named, Environment, set(Environment.model_fields))


@pytest.mark.parametrize(
    ("heading", "key", "example"),
    [(heading, key, example) for heading in SECTIONS for key, *_, example in sections()[heading]],
)
def test_an_example_of_a_section_loads_and_changes_something(heading: str, key: str, example: str) -> None:
    """It is of that key, allowed, and not the default."""
    header = heading.strip("`").replace("NAME", "bsc") if heading != "The whole program" else ""
    text = "\n".join([example, "[hedges.bnb]"] if not header else [header, example, "[hedges.bnb]"])
    config = parse_config("\n".join([text, *HEDGE.values()]), PAGE)
    found: BaseModel = {PaperConfig: config.paper, AlertsConfig: config.alerts}.get(SECTIONS[heading], config)
    if SECTIONS[heading] is ChainConfig:
        found = config.chains["bsc"]
    assert example.startswith(f"{key} = ")
    assert key in found.model_fields_set
    assert getattr(found, key) != SECTIONS[heading].model_fields[key].default


@pytest.mark.parametrize(("key", "example"), [(key, example) for key, *_, example in rows_of_hedges()])
def test_an_example_of_a_hedge_loads_and_changes_something(key: str, example: str) -> None:
    """As above; the one exchange that there is has no other value."""
    lines = HEDGE | {key: example}
    hedge = parse_config("\n".join(["[hedges.bnb]", *lines.values()]), PAGE).hedges["bnb"]
    assert example.startswith(f"{key} = ")
    assert key == "exchange" or getattr(hedge, key) != HedgeConfig.model_fields[key].default


def test_the_examples_of_the_environment_load_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one file; nothing in it is unknown."""
    for name in [name.upper() for name in Environment.model_fields]:
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / ".env"
    file.write_text("".join(f"{example}\n" for *_, example in sections()["`.env`"]))
    file.chmod(0o600)
    around = read_environment(file)
    assert not around.notices
    assert around.values.model_fields_set == set(Environment.model_fields)
    assert set(around.chains) == {"BSC"}
