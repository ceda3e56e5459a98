"""Writes the next migration: what the models say and the newest schema lacks, found on a throw-away PostgreSQL.

Constraints, triggers and data steps are written by hand into what it leaves; functions are never found.
"""

import asyncio
import io
import re
import sys
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from jivapay.config.settings import asyncpg_url
from jivapay.database.migrate import SCRIPTS, head_revision, upgrade
from jivapay.embedded import throwaway_stack


def write(connection: Connection, folder: Path, message: str) -> Path:
    """The new file in `folder`, numbered after the newest revision."""
    number = f"{int(head_revision() or 0) + 1:04}"
    home = SCRIPTS / "versions"
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, dict.fromkeys([home, folder]))))
    config.set_main_option("file_template", f"{number}_{slug(message)}")
    config.attributes["connection"] = connection
    with warnings.catch_warnings():
        # Reflection knows no xid8; columns of that type are compared by name.
        warnings.filterwarnings("ignore", message="Did not recognize type 'xid8'")
        command.revision(config, message=message, autogenerate=True, rev_id=number, version_path=str(folder))
    path = folder / f"{number}_{slug(message)}.py"
    written = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in written if "# ###" not in line) + "\n", encoding="utf-8")
    return path


def slug(message: str) -> str:
    """The file's name: at most five words."""
    return "_".join(re.findall(r"[a-z0-9]+", message.lower())[:5])


async def make(message: str, folder: Path) -> Path:
    with throwaway_stack() as env:
        owner_url = asyncpg_url(env["DATABASE_OWNER_URL"])
        await upgrade(owner_url, urlsplit(env["DATABASE_URL"]).username)
        engine = create_async_engine(owner_url)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(write, folder, message)
        finally:
            await engine.dispose()


def main(arguments: list[str]) -> int:
    message = " ".join(arguments).strip()
    if not slug(message):
        sys.stderr.write('say what it does: make makemigrations ARGS="add the colour of a store"\n')
        return 2
    path = asyncio.run(make(message, SCRIPTS / "versions"))
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
