"""The compared position in lp-hedge's replay: `run_demeter`'s figures under the same names, as one JSON object.

Arguments: the recorded file, the hedge's band as a share of `edge_base` ("none": no hedge), and what Demeter found,
of which the position is taken. Compiling is no part of `ran_s`; `first_s` is the first run, with it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path as FilePath

from core.replay.outcome import Outcome
from core.replay.path import Path
from core.replay.replay import replay
from core.replay.setup import Position, Setup
from tests.replay.recorded_pool import recorded_pool, unhindered

COMMISSION = 0.0004
TIMES = 5


def main() -> int:
    file, band, found = sys.argv[1:]
    given = json.loads(found)
    position = Position(given["lower"], given["upper"], given["liquidity"])
    began_s = time.perf_counter()
    path = recorded_pool(FilePath(file))
    loaded_s = time.perf_counter() - began_s
    band_base = 0.0 if band == "none" else float(band) * given["edge_base"]
    setup = unhindered(position, band_base, COMMISSION, to_edge=False)
    outcome, first_s = _timed(path, setup)
    ran_s = min(_timed(path, setup)[1] for _ in range(TIMES))
    print(json.dumps(_figures(outcome) | {"loaded_s": loaded_s, "ran_s": ran_s, "first_s": first_s}))
    return 0


def _timed(path: Path, setup: Setup) -> tuple[Outcome, float]:
    began_s = time.perf_counter()
    outcome = replay(path, setup)
    return outcome, time.perf_counter() - began_s


def _figures(outcome: Outcome) -> dict[str, float]:
    parts = outcome.parts
    return {
        "lp_fees": float(parts.lp_fees),
        "lvr": float(parts.lvr),
        "hedge": float(parts.hedge),
        "funding": float(parts.funding),
        "cost": outcome.cost_quote or 0.0,
        "net": float(parts.net),
        "drawdown": outcome.risk.drawdown_quote,
        "rms_base": outcome.exposure.rms_base,
        "trades": outcome.trades,
        "bars": outcome.bars,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    sys.exit(main())
