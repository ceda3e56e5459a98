"""Homes of embedded stacks."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that does not exist yet, where PostgreSQL's account can reach it (pytest's own directory is root's)."""
    place = Path(tempfile.mkdtemp(prefix="jivapay-home-"))
    place.chmod(0o711)
    yield place / "home"
    shutil.rmtree(place, ignore_errors=True)
