"""Recorded and documented Binance messages; tests/data/binance_futures/SOURCES.md says where each comes from."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "data" / "binance_futures"


def rest(name: str) -> object:
    return json.loads((FOLDER / "rest" / f"{name}.json").read_text())


def one(name: str) -> dict[str, object]:
    """The message, or the first of a list of them."""
    answer = rest(name)
    row = answer[0] if isinstance(answer, list) else answer
    assert isinstance(row, dict)
    return row


def many(name: str) -> list[dict[str, object]]:
    answer = rest(name)
    assert isinstance(answer, list)
    return answer


def stream(name: str) -> list[dict[str, object]]:
    text = (FOLDER / "ws" / name).read_text()
    return [json.loads(line) for line in text.splitlines()] if name.endswith("l") else [json.loads(text)]


def errors(name: str) -> object:
    return json.loads((FOLDER / "errors" / f"{name}.json").read_text())
