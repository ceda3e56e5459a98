"""Who is calling, by address: the peer, unless the peer is a proxy we trust (decision 17, "trusted client address").

`X-Forwarded-For` is read from the right, and only past trusted proxies: the leftmost entry is whatever the caller
wrote. The result replaces `scope["client"]`, so that nothing behind this can see, or use, the unresolved one.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

HOPS_MAX = 16
UNKNOWN = "0.0.0.0"  # noqa: S104 - stands for a peer without an address: a Unix socket
HEADER = b"x-forwarded-for"

Networks = tuple[IPv4Network | IPv6Network, ...]


def parse_networks(text: str) -> Networks:
    """CIDRs separated by commas. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


class ClientAddressMiddleware:
    def __init__(self, app: ASGIApp, trusted: Networks) -> None:
        self.app = app
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in {"http", "websocket"} and self.trusted:
            peer = scope["client"][0] if scope.get("client") else UNKNOWN
            forwarded = [value for name, value in scope["headers"] if name == HEADER]
            if forwarded:
                scope["client"] = (resolve_address(peer, b",".join(forwarded), self.trusted), 0)
        await self.app(scope, receive, send)


def resolve_address(peer: str, forwarded: bytes, trusted: Networks) -> str:
    """The nearest address that is not a trusted proxy; what cannot be read ends the walk."""
    address = peer
    for hop in reversed(forwarded.decode("latin-1").split(",")[-HOPS_MAX:]):
        if not _is_trusted(address, trusted):
            return address
        parsed = _parse(hop.strip())
        if parsed is None:
            return address
        address = str(parsed)
    return address


def _is_trusted(address: str, trusted: Networks) -> bool:
    parsed = _parse(address)
    return parsed is not None and any(parsed in network for network in trusted)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
