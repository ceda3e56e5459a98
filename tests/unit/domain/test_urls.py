"""Bad input rows G05, G07, G08 and G10, and the rule behind them: one strict grammar."""

from ipaddress import ip_address

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jivapay.domain import urls

STRICT = urls.CallbackRules(own=urls.own_endpoints(["https://pay.example"]))
DEVELOPMENT = urls.CallbackRules(
    allow_nets=urls.parse_nets("127.0.0.0/8, ::1/128"), own=urls.own_endpoints(["http://127.0.0.1:8080"])
)
INVALID = "callback.url_invalid"

GOOD = [
    "https://shop.example/hook",
    "https://shop.example",
    "https://shop.example:443/hook",
    "https://shop.example:8443/a/b;c=d/%D0%B9?x=1&y[]=2",
    "https://SHOP.Example/Hook",
    "https://xn--e1afmkfd.xn--p1ai/hook",
    "https://a-b.c1.shop.example/~user/(x)!$&'*+,;=:@",
    "https://8.8.8.8/hook",
    "https://[2606:4700:4700::1111]:8443/hook",
    "https://1password.example/hook",
    "https://shop.0x7f.example/",
]

TRICKS = [
    pytest.param("", id="empty"),
    pytest.param("shop.example/hook", id="no scheme"),
    pytest.param("//shop.example/hook", id="no scheme, slashes"),
    pytest.param("https:/shop.example/hook", id="one slash"),
    pytest.param("https:///hook", id="no host"),
    pytest.param("ftp://shop.example/", id="ftp"),
    pytest.param("file:///etc/passwd", id="file"),
    pytest.param("gopher://shop.example/", id="gopher"),
    pytest.param("javascript:alert(1)", id="javascript"),
    pytest.param("HTTPS://shop.example/", id="scheme in capitals"),
    pytest.param("https://good.com@127.0.0.1/", id="G07 user info"),
    pytest.param("https://user:password@shop.example/", id="G07 user and password"),
    pytest.param("https://@shop.example/", id="G07 empty user info"),
    pytest.param("http://example.com\\@127.0.0.1/", id="G07 backslash and at"),
    pytest.param("https://example.com\\@127.0.0.1/", id="G07 backslash and at, https"),
    pytest.param("https:\\\\shop.example\\", id="G07 backslashes"),
    pytest.param("https://shop.example#@127.0.0.1/", id="G07 hash and at"),
    pytest.param("https://shop.example/#@evil", id="G07 fragment"),
    pytest.param("https://shop.example/%00", id="G07 escaped NUL"),
    pytest.param("https://shop.example/%0d%0aHost:x", id="escaped CRLF"),
    pytest.param("https://shop.example%00.evil.example/", id="G07 escaped NUL in host"),
    pytest.param("https://shop.example%2f/", id="escaped slash in host"),
    pytest.param("https://shop.example /", id="G07 space in host"),
    pytest.param(" https://shop.example/", id="G07 space before"),
    pytest.param("https://shop.example/ ", id="G07 space after"),
    pytest.param("https://shop.example/\t", id="G07 tab"),
    pytest.param("https://shop\t.example/", id="G07 tab in host"),
    pytest.param("https://shop.example/\n", id="newline after"),
    pytest.param("https://shop.example/\r\nX: y", id="CRLF"),
    pytest.param("https://shop.example/\x00", id="NUL"),
    pytest.param("https://shop.example/й", id="not ascii"),
    pytest.param("https://shop.example/%zz", id="broken escape"),
    pytest.param("https://127.1/", id="G05 short address"),
    pytest.param("https://0x7f.1/", id="G05 hexadecimal part"),
    pytest.param("https://0x7f000001/", id="G05 hexadecimal"),
    pytest.param("https://2130706433/", id="G05 decimal"),
    pytest.param("https://017700000001/", id="G05 octal"),
    pytest.param("https://0177.0.0.1/", id="G05 octal part"),
    pytest.param("https://127.0.0.1.5/", id="G05 five parts"),
    pytest.param("https://127.000.000.001/", id="G05 leading zeros"),
    pytest.param("https://256.1.1.1/", id="G05 part too large"),
    pytest.param("https://①②⑦.⓪.⓪.①/", id="G05 circled digits"),
    pytest.param("https://127。0。0。1/", id="G05 ideographic stops"),
    pytest.param("https://\uff11\uff12\uff17.0.0.1/", id="G05 fullwidth digits"),
    pytest.param("https://\u0661\u0662\u0667.0.0.1/", id="G05 arabic digits"),
    pytest.param("https://shop。example/", id="G05 ideographic stop in a name"),
    pytest.param("https://пример.рф/", id="name not in its ascii form"),
    pytest.param("https://shop.exa\u00admple/", id="soft hyphen"),
    pytest.param("https://shop.1/", id="last label a number"),
    pytest.param("https://shop.0x/", id="last label a hexadecimal number"),
    pytest.param("https://127.0.0.1./", id="address with a trailing dot"),
    pytest.param("https://shop.example./", id="trailing dot"),
    pytest.param("https://.shop.example/", id="leading dot"),
    pytest.param("https://shop..example/", id="empty label"),
    pytest.param("https://-shop.example/", id="label begins with hyphen"),
    pytest.param("https://shop-.example/", id="label ends with hyphen"),
    pytest.param("https://sh_op.example/", id="underscore"),
    pytest.param("https://*.example/", id="star"),
    pytest.param("https://" + "a" * 64 + ".example/", id="long label"),
    pytest.param("https://" + "a." * 126 + "example/", id="long name"),
    pytest.param("https://shop.example/" + "a" * 2048, id="long url"),
    pytest.param("https://[::1/", id="open bracket"),
    pytest.param("https://::1/", id="address without brackets"),
    pytest.param("https://[fe80::1%25eth0]/", id="zone"),
    pytest.param("https://[127.0.0.1]/", id="IPv4 in brackets"),
    pytest.param("https://[v1.a]/", id="future address"),
    pytest.param("https://shop.example:/", id="empty port"),
    pytest.param("https://shop.example:0/", id="G08 port 0"),
    pytest.param("https://shop.example:0443/", id="port with a leading zero"),
    pytest.param("https://shop.example:65536/", id="G08 port 65536"),
    pytest.param("https://shop.example:99999/", id="port out of range"),
    pytest.param("https://shop.example:-443/", id="negative port"),
    pytest.param("https://shop.example:443:443/", id="two ports"),
    pytest.param("https://shop.example:\u0664\u0664\u0663/", id="port in other digits"),
]

