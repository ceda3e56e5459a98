"""`jivapay statement`: a file with the same numbers, and one line for what is wrong."""

from collections.abc import Awaitable
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from factories.world import World
from jivapay.cli.failures import CommandFailure
from jivapay.cli.main import app
from jivapay.cli.statement import Format, Language, write
from jivapay.database.session import AnySession
from jivapay.exceptions import NotFound
from jivapay.services import statement_service
from jivapay.services.statement_service import StatedAccount


async def test_a_file_with_the_numbers_of_the_ledger(world: World, tmp_path: Path) -> None:
    await world.complete()
    settings, to = world.resources.settings, tmp_path / "store.csv"

    async def make(owner: UUID, to: Path) -> None:
        def find(session: AnySession) -> Awaitable[StatedAccount]:
            return statement_service.any_store(session, owner)

        await write(settings, find, to, None, None, Format.CSV, Language.EN)

    await make(world.store.public_id, to)
    lines = to.read_text(encoding="utf-8-sig").splitlines()
    assert "Closing balance,49.810810" in lines
    assert ",Settlement of an order," in lines[-1]
    with pytest.raises(CommandFailure, match="exists already"):
        await make(world.store.public_id, to)
    with pytest.raises(NotFound):
        await make(world.trader.user_public_id, tmp_path / "nobody.csv")
    assert not (tmp_path / "nobody.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--store", "x"], "'x' is no id"),
        (["--from", "yesterday"], "'yesterday' is no day"),
        (["--store", "a", "--trader", "b"], "not both"),
    ],
)
def test_what_is_wrong(arguments: list[str], line: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["statement", str(tmp_path / "f.csv"), *arguments])
    assert isinstance(result.exception, CommandFailure)
    assert line in str(result.exception)
