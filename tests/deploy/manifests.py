"""What the tests of deploy/ share: its files, and what may stand in them."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
import yaml

from architecture.house import ROOT
from jivapay.cli.main import app
from jivapay.cli.serve import Queue
from jivapay.config.settings import Settings

DEPLOY = ROOT / "deploy"
IMAGE_USER = 10001
IMAGE_PORT = 8080
SECRETS = "/etc/jivapay/secrets"
SETTINGS = {name.upper() for name in Settings.model_fields}
QUEUES = {queue.value for queue in Queue}


def read(path: Path) -> Any:  # noqa: ANN401 - whatever YAML holds
    (document,) = documents(path)
    return document


def documents(path: Path) -> list[Any]:
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found is not None]


def is_setting(name: str) -> bool:
    return name in SETTINGS or name.removesuffix("_FILE") in SETTINGS


def parse(arguments: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The command and its parameters, as the command line reads them. Raises click's UsageError."""
    command, rest, path = typer.main.get_command(app), list(arguments), []
    while isinstance(command, typer.core.TyperGroup):
        path.append(rest.pop(0))
        command = command.commands[path[-1]]
    with command.make_context(path[-1], rest) as context:
        return " ".join(path), dict(context.params)


def unset(text: str) -> str:
    """`${NAME:-default}` as it is when nothing is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def secret_names(values: Sequence[str]) -> Iterator[str]:
    """The files under the directory of secrets that some text names."""
    for value in values:
        yield from re.findall(rf"{SECRETS}/(\w+)", value)
