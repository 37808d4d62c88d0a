"""The program's own source, parsed once, and the few measures that the house rules are written in."""

from __future__ import annotations

import ast
import gc
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "core", "storage")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.IfExp, ast.match_case)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
TINY_INIT_LINES = 6
# A docstring of nothing but these and the words of its function's name says nothing.
FILLER = (
    "a an and class do error for from function get in instance is it its method object of on or property"
    " raise return set that the this to value with"
)


@dataclass(frozen=True)
class Module:
    """`name` is the path from the repository's root."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


@dataclass(frozen=True)
class Function:
    """`lines` from `def` to the end, docstring left out."""

    name: str
    lines: int
    nesting: int
    branches: int


@dataclass(frozen=True)
class Documented:
    """`name` with its classes. `said`: words of the docstring that the name lacks; None: there is no docstring."""

    module: str
    name: str
    said: frozenset[str] | None


@cache
def modules() -> tuple[Module, ...]:
    paths = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    # CPython 3.11 refuses to parse when the collector, amid that, ends what another test has left.
    gc.disable()
    try:
        return tuple(map(_module, paths))
    finally:
        gc.enable()


def _module(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path.relative_to(ROOT).as_posix(), text, ast.parse(text))


def sized_modules() -> tuple[Module, ...]:
    """Without empty package files, which would drag the median down."""
    return tuple(m for m in modules() if not (m.name.endswith("__init__.py") and m.lines < TINY_INIT_LINES))


def functions() -> Iterator[Function]:
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, FunctionNode):
                yield _measured(node, f"{module.name}:{node.name}")


def public_functions() -> Iterator[Documented]:
    """No underscore before the name or a class around it, nothing inside a function, no overload and no setter."""
    for module in modules():
        for name, node in _public_in(module.tree, ""):
            text = ast.get_docstring(node)
            yield Documented(module.name, name, None if text is None else _stems(text) - _stems(f"{name} {FILLER}"))


def percentile(values: Sequence[int], percent: int) -> int:
    """Nearest rank."""
    rank = max(1, -(-len(values) * percent // 100))
    return sorted(values)[rank - 1]


def leaf_name(node: ast.AST | None) -> str:
    """The last part of a dotted name, a call or a subscript; "" of anything else."""
    match node:
        case ast.Call():
            return leaf_name(node.func)
        case ast.Subscript():
            return leaf_name(node.value)
        case ast.Attribute():
            return node.attr
        case ast.Name():
            return node.id
    return ""


def _public_in(parent: ast.AST, prefix: str) -> Iterator[tuple[str, FunctionNode]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, FunctionNode):
            stands_for_another = any(
                leaf_name(each) in {"overload", "setter", "deleter"} for each in node.decorator_list
            )
            if not node.name.startswith("_") and not stands_for_another:
                yield f"{prefix}{node.name}", node
        elif not isinstance(node, ast.ClassDef):
            yield from _public_in(node, prefix)
        elif not node.name.startswith("_"):
            yield from _public_in(node, f"{prefix}{node.name}.")


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", text)
    return frozenset(word.lower().removesuffix("s") for word in words)


def _measured(node: FunctionNode, name: str) -> Function:
    documented = ast.get_docstring(node) is not None
    own = [child for statement in node.body for child in _own_scope(statement)]
    return Function(
        name=name,
        lines=_span(node) - (_span(node.body[0]) if documented else 0),
        nesting=max(_nesting(statement, 0) for statement in node.body),
        branches=1 + sum(map(_branch_weight, own)),
    )


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _own_scope(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, SCOPES):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _own_scope(child)


def _nesting(node: ast.AST, depth: int, *, is_elif: bool = False) -> int:
    if isinstance(node, SCOPES):
        return depth
    depth += isinstance(node, BLOCKS) and not is_elif
    deepest = depth
    for child in ast.iter_child_nodes(node):
        child_is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, _nesting(child, depth, is_elif=child_is_elif))
    return deepest


def _branch_weight(node: ast.AST) -> int:
    match node:
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
    return int(isinstance(node, BRANCHES))
