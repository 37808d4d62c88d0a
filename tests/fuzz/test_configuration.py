"""Whatever stands in `hedge.toml` or `.env`: a configuration, or one sentence."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.config_file import parse_config, read_config
from bot.environment import read_environment
from core.errors import ConfigurationError
from tests.fuzz.spoilt import CUTS, cut

ROOT = Path(__file__).parents[2]
EXAMPLES = [(ROOT / "examples" / name).read_text() for name in ("hedge.toml", "spec_a.toml", "spec_b.toml")]
ENV = (
    b"TELEGRAM_BOT_TOKEN=123456789:AAF_0123456789\nTELEGRAM_OPERATOR_IDS=1,2\nTELEGRAM_CHAT_ID=-100\n"
    b"BINANCE_API_KEY='k'\nBINANCE_API_SECRET=\"s\"\nBINANCE_FUTURES_URL=http://127.0.0.1:1\nBINANCE_SPOT_URL=\n"
    b"BSC_RPC_URL=https://a.example/key,http://127.0.0.1:1\nBSC_WS_URL=wss://a.example/key\n"
    b"export LP_HEDGE_LOG_LEVEL=info\n"
)
# A setting that the example shows with its default.
KEYED = re.compile(r"^# (?=[a-z_]+ = )")
VALUES = (
    "0", "-1", "1e400", "nan", "inf", "-inf", "true", '""', '"off"', '"keep"', "[]", "[[]]", "{}", "1979-05-27",
    '"\\u0000"',
    "9" * 400, "0x7fffffffffffffffff", "[0]",
    "[-1, 1]", '"9e99999999"', "9e99999999", '"1e-99999999"', "1e-99999999",
)  # fmt: skip
calmly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_or_refuse(text: str) -> None:
    said = "hedge.toml"
    try:
        parse_config(text, Path("hedge.toml"))
    except ConfigurationError as error:
        said = str(error)
    assert said.startswith("hedge.toml")
    assert len(said) < 2000


@given(st.text(max_size=200))
@calmly
def test_any_text_gives_a_configuration_or_one_sentence(text: str) -> None:
    """Never another error."""
    read_or_refuse(text)


@given(st.sampled_from(EXAMPLES), CUTS)
@calmly
def test_a_spoilt_example_too(tmp_path: Path, text: str, cuts: list[tuple[float, int, bytes]]) -> None:
    """With bytes missing or others in their place, in UTF-8 or not, as a file."""
    file = tmp_path / "hedge.toml"
    file.write_bytes(cut(text.encode(), cuts))
    with suppress(ConfigurationError):
        read_config(file)


@given(st.sampled_from(EXAMPLES), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(VALUES)), min_size=1, max_size=3))
@calmly
def test_any_value_at_any_key(text: str, changes: list[tuple[float, str]]) -> None:
    """Edges of types and ranges, where the example has something reasonable."""
    lines = [KEYED.sub("", line) for line in text.splitlines()]
    keyed = [number for number, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    for where, value in changes:
        number = keyed[min(int(where * len(keyed)), len(keyed) - 1)]
        lines[number] = f"{lines[number].partition('=')[0]}= {value}"
    read_or_refuse("\n".join(lines))


@given(CUTS)
@calmly
def test_any_env_file(tmp_path: Path, cuts: list[tuple[float, int, bytes]]) -> None:
    """Read, or one sentence that shows no value of a secret."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("TELEGRAM_", "BINANCE_", "LP_HEDGE_"))]:
            patch.delenv(name)
        file = tmp_path / "some.env"
        file.write_bytes(cut(ENV, cuts))
        file.chmod(0o600)
        said = ""
        try:
            read_environment(file)
        except ConfigurationError as error:
            said = str(error)
        assert "AAF_0123456789" not in said and "a.example/key" not in said
