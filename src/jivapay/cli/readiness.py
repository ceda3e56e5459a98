"""How a process says that it is ready: one byte into the pipe its supervisor holds; nothing when it has none."""

import os

_pipe: list[int] = []


def attach(descriptor: int) -> None:
    """Announce into `descriptor` from now on."""
    _pipe[:] = [descriptor]


def announce() -> None:
    """Say once that this process does its work."""
    while _pipe:
        descriptor = _pipe.pop()
        os.write(descriptor, b"1")
        os.close(descriptor)
