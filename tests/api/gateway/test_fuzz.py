"""The gateway as its OpenAPI document describes it, asked by schemathesis: `make fuzz-schema`."""

from pathlib import Path

import pytest

from api.gateway.shop import issue_key
from factories.office import QUIET
from factories.payouts import payout_world
from jivapay.servers.app_factory import create_app
from jivapay.servers.gateway import server
from jivapay.utils.resources import Resources
from support import fuzzing
from support.serving import serve

CHECKS = (
    "--checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "unsupported_method,allow_header_conformance"
)
"""Not whether whatever fits the schema is accepted: most of it is about a store's own limits and orders."""


@pytest.mark.skipif(not fuzzing.ASKED_FOR, reason="asked for by make fuzz-schema")
@pytest.mark.timeout(10 * fuzzing.SECONDS)
async def test_the_gateway_is_as_it_says(resources: Resources, tmp_path: Path) -> None:
    world = await payout_world(resources)
    await world.change_settings(**{name: value for name, value in QUIET.items() if name.startswith("RATE")})
    key = await issue_key(resources, world.store)
    async with serve(create_app("gateway", server.ROUTERS, resources=resources)) as address:
        await fuzzing.look(address, "/openapi.json", key.text, tmp_path, CHECKS, "--phases=coverage,fuzzing")
