"""deploy/compose.yaml against the Compose specification's own schema, and against the code it starts."""

import json
from importlib import resources
from ipaddress import ip_address, ip_network
from typing import Any

import jsonschema
import pytest

from deploy.manifests import (
    DEPLOY,
    IMAGE_PORT,
    IMAGE_USER,
    QUEUES,
    SETTINGS,
    is_setting,
    parse,
    read,
    secret_names,
    unset,
)
from jivapay.config.settings import Settings
from jivapay.config.start_checks import refusals
from jivapay.embedded.home import APPLICATION_SECRETS

COMPOSE: dict[str, Any] = read(DEPLOY / "compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "JIVAPAY_IMAGE" in service.get("image", "")}
VARIABLES = {"JIVAPAY_IMAGE", "JIVAPAY_TAG", "JIVAPAY_SECRETS", "JIVAPAY_NETWORK"}


def test_it_is_what_the_specification_allows() -> None:
    text = resources.files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    jsonschema.validate(COMPOSE, json.loads(text))


def test_a_misspelt_key_would_be_found() -> None:
    text = resources.files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    planted = COMPOSE | {"services": SERVICES | {"web": SERVICES["web"] | {"comand": ["serve"]}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(planted, json.loads(text))


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_ours(name: str) -> None:
    command, parameters = parse(OURS[name]["command"])
    assert parameters.get("queues") in {None, *QUEUES}
    if command == "serve":
        assert (parameters["host"], parameters["port"]) == ("0.0.0.0", IMAGE_PORT)  # noqa: S104 - inside its container


def test_every_process_is_there() -> None:
    commands = {tuple(service["command"][:1]) for service in OURS.values()}
    assert commands >= {("serve",), ("relay",), ("scheduler",), ("worker",)}
    assert {parse(one["command"])[1]["queues"] for one in OURS.values() if one["command"][0] == "worker"} == QUEUES


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    assert {one for one in OURS[name].get("environment", {}) if not is_setting(one)} == set()


def test_every_secret_is_one_that_is_made(made: dict[str, str]) -> None:
    named = set(secret_names([json.dumps(SERVICES)]))
    assert named <= set(made)
    assert {name.lower() for name in APPLICATION_SECRETS} | {"database_url", "redis_url"} <= named


def test_only_what_migrates_knows_the_owner() -> None:
    knowing = {name for name, one in OURS.items() if "DATABASE_OWNER_URL_FILE" in one.get("environment", {})}
    assert knowing == {"migrate"}


@pytest.mark.parametrize("name", sorted(set(OURS) - {"secrets"}))
def test_production_takes_what_is_set(name: str, made: dict[str, str]) -> None:
    """With the secrets as they are made, and nothing in .env beyond the example."""
    given = {key: unset(str(value)) for key, value in OURS[name]["environment"].items()}
    values = {
        key.removesuffix("_FILE").lower(): made[value.rsplit("/", 1)[1]] if key.endswith("_FILE") else value
        for key, value in given.items()
    }
    assert refusals(Settings.model_validate(values), {}) == []


def test_the_proxy_alone_is_believed_and_only_the_inside_is_plain() -> None:
    environment = SERVICES["web"]["environment"]
    proxy = ip_address(unset(SERVICES["proxy"]["networks"]["edge"]["ipv4_address"]))
    assert ip_network(unset(environment["TRUSTED_PROXIES"])) == ip_network(f"{proxy}/32")
    subnets = {
        name: ip_network(unset(network["ipam"]["config"][0]["subnet"])) for name, network in COMPOSE["networks"].items()
    }
    assert proxy in subnets["edge"]
    assert proxy not in ip_network(unset(COMPOSE["networks"]["edge"]["ipam"]["config"][0]["ip_range"]))
    assert not subnets["edge"].overlaps(subnets["data"])
    plain = unset(environment["PLAINTEXT_NETS"]).split(",")
    assert {ip_network(one) for one in plain} == {ip_network("127.0.0.0/8"), ip_network("::1/128"), subnets["data"]}
    assert COMPOSE["networks"]["data"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["data"]
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"postgres", "valkey"}))
def test_nothing_of_ours_may_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("user") in {None, f"{IMAGE_USER}:{IMAGE_USER}"}
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_files_that_are_mounted_exist(name: str) -> None:
    sources = [one.split(":")[0] for one in SERVICES[name].get("volumes", []) if one.startswith(".")]
    assert [one for one in sources if not (DEPLOY / one).is_file()] == []
    volumes = {one.split(":")[0] for one in map(unset, SERVICES[name].get("volumes", [])) if one[0].isalpha()}
    assert volumes <= set(COMPOSE["volumes"])


def test_nobody_waits_for_a_service_that_is_not_there() -> None:
    waited = {other for service in SERVICES.values() for other in service.get("depends_on", {})}
    assert waited <= set(SERVICES)
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_completed_successfully":
                assert SERVICES[other]["restart"] == "no"


def test_the_servers_are_those_the_platform_is_tested_on() -> None:
    assert {SERVICES[name]["image"] for name in ("postgres", "valkey")} == {"postgres:18", "valkey/valkey:9"}


def test_the_example_names_every_setting_and_every_variable() -> None:
    lines = (DEPLOY.parent / ".env.example").read_text(encoding="utf-8").splitlines()
    named = {line.removeprefix("#").split("=")[0] for line in lines if "=" in line and not line.startswith("# ")}
    assert named >= SETTINGS | VARIABLES
    used = {name.split(":-")[0] for name in json.dumps(COMPOSE).split("${")[1:]}
    assert {name for name in used if name not in named} == set()
    active = {line.split("=")[0] for line in lines if "=" in line and not line.startswith("#")}
    assert active & SETTINGS == {"PUBLIC_BASE_URL", "LOG_LEVEL"}
