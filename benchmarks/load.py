"""Load over HTTP: wrk when it is installed, else a generator of our own. Run as a program, it is that generator.

Both keep a number of connections busy, each with one request at a time, and rotate through the API keys.
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")
PATH = "/gateway/payin/init"
CREATED = b" 201 "


@dataclass(frozen=True, slots=True)
class Load:
    """What a round of load has shown. Milliseconds; `refused` are answers other than 201 and lost connections."""

    generator: str
    requests: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    processor_seconds: float
    """The generator's own."""

    @property
    def per_second(self) -> float:
        return (self.requests - self.refused) / self.seconds


async def drive(port: int, keys: list[str], *, connections: int, seconds: float, use_wrk: bool = True) -> Load:
    """Ask for pay-ins on `port` for `seconds`."""
    wrk = shutil.which("wrk") if use_wrk else None
    environment = os.environ | {"BENCH_KEYS": " ".join(keys), "BENCH_RUN": uuid.uuid4().hex[:12]}
    whole = max(1, round(seconds))
    argv = [sys.executable, "-m", "benchmarks.load", str(port), str(connections), str(seconds)]
    if wrk is not None:
        argv = [wrk, "-t1", f"-c{connections}", f"-d{whole}s", "-s", str(SCRIPT), f"http://127.0.0.1:{port}{PATH}"]
    before = os.times()
    process = await asyncio.create_subprocess_exec(*argv, env=environment, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    after = os.times()
    if process.returncode:
        raise RuntimeError(f"the load generator ended with {process.returncode}: {said.decode()}")
    seen = json.loads(said.decode().strip().splitlines()[-1])
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return Load("wrk" if wrk else "our own generator, in Python", **seen, processor_seconds=spent)


def _request(key: str, external_id: str) -> bytes:
    body = json.dumps(
        {"external_order_id": external_id, "amount": "4750.00", "currency": "RUB", "payment_method": "card"}
    ).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _one_connection(port: int, keys: list[str], place: int, end: float, took: list[float]) -> int:
    """Ask until `end`; how many answers were not 201."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    run, refused, number = os.environ["BENCH_RUN"], 0, 0
    while time.perf_counter() < end:
        number += 1
        started = time.perf_counter()
        writer.write(_request(keys[(place + number) % len(keys)], f"{run}-{place}-{number}"))
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(int(lengths[0].split(b":")[1]))
        took.append((time.perf_counter() - started) * 1000)
        refused += CREATED not in head[:16]
    writer.close()
    return refused


async def _generate(port: int, connections: int, seconds: float) -> None:
    keys = os.environ["BENCH_KEYS"].split()
    took: list[float] = []
    started = time.perf_counter()
    refused = await asyncio.gather(
        *(_one_connection(port, keys, place, started + seconds, took) for place in range(connections))
    )
    elapsed = time.perf_counter() - started
    centiles = statistics.quantiles(took, n=100)
    seen = {
        "requests": len(took),
        "refused": sum(refused),
        "seconds": elapsed,
        "p50_ms": centiles[49],
        "p99_ms": centiles[98],
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    asyncio.run(_generate(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
