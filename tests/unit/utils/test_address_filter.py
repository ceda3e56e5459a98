"""Bad input row G04 and every other range nobody may reach on a shop's word."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jivapay.utils import address_filter


def test_the_self_test_passes() -> None:
    address_filter.self_test()


@pytest.mark.parametrize("address", address_filter._KNOWN_REFUSED)
def test_refused(address: str) -> None:
    assert not address_filter.is_public(ip_address(address))


@pytest.mark.parametrize("address", address_filter._KNOWN_PUBLIC)
def test_public(address: str) -> None:
    assert address_filter.is_public(ip_address(address))


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_public_in_an_ipv6_disguise(address: IPv4Address) -> None:
    number = int(address)
    disguises = [
        number,  # ::a.b.c.d
        0xFFFF << 32 | number,  # ::ffff:a.b.c.d
        0xFFFF << 48 | number,  # ::ffff:0:a.b.c.d
        0x0064FF9B << 96 | number,  # NAT64
        0x0064FF9B0001 << 80 | number,  # NAT64, local
        0x2002 << 112 | number << 80,  # 6to4
        0x20010000 << 96 | (number ^ 0xFFFFFFFF),  # Teredo
        0x26064700 << 96 | 0x00005EFE << 32 | number,  # ISATAP
        0x26064700 << 96 | 0x02005EFE << 32 | number,  # ISATAP, universal
    ]
    assert not any(address_filter.is_public(IPv6Address(disguise)) for disguise in disguises)


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public(address: IPv4Address | IPv6Address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert not address_filter.is_public(address)


def test_the_self_test_notices_a_list_that_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_filter, "_REFUSED_V4", address_filter._REFUSED_V4[:-1])
    with pytest.raises(AssertionError, match=r"240\.0\.0\.1 is judged public"):
        address_filter.self_test()
