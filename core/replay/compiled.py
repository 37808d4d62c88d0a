"""The replay's loop as machine code, from the very functions that the interpreter would run.

Every function of SOURCES is cloned with its globals pointing at the other clones, and numba compiles the clones: one
source, two lives. What was compiled is kept on disk under a name made of all sources, so that a changed one is
compiled anew, which numba by itself would not see for a callee.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path as FilePath
from types import FunctionType, ModuleType
from typing import Any

from core.hedging.kernel import KERNEL_MODULES
from core.replay.reading.cache import default_directory

# Each after those whose functions it calls.
SOURCES = (
    *(f"core.hedging.{name}" for name in KERNEL_MODULES),
    "core.hedging.afterwards",
    "core.accounting.split",
    "core.replay.swap_fees",
    "core.replay.range_amounts",
    "core.replay.perp",
    "core.replay.tally",
    "core.replay.orders",
    "core.replay.state",
    "core.replay.looking",
    "core.replay.acting",
    "core.replay.recording",
    "core.replay.simulation",
)
ENTRY = ("core.replay.simulation", "run")
# Run by the interpreter alone: they build arrays, or answer questions before a replay.
INTERPRETED = frozenset({"empty_tally", "protocol_share_of", "width_notice"})
# Seldom reached: called, so that what runs at every bar stays small.
CALLED = frozenset(
    {
        "core.hedging.afterwards.unanswered",
        "core.hedging.plan.plan",
        "core.replay.acting.after_answer",
        "core.replay.acting.executed",
        "core.replay.orders.work",
        "core.replay.recording.curve_row",
        "core.replay.simulation.funded",
        "core.replay.simulation.liquidated",
    }
)

Loop = Callable[..., Any]


def can_compile() -> bool:
    """Whether numba is installed; asking does not import it."""
    return find_spec("numba") is not None


@cache
def loop() -> Loop:
    """`core.replay.simulation.run`, compiled where numba is installed."""
    if can_compile():
        return _compiled()
    entry: Loop = getattr(import_module(ENTRY[0]), ENTRY[1])
    return entry


def _compiled() -> Loop:
    import numba
    from numba.core import config as numba_config

    modules = [import_module(name) for name in SOURCES]
    if (place := default_directory(os.environ)) is not None:  # else where numba keeps it by itself
        folder = place.parent / f"compiled-{_fingerprint(numba.__version__)}"
        numba_config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    clones: dict[tuple[str, str], Loop] = {}
    for module in modules:
        _clone(module, clones, numba.njit)
    return clones[ENTRY]


def _clone(module: ModuleType, clones: dict[tuple[str, str], Loop], njit: Callable[..., Loop]) -> None:
    """Small functions melt into the loop (`forceinline`); only that is kept on disk."""
    world = {name: _clone_of(value, clones) for name, value in vars(module).items()}
    for name, function in _functions_of(module):
        clone = FunctionType(function.__code__, world, name, function.__defaults__)
        is_entry = (module.__name__, name) == ENTRY
        inline = not is_entry and f"{module.__name__}.{name}" not in CALLED
        inner = {} if is_entry else {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        compiled = njit(clone, error_model="numpy", forceinline=inline, cache=is_entry, _nrt=False, **inner)
        world[name] = clones[module.__name__, name] = compiled


def _clone_of(value: object, clones: dict[tuple[str, str], Loop]) -> object:
    if not isinstance(value, FunctionType):
        return value
    return clones.get((value.__module__, value.__name__), value)


def _functions_of(module: ModuleType) -> list[tuple[str, FunctionType]]:
    found = ((name, value) for name, value in vars(module).items() if isinstance(value, FunctionType))
    return [(name, each) for name, each in found if each.__module__ == module.__name__ and name not in INTERPRETED]


def _fingerprint(version: str) -> str:
    """Of everything that may be in it: functions, the tuples they take, and the numbers they use."""
    digest = hashlib.sha256(version.encode())
    for package in ("hedging", "accounting", "replay"):
        for file in sorted(FilePath(str(files("core").joinpath(package))).glob("*.py")):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]
