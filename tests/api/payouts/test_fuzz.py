"""What the service says of itself, taken at its word: schemathesis reads `/api/schema/` and finds nothing.

`make fuzz-schema` asks for many more requests, and asks the gateway too.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from api.gateway.shop import Key
from factories.office import QUIET
from factories.world import World
from jivapay.servers.app_factory import create_app
from jivapay.servers.payouts import server
from support.serving import serve

EXAMPLES = int(os.environ.get("JIVAPAY_FUZZ", "4"))
"""Of each kind, for each operation."""
UNSAID = """
# What JSON Schema has no words for: how many decimals a number has, and what is a table of requests in CSV.
[[operations]]
include-path = ["/api/payouts/", "/api/payouts/bulk/csv/"]
include-method = "POST"
checks.positive_data_acceptance.enabled = false
"""
TOOL = Path(sys.executable).with_name("schemathesis")

pytestmark = pytest.mark.timeout(60 + 10 * EXAMPLES)


async def look(address: str, key: Key, folder: Path) -> None:
    """Fails with what it has to say."""
    (folder / "schemathesis.toml").write_text(UNSAID, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        TOOL,
        "run",
        f"{address}/api/schema/?format=json",
        f"--url={address}",
        f"--header=X-API-Key: {key.text}",
        f"--max-examples={EXAMPLES}",
        "--seed=18",
        "--generation-database=none",
        "--continue-on-failure",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        pytest.fail(said.decode(), pytrace=False)


async def test_the_payouts_service_is_as_it_says(world: World, key: Key, tmp_path: Path) -> None:
    await world.change_settings(**{name: value for name, value in QUIET.items() if name.startswith("RATE")})
    app = create_app("payouts", server.ROUTERS, resources=world.resources)
    async with serve(app) as address:
        await look(address, key, tmp_path)
