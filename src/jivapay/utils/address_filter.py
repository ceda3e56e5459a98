"""Which addresses the platform may connect to on a shop's word: public ones, by a list of our own.

Python's `is_global` and `is_private` changed with patch releases and call several transition prefixes global,
behind which any IPv4 address can hide, so nothing here asks them (reliability 4.G, 6.2). IPv6 is refused
unless it lies in the one block from which public addresses are given out.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

IPAddress = IPv4Address | IPv6Address

# IANA's special-purpose registry; the comment says what lives there.
_REFUSED_V4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network; Linux connects 0.0.0.0 to itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; cloud metadata of some providers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's virtual host agent on a public-looking address
        "169.254.0.0/16",  # link-local, cloud metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
"""All else is loopback, mapped, NAT64, local, link-local, multicast, discard, SRv6 or not yet given out."""
_REFUSED_V6 = tuple(
    IPv6Network(net)
    for net in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID, drone ids
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the closed 6bone
        "3fff::/20",  # documentation
    )
)
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""Upper half of an interface id whose lower half is an IPv4 address."""

_KNOWN_PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
)
_KNOWN_REFUSED = (
    "0.0.0.0",  # noqa: S104 - an address to refuse, bound by nobody
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2606:4700::5efe:7f00:1",
    "2606:4700::200:5efe:a00:1",
    "3ffe::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
)


def is_public(address: IPAddress) -> bool:
    """Whether a callback may go there. An IPv4 address hidden in an IPv6 one never counts as public."""
    if isinstance(address, IPv4Address):
        return not any(address in net for net in _REFUSED_V4)
    if address.scope_id is not None or address not in _UNICAST_V6:
        return False
    interface_id_upper = (int(address) >> 32) & 0xFFFFFFFF
    return interface_id_upper not in _ISATAP and not any(address in net for net in _REFUSED_V6)


def self_test() -> None:
    """Judge known addresses, at start. Raises AssertionError naming the first that is judged wrongly."""
    for expected, addresses in ((True, _KNOWN_PUBLIC), (False, _KNOWN_REFUSED)):
        for text in addresses:
            if is_public(ip_address(text)) is not expected:
                raise AssertionError(f"{text} is judged {'private' if expected else 'public'}")
