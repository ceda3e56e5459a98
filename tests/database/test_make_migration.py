"""scripts/make_migration.py: what a model has and the schema lacks becomes a migration, and nothing else does."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from architecture.house import ROOT
from jivapay.config.settings import asyncpg_url
from jivapay.database.migrate import head_revision

SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "make_migration.py"))


@pytest.mark.parametrize("lacks", [True, False])
async def test_it_writes_what_is_missing(owner_url: str, tmp_path: Path, lacks: bool) -> None:
    engine = create_async_engine(asyncpg_url(owner_url))
    try:
        async with engine.connect() as connection:
            if lacks:
                await connection.execute(text("alter table banks drop column position"))
            await connection.run_sync(SCRIPT["write"], tmp_path, "Place the banks, again & again, in order")
            await connection.rollback()
    finally:
        await engine.dispose()
    number = f"{int(head_revision() or 0) + 1:04}"
    written = read(tmp_path / f"{number}_place_the_banks_again_again.py")
    assert f'revision = "{number}"\ndown_revision = "{head_revision()}"' in written
    assert ('op.add_column("banks"' in written.replace("'", '"')) is lacks
    assert ("    pass\n" in written) is not lacks
    assert "###" not in written


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_it_wants_to_know_what_the_migration_does(capsys: pytest.CaptureFixture[str]) -> None:
    assert SCRIPT["main"]([]) == 2
    assert capsys.readouterr().err.startswith("say what it does")
