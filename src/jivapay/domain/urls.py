"""Which addresses of shops are accepted at all: `callback_url`, to which the platform connects, and
`return_url`, to which it sends a customer's browser (http-api.md "Callbacks", reliability 4.G).

One strict grammar instead of a lenient parser: what every URL parser in the world reads the same way passes,
everything they quarrel about (user info, backslashes, other digits, short and octal addresses) is refused.
Names are not resolved here; what a name leads to is decided when connecting (`utils/http_client.py`).
"""

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

CALLBACK_URL_INVALID = "callback.url_invalid"
CALLBACK_SELF = "callback.self"
RETURN_URL_INVALID = "return_url.invalid"
REFUSALS = (CALLBACK_URL_INVALID, CALLBACK_SELF, RETURN_URL_INVALID)
"""Every code an address can be refused with."""

CALLBACK_PORTS = frozenset({443, 8443})
URL_LENGTH_MAX = 2048
HOST_LENGTH_MAX = 253
PORT_MAX = 65535
DEFAULT_PORTS = {"https": 443, "http": 80}

_URL = re.compile(
    r"""
    (?P<scheme>https?)://
    (?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])
    (?::(?P<port>[1-9][0-9]{0,4}))?
    (?P<path>/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?
    (?:\?(?P<query>(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2})*))?
    (?:\#(?P<fragment>(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*))?
    """,
    re.VERBOSE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""A last label like this makes every browser read the whole host as an IPv4 address."""
_ESCAPED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")
_NAMES_OF_THIS_MACHINE = frozenset({"localhost", "localdomain", "local", "internal", "arpa"})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: `host` in lower case without brackets, `address` when it is one and not a name."""

    scheme: str
    host: str
    port: int
    address: IPAddress | None
    has_fragment: bool


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """What this installation allows beyond public https. `own` holds the platform's own hosts and ports."""

    allow_nets: tuple[IPNetwork, ...] = ()
    own: frozenset[tuple[str, int]] = frozenset()

    def exempts(self, address: IPAddress) -> bool:
        return any(address in net for net in self.allow_nets)


def parse_target(url: str) -> Target | None:
    """Where `url` leads, or None when it is not one that every program reads the same way."""
    if len(url) > URL_LENGTH_MAX or _ESCAPED_CONTROL.search(url):
        return None
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme, host = match["scheme"], match["host"].lower()
    port = int(match["port"] or DEFAULT_PORTS[scheme])
    if port > PORT_MAX:
        return None
    address = _address(host)
    if address is None and not _is_dns_name(host):
        return None
    return Target(scheme, host.strip("[]"), port, address, has_fragment=match["fragment"] is not None)


def find_callback_url_problem(url: str, rules: CallbackRules) -> str | None:
    """An error code, or None when `url` may be kept as a store's callback address.

    Inside the allowed networks scheme, port and single names are free; whether a name leads there is only
    known when connecting, so with any such network set a name passes and the rule is applied then.
    """
    target = parse_target(url)
    if target is None or target.has_fragment:
        return CALLBACK_URL_INVALID
    if (target.host, target.port) in rules.own:
        return CALLBACK_SELF
    maybe_exempt = bool(rules.allow_nets) if target.address is None else rules.exempts(target.address)
    if maybe_exempt:
        return None
    if any(target.host == host for host, _ in rules.own):
        return CALLBACK_SELF
    return None if is_public_form(target) else CALLBACK_URL_INVALID


def is_public_form(target: Target) -> bool:
    """https, a port for callbacks, and a name that can exist in the public DNS (or an address)."""
    if target.scheme != "https" or target.port not in CALLBACK_PORTS:
        return False
    labels = target.host.split(".")
    return target.address is not None or (len(labels) > 1 and labels[-1] not in _NAMES_OF_THIS_MACHINE)


def find_return_url_problem(url: str, *, return_hosts: Collection[str], allow_loopback_http: bool) -> str | None:
    """An error code, or None when a customer may be sent to `url`.

    `return_hosts` are the store's own list, `host` or `host:port`; empty means any. `allow_loopback_http`
    is set outside production.
    """
    target = parse_target(url)
    if target is None:
        return RETURN_URL_INVALID
    if target.scheme != "https" and not (allow_loopback_http and _is_loopback(target)):
        return RETURN_URL_INVALID
    if return_hosts and not {target.host, f"{target.host}:{target.port}"} & {host.lower() for host in return_hosts}:
        return RETURN_URL_INVALID
    return None


def parse_nets(text: str) -> tuple[IPNetwork, ...]:
    """CIDRs separated by commas. Raises ValueError naming the one that is none."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def own_endpoints(base_urls: Sequence[str]) -> frozenset[tuple[str, int]]:
    """Hosts and ports of the platform itself, to which no callback goes."""
    targets = [parse_target(url) for url in base_urls]
    return frozenset((target.host, target.port) for target in targets if target is not None)


def _address(host: str) -> IPAddress | None:
    """`host` as an address in its one canonical spelling; `127.1` and `0177.0.0.1` are none."""
    try:
        if host.startswith("["):
            return IPv6Address(host[1:-1])
        return IPv4Address(host)
    except ValueError:
        return None


def _is_dns_name(host: str) -> bool:
    labels = host.split(".")
    return (
        len(host) <= HOST_LENGTH_MAX
        and all(_LABEL.fullmatch(label) for label in labels)
        and not _NUMERIC_LABEL.fullmatch(labels[-1])
    )


def _is_loopback(target: Target) -> bool:
    return target.host == "localhost" if target.address is None else target.address.is_loopback
