"""Bytecode and interfaces: the protocols' own from npm, our small stand-ins compiled once by npm's solc."""

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.rigs.chain.node import FOLDER, NODE_MODULES, RigMissing

_COMPILED = NODE_MODULES / ".compiled" / "contracts.json"
_FROM_NPM = {
    "UniswapV3Factory": "@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json",
    "UniswapV3Pool": "@uniswap/v3-core/artifacts/contracts/UniswapV3Pool.sol/UniswapV3Pool.json",
    "NonfungiblePositionManager": "@uniswap/v3-periphery/artifacts/contracts/NonfungiblePositionManager.sol/"
    "NonfungiblePositionManager.json",
    "SwapRouter": "@uniswap/v3-periphery/artifacts/contracts/SwapRouter.sol/SwapRouter.json",
    "PancakeV3Pool": "@pancakeswap/v3-core/artifacts/contracts/PancakeV3Pool.sol/PancakeV3Pool.json",
    "WETH9": "canonical-weth/build/contracts/WETH9.json",
}


@dataclass(frozen=True, slots=True)
class Artefact:
    """A contract's interface (entries of its JSON ABI), creation code and, for ours, runtime code."""

    abi: tuple[dict[str, Any], ...]
    bytecode: str
    runtime: str


@cache
def artefact(name: str) -> Artefact:
    """The contract of that name, from npm or compiled here."""
    if name in _FROM_NPM:
        content = _read(NODE_MODULES / _FROM_NPM[name])
        return Artefact(tuple(content["abi"]), content["bytecode"], content.get("deployedBytecode", ""))
    compiled = _compiled()[name]
    return Artefact(tuple(compiled["abi"]), compiled["bytecode"], compiled["runtime"])


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise RigMissing(f"{path.relative_to(FOLDER)} is not there: run `make setup`")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _compiled() -> dict[str, Any]:
    sources = [FOLDER / "compile.cjs", *(FOLDER / "contracts").glob("*.sol")]
    newest = max(source.stat().st_mtime for source in sources)
    if not _COMPILED.exists() or _COMPILED.stat().st_mtime < newest:
        fresh = _COMPILED.with_name(f"{os.getpid()}.json")  # another run may be reading, or compiling too
        subprocess.run(["node", str(FOLDER / "compile.cjs"), str(fresh)], check=True)
        fresh.replace(_COMPILED)
    return _read(_COMPILED)
