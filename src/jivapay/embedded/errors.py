"""What can go wrong with the embedded servers; the message is one clear line for the person at the terminal."""

from pathlib import Path


class EmbeddedError(RuntimeError):
    """The embedded servers cannot be run."""


class HomeInUse(EmbeddedError):
    """Another process owns this home."""

    def __init__(self, home: Path, pid: str) -> None:
        super().__init__(f"already running on {home} (pid {pid or 'unknown'}); stop it, or choose another --home")
        self.home = home
        self.pid = pid
