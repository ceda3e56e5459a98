"""How a process says that it is ready: a byte into the pipe of the supervisor that forked it, a datagram to the service
manager that started it (systemd's `Type=notify`), nothing where nobody listens.
"""

import os
import socket

_pipe: list[int] = []


def attach(descriptor: int) -> None:
    """Announce into `descriptor` from now on."""
    _pipe[:] = [descriptor]


def announce() -> None:
    """Say that this process does its work now."""
    while _pipe:
        descriptor = _pipe.pop()
        os.write(descriptor, b"1")
        os.close(descriptor)
    if address := os.environ.pop("NOTIFY_SOCKET", ""):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            # A leading @ stands for Linux's abstract addresses.
            manager.sendto(b"READY=1", f"\0{address[1:]}" if address.startswith("@") else address)
