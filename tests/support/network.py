"""No test talks to the outside: a connection beyond loopback is refused with its address, and so is the question
for a name's address.
"""

import ipaddress
import sys

LOCAL_NAMES = frozenset({"", "localhost"})


def refuse_the_outside() -> None:
    """From now on and for the whole process: an audit hook cannot be taken back."""
    sys.addaudithook(_judge)


def _judge(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not _is_local(str(address[0])):
            raise PermissionError(f"tests may not connect to {address[0]}")
    elif event == "socket.getaddrinfo" and _is_foreign_name(arguments[0]):
        raise PermissionError(f"tests may not ask for the address of {arguments[0]!r}")


def _is_local(host: str) -> bool:
    if host in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_foreign_name(host: object) -> bool:
    """Addresses may be parsed, whatever they are; only names are asked of a server."""
    name = host.decode() if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in LOCAL_NAMES:
        return False
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return True
    return False