ONLY_STRICT = [
    pytest.param("http://shop.example/hook", id="http"),
    pytest.param("https://shop.example:22/", id="G08 port 22"),
    pytest.param("https://shop.example:25/", id="G08 port 25"),
    pytest.param("https://shop.example:80/", id="port 80"),
    pytest.param("https://shop.example:5432/", id="G08 port 5432"),
    pytest.param("https://shop.example:6379/", id="G08 port 6379"),
    pytest.param("https://localhost/", id="localhost"),
    pytest.param("https://redis/", id="single label"),
    pytest.param("https://db.internal/", id="internal"),
    pytest.param("https://printer.local/", id="local"),
    pytest.param("https://x.localhost/", id="under localhost"),
]


@pytest.mark.parametrize("url", GOOD)
def test_a_good_callback_url(url: str) -> None:
    assert urls.find_callback_url_problem(url, STRICT) is None


@pytest.mark.parametrize("url", TRICKS)
@pytest.mark.parametrize("rules", [STRICT, DEVELOPMENT], ids=["strict", "development"])
def test_a_trick_is_refused_everywhere(url: str, rules: urls.CallbackRules) -> None:
    assert urls.find_callback_url_problem(url, rules) == INVALID


@pytest.mark.parametrize("url", ONLY_STRICT)
def test_scheme_port_and_name(url: str) -> None:
    assert urls.find_callback_url_problem(url, STRICT) == INVALID


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/hook", "http://127.8.9.1/", "https://[::1]:25/", "http://localhost:9000/hook"]
)
def test_inside_the_allowed_networks_scheme_and_port_are_free(url: str) -> None:
    assert urls.find_callback_url_problem(url, DEVELOPMENT) is None


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://10.0.0.1:9000/", "http://8.8.8.8/", "https://[::2]:80/"])
def test_an_address_outside_the_allowed_networks_keeps_the_rules(url: str) -> None:
    assert urls.find_callback_url_problem(url, DEVELOPMENT) == INVALID


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        pytest.param("https://pay.example/gateway", STRICT, id="own host"),
        pytest.param("https://PAY.example:8443/", STRICT, id="own host, another port"),
        pytest.param("http://127.0.0.1:8080/gateway", DEVELOPMENT, id="own port inside the allowed networks"),
    ],
)
def test_the_platform_calls_nobody_at_home(url: str, rules: urls.CallbackRules) -> None:
    assert urls.find_callback_url_problem(url, rules) == "callback.self"


