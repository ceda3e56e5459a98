"""Schemathesis, as a program of its own: requests made from what a service says of itself."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

ASKED_FOR = int(os.environ.get("JIVAPAY_FUZZ", "0"))
"""`JIVAPAY_FUZZ=100`, as `make fuzz-schema` says it: how many requests of each kind, for each operation."""
EXAMPLES = ASKED_FOR or 2
SECONDS = 120 + 10 * EXAMPLES
TOOL = Path(sys.executable).with_name("schemathesis")


async def look(address: str, schema: str, key: str, folder: Path, *options: str, unsaid: str = "") -> None:
    """Fails with what it has to say. `unsaid`: settings for what JSON Schema has no words for."""
    (folder / "schemathesis.toml").write_text(unsaid, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        TOOL,
        "run",
        f"{address}{schema}",
        f"--url={address}",
        f"--header=X-API-Key: {key}",
        f"--max-examples={EXAMPLES}",
        "--seed=18",
        "--generation-database=none",
        "--continue-on-failure",
        *options,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        pytest.fail(said.decode(), pytrace=False)
