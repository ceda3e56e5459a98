"""Which addresses may be saved, and which settings refuse a start."""

import pytest

from jivapay.config.settings import Environment, Settings
from jivapay.services import callback_service
from jivapay.utils import address_filter

PRODUCTION = Settings(env=Environment.PRODUCTION, public_base_url="https://pay.example")
DEVELOPMENT = Settings(public_base_url="http://127.0.0.1:8080", jivapay_callback_allow_nets="127.0.0.0/8")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("https://shop.example/hook", None, id="good"),
        pytest.param("https://8.8.8.8/hook", None, id="public address"),
        pytest.param("https://10.0.0.1/", "callback.address_blocked", id="private"),
        pytest.param("https://127.0.0.1/", "callback.address_blocked", id="loopback"),
        pytest.param("https://169.254.169.254/latest/meta-data", "callback.address_blocked", id="cloud metadata"),
        *(
            pytest.param(f"https://[{address}]/", "callback.address_blocked", id=f"G04 {address}")
            for address in (
                "::1", "::ffff:127.0.0.1", "fc00::1", "fe80::1", "fec0::1", "::7f00:1", "64:ff9b::7f00:1",
                "64:ff9b:1::1", "2002:7f00:1::", "2001:0::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "ff02::1",
            )
        ),
        pytest.param("http://shop.example/", "callback.url_invalid", id="http"),
        pytest.param("https://127.1/", "callback.url_invalid", id="G05"),
        pytest.param("https://good.com@127.0.0.1/", "callback.url_invalid", id="G07"),
        pytest.param("https://shop.example:6379/", "callback.url_invalid", id="G08"),
        pytest.param("https://pay.example/gateway", "callback.self", id="G10"),
    ],
)  # fmt: skip
def test_an_address_in_production(url: str, problem: str | None) -> None:
    assert callback_service.find_url_problem(url, callback_service.callback_rules(PRODUCTION)) == problem


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://127.0.0.1:9000/hook", None),
        ("http://localhost:9000/hook", None),
        ("http://127.0.0.1:8080/hook", "callback.self"),
        ("https://10.0.0.1/hook", "callback.address_blocked"),
        ("http://10.0.0.1/hook", "callback.url_invalid"),
    ],
)
def test_an_address_in_development(url: str, problem: str | None) -> None:
    assert callback_service.find_url_problem(url, callback_service.callback_rules(DEVELOPMENT)) == problem


def test_a_good_start() -> None:
    assert callback_service.find_start_problems(PRODUCTION) == []
    assert callback_service.find_start_problems(DEVELOPMENT) == []


def test_allowed_networks_refuse_a_start_in_production() -> None:
    settings = PRODUCTION.model_copy(update={"jivapay_callback_allow_nets": "10.0.0.0/8"})
    assert callback_service.find_start_problems(settings) == [
        "JIVAPAY_CALLBACK_ALLOW_NETS must be empty in production: callbacks go to public addresses"
    ]


def test_a_malformed_network_refuses_a_start() -> None:
    settings = DEVELOPMENT.model_copy(update={"jivapay_callback_allow_nets": "10.0.0.1/8"})
    assert callback_service.find_start_problems(settings) == [
        "JIVAPAY_CALLBACK_ALLOW_NETS: 10.0.0.1/8 has host bits set"
    ]


def test_a_failed_self_test_refuses_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_filter, "_REFUSED_V4", ())
    [problem] = callback_service.find_start_problems(DEVELOPMENT)
    assert problem == "self-test of the address filter: 0.0.0.0 is judged public"