def test_parts_of_a_target() -> None:
    assert urls.parse_target("https://SHOP.example/x#y") == urls.Target("https", "shop.example", 443, None, True)
    assert urls.parse_target("http://[::0001]:81") == urls.Target("http", "::0001", 81, ip_address("::1"), False)


def test_the_client_reads_good_urls_as_we_do() -> None:
    for url in GOOD:
        ours, theirs = urls.parse_target(url), httpx2.URL(url)
        assert ours is not None
        assert (ours.host, ours.port) == (theirs.raw_host.decode(), theirs.port or 443)


@given(st.from_regex(r"https?://[a-z0-9.:@\[\]%\\/#?-]{1,40}", fullmatch=True))
def test_whatever_passes_is_read_the_same_way_by_the_client(url: str) -> None:
    ours = urls.parse_target(url)
    if ours is not None:
        theirs = httpx2.URL(url)
        assert ours.host == theirs.raw_host.decode()
        assert ours.port == (theirs.port or urls.DEFAULT_PORTS[theirs.scheme])
        assert not theirs.userinfo


@given(st.text())
def test_any_text_is_judged_without_an_error(text: str) -> None:
    urls.find_callback_url_problem(text, STRICT)
    urls.find_return_url_problem(text, return_hosts=[], allow_loopback_http=True)


def return_problem(url: str, *, hosts: tuple[str, ...] = (), production: bool = True) -> str | None:
    return urls.find_return_url_problem(url, return_hosts=hosts, allow_loopback_http=not production)


@pytest.mark.parametrize(
    "url",
    ["https://shop.example/thanks", "https://shop.example:9443/a?b=c#/done", "https://8.8.8.8/", "https://shop/x"],
)
def test_a_good_return_url(url: str) -> None:
    assert return_problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/thanks",
        "http://127.0.0.1:9000/",
        "http://localhost/",
        "https://user@shop.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "//shop.example/",
        "/thanks",
        "https://shop.example\\@evil.example/",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.example/%0d%0aSet-Cookie:a=b",
        "https://shop.example/\"onload='x'",
    ],
)
def test_a_bad_return_url(url: str) -> None:
    assert return_problem(url) == "return_url.invalid"


def test_http_to_loopback_only_outside_production() -> None:
    for url in ("http://127.0.0.1:9000/thanks", "http://localhost:9000/thanks", "http://[::1]/"):
        assert return_problem(url, production=False) is None
        assert return_problem(url) == "return_url.invalid"
    for url in ("http://10.0.0.1/", "http://shop.example/", "http://127.0.0.1.evil.example/"):
        assert return_problem(url, production=False) == "return_url.invalid"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("https://shop.example/thanks", None),
        ("https://SHOP.example:9443/thanks", None),
        ("https://other.example:8443/thanks", None),
        ("https://other.example/thanks", "return_url.invalid"),
        ("https://www.shop.example/thanks", "return_url.invalid"),
        ("https://shop.example.evil.example/", "return_url.invalid"),
        ("https://evilshop.example/", "return_url.invalid"),
        ("http://127.0.0.1:9000/", "return_url.invalid"),
    ],
)
def test_a_store_may_list_its_hosts(url: str, problem: str | None) -> None:
    assert return_problem(url, hosts=("Shop.example", "other.example:8443"), production=False) == problem


def test_networks_are_read_from_a_list() -> None:
    assert urls.parse_nets("") == ()
    assert [str(net) for net in urls.parse_nets("127.0.0.0/8, ::1/128,")] == ["127.0.0.0/8", "::1/128"]
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        urls.parse_nets("10.0.0.1/8")
