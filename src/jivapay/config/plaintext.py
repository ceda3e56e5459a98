"""Who may be reached in the clear: addresses inside `PLAINTEXT_NETS`, and nobody else."""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

LOOPBACK_NETS = "127.0.0.0/8,::1/128"


async def addresses_of(host: str) -> list[str]:
    """Empty when the name leads nowhere now."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def may_be_plain(addresses: Iterable[str], nets: str) -> bool:
    """Whether every one of `addresses` lies inside `nets`, which is so of none at all."""
    allowed = []
    for part in filter(None, (part.strip() for part in nets.split(","))):
        try:
            allowed.append(ip_network(part))
        except ValueError:
            continue  # the settings' own checks say so
    return all(any(ip_address(address) in net for net in allowed) for address in addresses)
