"""`jivapay secrets`: the passwords and keys of a new installation, one file each, as `NAME_FILE` and the containers of
`deploy/` read them. What is there is kept: a directory with one's own addresses in it is only completed.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from jivapay.cli.failures import CommandFailure
from jivapay.embedded.home import APPLICATION_SECRETS, generate_secret

OWNER_ROLE, APPLICATION_ROLE = "jivapay_owner", "jivapay_app"
OWNER_PASSWORD, APPLICATION_PASSWORD = "database_owner_password", "database_password"
BROKER_PASSWORD = "valkey_password"  # noqa: S105 - the name of a file
ADMIN_PASSWORD = "jivapay_admin_password"  # noqa: S105 - as above


def secrets(
    directory: Annotated[Path, typer.Argument(help="Where to write them; made when it is not there.", file_okay=False)],
    postgres: Annotated[str, typer.Option(help="Host, or host:port, of the database server.")] = "postgres",
    valkey: Annotated[str, typer.Option(help="Host, or host:port, of the broker.")] = "valkey",
) -> None:
    """Write the secrets of an installation, each into a file only its owner can read. Never replaces one."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = [name for name, value in _wanted(directory, postgres, valkey) if _write_new(directory / name, value)]
    except OSError as error:
        raise CommandFailure(f"cannot write {error.filename or directory}: {error.strerror}") from error
    typer.echo(f"written to {directory}: {', '.join(made) or 'nothing, all were there'}")


def _wanted(directory: Path, postgres: str, valkey: str) -> list[tuple[str, str]]:
    """Each file and what belongs into it, in keeping with the passwords that are there already."""

    def known(name: str) -> str:
        path = directory / name
        return path.read_text(encoding="utf-8").strip() if path.exists() else generate_secret(name)

    owner, application, broker = (known(name) for name in (OWNER_PASSWORD, APPLICATION_PASSWORD, BROKER_PASSWORD))
    server, database = f"@{postgres}", "/jivapay"
    return [
        *((name.lower(), generate_secret(name)) for name in APPLICATION_SECRETS),
        (OWNER_PASSWORD, owner),
        (APPLICATION_PASSWORD, application),
        (BROKER_PASSWORD, broker),
        (ADMIN_PASSWORD, generate_secret(ADMIN_PASSWORD)),
        ("database_owner_url", f"postgresql://{OWNER_ROLE}:{owner}{server}{database}"),
        ("database_url", f"postgresql://{APPLICATION_ROLE}:{application}{server}{database}"),
        ("redis_url", f"redis://:{broker}@{valkey}/0"),
    ]


def _write_new(path: Path, value: str) -> bool:
    """Whether it was written. Half a file is never left: the name appears once the content is in it."""
    if path.exists():
        return False
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="utf-8") as file:
        file.write(value)
    fresh.rename(path)
    return True
