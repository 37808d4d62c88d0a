"""The anvil process: found in node_modules, started on a free loopback port, stopped with the tests."""

import subprocess
import threading
from pathlib import Path
from types import TracebackType

FOLDER = Path(__file__).parent
NODE_MODULES = FOLDER / "node_modules"
# Blocks whose state can be asked for, twice what a full node of Ethereum keeps. Without a limit anvil writes the older
# ones, gigabytes in an hour of tests, under the home folder, and leaves them there when it is ended.
KEPT_STATES = 256


class RigMissing(RuntimeError):
    """The npm packages of the chain rig are not installed."""


class Anvil:
    """One node, mining every `block_time_s` (also below a second) and whenever `evm_mine` asks, with None only then.

    Use it as a context manager.
    """

    def __init__(self, *, chain_id: int, block_time_s: float | None, genesis_time: int) -> None:
        arguments = ["--port", "0", "--chain-id", str(chain_id)]
        arguments += ["--no-mining"] if block_time_s is None else ["--block-time", str(block_time_s)]
        arguments += ["--timestamp", str(genesis_time), "--gas-limit", "100000000", "--accounts", "5"]
        arguments += ["--prune-history", str(KEPT_STATES)]
        self._process = subprocess.Popen(
            [str(_binary()), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        address = self._listening_address()
        self.url = f"http://{address}"
        self.ws_url = f"ws://{address}"
        # A node whose output nobody reads stops when the pipe is full.
        threading.Thread(target=self._drain, daemon=True).start()

    def _listening_address(self) -> str:
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if line.startswith("Listening on "):
                return line.removeprefix("Listening on ").strip()
        raise RuntimeError("anvil ended before it listened: " + "".join(said))

    def stop(self) -> None:
        """End the process and wait for it."""
        self._process.terminate()
        self._process.wait(timeout=60)

    def _drain(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for _ in output:
                pass

    def __enter__(self) -> "Anvil":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _binary() -> Path:
    found = sorted(NODE_MODULES.glob("@foundry-rs/anvil-*/bin/anvil"))
    if not found:
        raise RigMissing(
            "the test chain is not installed: run `make setup` (or `npm ci` in tests/rigs/chain; on a machine other "
            "than Linux x86-64 also `npm install --no-save @foundry-rs/anvil-PLATFORM-ARCH@1.7.1`)"
        )
    return found[0]
