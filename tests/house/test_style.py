"""The house style as far as a machine can see it. Figures are ceilings, never goals."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.house.source import (
    ROOT,
    Documented,
    Module,
    functions,
    leaf_name,
    modules,
    percentile,
    public_functions,
    sized_modules,
)

# Data classes that change on purpose: state that one owner keeps.
MUTABLE_DATA_CLASSES = {
    "bot/alerting.py:Episode",
    "bot/alerting.py:Repeats",
    "bot/lasting.py:Standing",
    "bot/suspensions.py:Outage",
    "bot/telegram/notices.py:_Pace",
    "core/exchange/binance_client.py:_Seen",
    "core/execution/outcome.py:_Search",
}
# The viewer's own seconds that a fast demo took are no time of the program's.
CLOCK_READERS = {"core/clock.py", "bot/demo/run.py"}
# Where anything may arrive and must not pass: the supervisors, the command line, Telegram's error handling.
BROAD_EXCEPTS = {
    "bot/charts/__main__.py:main",
    "bot/cli.py:main",
    "bot/telegram/connection.py:_last",
    "bot/telegram/frontend.py:_keep",
    "core/command_desk.py:_carry_out",
    "core/supervision.py:keep",
}
LEAST_DOCUMENTED_PCT = 90
FORBIDDEN_MODULE_NAMES = frozenset({"utils", "helpers", "common", "util", "helper", "misc"})


def violations(found: Iterator[str]) -> str:
    return "\n".join(found)


def test_files_stay_small() -> None:
    """Median, 95th percentile and longest file."""
    lines = [module.lines for module in sized_modules()]
    longest = max(sized_modules(), key=lambda module: module.lines)
    assert percentile(lines, 50) <= 150
    assert percentile(lines, 95) <= 350
    assert longest.lines <= 500, longest.name


@pytest.mark.parametrize(
    ("figure", "median", "p95", "most"), [("lines", 8, 25, 50), ("nesting", 2, 2, 4), ("branches", 6, 7, 10)]
)
def test_functions_stay_small(figure: str, median: int, p95: int, most: int) -> None:
    """Length without docstring, depth of blocks, ways through."""
    measured = sorted(((getattr(each, figure), each.name) for each in functions()), reverse=True)
    values = [value for value, _ in measured]
    assert percentile(values, 50) <= median
    assert percentile(values, 95) <= p95, measured[: len(measured) // 20]
    assert values[0] <= most, [name for value, name in measured if value > most]


@pytest.mark.parametrize("room", ["core", "storage"])
def test_public_functions_say_more_than_their_name(room: str) -> None:
    """Units, signs, errors, when None: nine in ten have a docstring with some of it, and none only repeats the name."""
    public = [each for each in public_functions() if each.module.startswith(f"{room}/")]
    silent = [each for each in public if each.said is None]
    assert 100 * len(silent) <= (100 - LEAST_DOCUMENTED_PCT) * len(public), _worst_files(silent)
    assert not [f"{each.module}:{each.name}" for each in public if each.said == frozenset()]


def _worst_files(silent: Sequence[Documented]) -> str:
    by_file: defaultdict[str, list[str]] = defaultdict(list)
    for each in silent:
        by_file[each.module].append(each.name)
    worst = sorted(by_file.items(), key=lambda item: -len(item[1]))[:10]
    return f"{len(silent)} public functions without a docstring, most of them here:\n" + "\n".join(
        f"{module}: {', '.join(names)}" for module, names in worst
    )


def test_no_float_in_the_core() -> None:
    """Money is Decimal, chain numbers are int; a float is a duration and says so in its name."""
    assert not violations(_floats())


def test_data_classes_are_frozen() -> None:
    """A value that was handed over does not change behind one's back."""
    mutable = {f"{module.name}:{name}" for module in modules() for name in _mutable_data_classes(module)}
    assert mutable <= MUTABLE_DATA_CLASSES


