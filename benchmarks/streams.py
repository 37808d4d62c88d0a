"""`python -m benchmarks.streams`: what pushed markets cost. Ten symbols, ten books and one mark a second each.

The sender is a process of its own; only the listener's processor time counts, its looks at every market included.
Two thirds of it are the event loop and the WebSocket library: an empty loop over the same messages costs as much. On a
machine with other work to do the same messages cost up to half as much again.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from contextlib import suppress

from aiohttp import web

from benchmarks.lines import Line, tell
from core.clock import SystemClock
from core.exchange.binance_market_stream import BinanceMarketStream

SYMBOLS = tuple(f"COIN{number}USDT" for number in range(10))
FOR_S = 20.0
BOOKS_PER_S = 10
LIMIT_PERCENT = 4.0  # about 3 on a machine that has nothing else to do


def main() -> int:
    if "--send" in sys.argv[1:]:
        asyncio.run(_send())
        return 0
    return tell(measure())


def measure() -> list[Line]:
    command = [sys.executable, "-m", "benchmarks.streams", "--send"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        try:
            return asyncio.run(_listen(int(sender.stdout.readline())))
        finally:
            sender.kill()


async def _listen(port: int) -> list[Line]:
    stream = BinanceMarketStream(
        lambda symbol: 1, lambda: time.time_ns() // 1_000_000, SystemClock(), stream_url=f"ws://127.0.0.1:{port}"
    )
    moves = 0

    def on_move(symbol: str) -> None:
        nonlocal moves
        moves += 1

    async def look() -> None:
        while True:
            for symbol in SYMBOLS:
                stream.latest(symbol)
            await asyncio.sleep(1)

    tasks = [asyncio.create_task(stream.listen(SYMBOLS, on_move)), asyncio.create_task(look())]
    await asyncio.sleep(2)
    moves, began_s, used_s = 0, time.monotonic(), _processor_s()
    await asyncio.sleep(FOR_S)
    took_s, used_s = time.monotonic() - began_s, _processor_s() - used_s
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [
        Line("pushed markets of ten symbols: messages a second", moves / took_s, "1/s"),
        Line("pushed markets of ten symbols: of one core", used_s / took_s * 100, "%", LIMIT_PERCENT),
        Line("one pushed message, looks included", used_s / max(1, moves) * 1e6, "us"),
    ]


def _processor_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def _send() -> None:
    application = web.Application()
    application.router.add_get("/{root}/stream", _serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.sleep(FOR_S * 10)


async def _serve(request: web.Request) -> web.WebSocketResponse:
    """Spread over the second as the live streams are, not in one burst."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    names = request.query["streams"].split("/")
    each_s = 1 / len(names) / (BOOKS_PER_S if "depth" in names[0] else 1)
    number, began_s = 0, time.monotonic()
    while not socket.closed:
        name = names[number % len(names)]
        number += 1
        with suppress(ConnectionError):  # the listener has heard enough
            await socket.send_str(json.dumps({"stream": name, "data": _event(name, number)}, separators=(",", ":")))
        await asyncio.sleep(max(0.0, began_s + number * each_s - time.monotonic()))
    return socket


def _event(name: str, number: int) -> dict[str, object]:
    symbol, now_ms = name.partition("@")[0].upper(), time.time_ns() // 1_000_000
    common: dict[str, object] = {"E": now_ms, "s": symbol}
    if "markPrice" in name:
        prices = {"p": "2000.10000000", "i": "2000.20000000", "P": "2000.30000000", "r": "0.00010000"}
        return {"e": "markPriceUpdate", **common, **prices, "T": now_ms + 3_600_000}
    ids = {"T": now_ms, "U": number * 900, "u": number * 900 + 899, "pu": number * 900 - 1}
    bids = [[f"{2000 - level * 0.01:.2f}", f"{12.345 + level:.3f}"] for level in range(20)]
    asks = [[f"{2001 + level * 0.01:.2f}", f"{12.345 + level:.3f}"] for level in range(20)]
    return {"e": "depthUpdate", **common, **ids, "b": bids, "a": asks}


if __name__ == "__main__":
    sys.exit(main())
