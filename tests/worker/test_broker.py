"""How we reach the broker: never in the clear where TLS was asked for, and never without knowing who answers."""

import asyncio
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from jivapay.config.settings import Settings
from jivapay.worker.app import make_app
from support.certificates import certificate
from support.sink import Sink


async def test_a_broker_whose_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    listener, _ = certificate(tmp_path, "127.0.0.1")
    sink = Sink()
    await sink.open(listener)
    try:
        app = make_app(Settings.model_validate({"redis_url": f"rediss://:secret@127.0.0.1:{sink.port}/0"}))
        with (
            app.connection_for_write() as connection,
            pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            await asyncio.to_thread(connection.ensure_connection, max_retries=1)
    finally:
        await sink.close()