def test_one_module_reads_the_clock() -> None:
    """Everything else is given a clock, so that tests own the time."""
    reading = {module.name for module in modules() if any(map(_reads_clock, ast.walk(module.tree)))}
    assert reading <= CLOCK_READERS


def test_broad_excepts_stand_at_named_borders_only() -> None:
    """Elsewhere a handler names what it expects."""
    broad = {f"{module.name}:{name}" for module in modules() for name in _broad_excepts(module)}
    assert broad <= BROAD_EXCEPTS


def test_no_module_without_a_noun() -> None:
    """A module is named after what it holds."""
    assert not [module.name for module in modules() if Path(module.name).stem in FORBIDDEN_MODULE_NAMES]


def _floats() -> Iterator[str]:
    for module in modules():
        if module.name.startswith(("core/", "storage/")) and not module.name.startswith("core/replay/"):
            allowed = {id(node) for node in _duration_nodes(module.tree)}
            for node in ast.walk(module.tree):
                if id(node) not in allowed and _is_float(node):
                    yield f"{module.name}:{getattr(node, 'lineno', 0)}"


def _is_float(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    return isinstance(node, ast.Name) and node.id == "float"


def _duration_nodes(tree: ast.Module) -> Iterator[ast.AST]:
    """All that belongs to a name ending in _s: a parameter, a function so named, a statement that mentions one.

    Asking whether a value *is* a float, so as to refuse or convert it, is no use of one.
    """
    for node in ast.walk(tree):
        match node:
            case ast.arg() if _is_duration(node.arg):
                yield from ast.walk(node)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from ast.walk(node) if _is_duration(node.name) else _default_durations(node)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Expr() | ast.Return() | ast.keyword():
                if any(map(_names_duration, ast.walk(node))):
                    yield from ast.walk(node)
            case ast.Call() if leaf_name(node.func) == "isinstance":
                yield from ast.walk(node)


def _default_durations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    plain, keyword = node.args.args, node.args.kwonlyargs
    pairs = [
        *zip(reversed(plain), reversed(node.args.defaults), strict=False),
        *zip(keyword, node.args.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if default is not None and _is_duration(argument.arg):
            yield from ast.walk(default)


def _names_duration(node: ast.AST) -> bool:
    name = node.arg if isinstance(node, ast.keyword) else leaf_name(node)
    return name is not None and _is_duration(name)


def _is_duration(name: str) -> bool:
    return name.lower().endswith("_s")


def _mutable_data_classes(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            for decorator in node.decorator_list:
                if leaf_name(decorator) == "dataclass" and "frozen=True" not in ast.unparse(decorator):
                    yield node.name


def _reads_clock(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    said = f"{leaf_name(node.func.value)}.{node.func.attr}"
    return bool(
        re.fullmatch(
            r"(datetime\.(now|utcnow|today)|date\.today|time\.(time|monotonic|perf_counter)(_ns)?|loop\.time)", said
        )
    )


def _broad_excepts(module: Module) -> Iterator[str]:
    """Those that stop the error here; one that ends in `raise` only cleans up."""
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            handlers = (node for node in ast.walk(function) if isinstance(node, ast.ExceptHandler))
            if any(_is_broad(handler) and not isinstance(handler.body[-1], ast.Raise) for handler in handlers):
                yield function.name


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or leaf_name(handler.type) in {"Exception", "BaseException"}


def test_no_secret_is_kept_here() -> None:
    """Nothing in the tree has the shape of a bot token or a private key file."""
    shapes = re.compile(r"\b\d{8,10}:AA[\w-]{33}\b|BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}")
    texts = [*ROOT.glob("*.*"), *(ROOT / "examples").iterdir(), *(ROOT / "docs").rglob("*.md")]
    texts += [ROOT / module.name for module in modules()]
    found = [path.name for path in texts if path.is_file() and shapes.search(path.read_text(errors="replace"))]
    assert not found
