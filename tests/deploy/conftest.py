from pathlib import Path

import pytest

from jivapay.cli.secret_files import secrets


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The secrets of a new installation, by the names of their files."""
    folder: Path = tmp_path_factory.mktemp("secrets")
    secrets(folder, "postgres", "valkey")
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
