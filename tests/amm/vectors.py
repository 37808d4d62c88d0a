"""The recorded vectors: where they lie and how a test walks them."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "data" / "univ3_math"
AMM_OF_DEX = {"uniswap": "uniswap_v3", "pancakeswap": "pancakeswap_v3"}

Record = Mapping[str, Any]


def vectors(name: str) -> Any:
    """The decoded content of `NAME.json.gz`."""
    return json.loads(gzip.decompress((DATA / f"{name}.json.gz").read_bytes()))


def ints(record: Record, *fields: str) -> tuple[int, ...]:
    """Fields that are decimal strings or numbers, as integers."""
    return tuple(int(record[field]) for field in fields)
