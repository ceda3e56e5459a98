"""deploy/kubernetes against Kubernetes' own schemas (strict: an unknown field is an error), and against the code it
starts. What kustomize joins is read file by file; where kubectl is at hand, what it renders is held to the same.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.manifests import DEPLOY, IMAGE_PORT, IMAGE_USER, QUEUES, SECRETS, is_setting, parse, read
from deploy.manifests import documents as read_all
from jivapay.config.settings import Settings
from jivapay.config.start_checks import refusals
from jivapay.domain.urls import CALLBACK_PORTS
from jivapay.embedded.home import APPLICATION_SECRETS
from jivapay.servers import all_in_one
from jivapay.utils import address_filter
from jivapay.utils.routing import list_routes

FOLDER = DEPLOY / "kubernetes"
KUSTOMIZED = sorted(path.parent for path in FOLDER.glob("*/kustomization.yaml") if path.parent.name != "image")
VERSIONS = ("1.32.0", "1.37.0")
"""The oldest and the newest that are meant: `preStop.sleep` is in all of them."""
OWN_KINDS = {"ScaledObject", "TriggerAuthentication"}
"""KEDA's, which Kubernetes' schemas do not know."""
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
MANIFESTS: list[tuple[Path, dict[str, Any]]] = [(path, one) for path in FILES for one in read_all(path)]
TEMPLATES = {
    one["metadata"]["name"]: set(one["stringData"]) for one in read_all(FOLDER / "config" / "secrets.template.yaml")
}
CONFIG: dict[str, str] = read(FOLDER / "config" / "settings.yaml")["data"]


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for _, one in MANIFESTS if one["kind"] == kind}


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that runs: its name and the pod's specification."""
    for _, one in MANIFESTS:
        spec = one.get("spec", {})
        spec = spec["jobTemplate"]["spec"] if one["kind"] == "CronJob" else spec
        if "template" in spec:
            yield one["metadata"]["name"], spec["template"]["spec"]


PODS = dict(pods())
CONTAINERS = [
    (f"{name}/{one['name']}", pod, one)
    for name, pod in PODS.items()
    for one in [*pod.get("initContainers", []), *pod["containers"]]
]
OURS = [(name, pod, one) for name, pod, one in CONTAINERS if one["image"] == "jivapay"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("path", "one"), MANIFESTS, ids=lambda value: getattr(value, "stem", None))
def test_it_is_what_kubernetes_allows(path: Path, one: dict[str, Any], version: str) -> None:
    if one["kind"] not in OWN_KINDS:
        kubernetes_validate.validate(one, version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    planted = named("Deployment")["web"] | {"spec": named("Deployment")["web"]["spec"] | {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(planted, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("folder", KUSTOMIZED, ids=lambda folder: folder.name)
def test_kustomize_finds_every_file_and_leaves_none_out(folder: Path) -> None:
    described = read(folder / "kustomization.yaml")
    listed = {*described["resources"], *described.get("components", [])}
    assert [one for one in listed if not (folder / one).exists()] == []
    beside = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml", "secrets.template.yaml"}
    assert beside <= listed
    runs = any("image: jivapay\n" in path.read_text(encoding="utf-8") for path in folder.glob("*.yaml"))
    assert ("../image" in listed) is runs


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
@pytest.mark.parametrize("folder", KUSTOMIZED, ids=lambda folder: folder.name)
def test_what_kubectl_renders_is_allowed(folder: Path) -> None:
    """On this machine alone: no cluster is named, and none is asked."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "KUBECONFIG": os.devnull}
    done = subprocess.run(
        ["kubectl", "kustomize", folder],  # noqa: S607 - it stands where the machine has it
        capture_output=True,
        text=True,
        env=env,
        check=True,
    )
    rendered = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert rendered
    for one in rendered:
        assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "jivapay"
        if one["kind"] not in OWN_KINDS:
            kubernetes_validate.validate(one, VERSIONS[-1], strict=True)


@pytest.mark.parametrize(("name", "pod", "one"), OURS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_process_of_ours(name: str, pod: dict[str, Any], one: dict[str, Any]) -> None:
    command, parameters = parse(one["args"])
    assert parameters.get("queues") in {None, *QUEUES}
    if command == "serve":
        assert (parameters["host"], parameters["port"]) == ("0.0.0.0", IMAGE_PORT)  # noqa: S104 - inside its container
    variables = [*CONFIG, *(variable["name"] for variable in one.get("env", []))]
    assert [variable for variable in variables if not is_setting(variable)] == []
    assert pod["securityContext"]["runAsUser"] == IMAGE_USER == pod["securityContext"]["fsGroup"]
    assert one["envFrom"] == [{"configMapRef": {"name": "jivapay"}}]


@pytest.mark.parametrize(("name", "pod", "one"), CONTAINERS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_container_is_locked_and_bounded(name: str, pod: dict[str, Any], one: dict[str, Any]) -> None:
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} == set(one["resources"]["requests"])
    assert "memory" in one["resources"]["limits"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    claims = {"data"} if name.split("/", maxsplit=1)[0] in named("StatefulSet") else set()
    assert {mount["name"] for mount in one["volumeMounts"]} <= volumes | claims


def test_every_process_is_there() -> None:
    commands = {tuple(one["args"][:1]) for _, _, one in OURS}
    assert commands == {("serve",), ("worker",), ("relay",), ("scheduler",), ("check",), ("db",)}
    assert {parse(one["args"])[1]["queues"] for _, _, one in OURS if one["args"][0] == "worker"} == QUEUES
    assert named("Deployment")["scheduler"]["spec"]["replicas"] == 1
    migration = PODS["migrate"]
    assert [one["args"] for one in migration["initContainers"]] == [["db", "upgrade"]]


def test_every_secret_file_is_in_the_template() -> None:
    files = {value.rsplit("/", 1)[1] for name, value in CONFIG.items() if name.endswith("_FILE")}
    assert all(value.startswith(f"{SECRETS}/") for name, value in CONFIG.items() if name.endswith("_FILE"))
    assert files == TEMPLATES["jivapay"]
    assert {name.lower() for name in APPLICATION_SECRETS} <= files
    for pod in PODS.values():
        for volume in pod["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["defaultMode"] == 0o400
                keys = {item["key"] for item in volume["secret"].get("items", [])}
                assert keys <= TEMPLATES[volume["secret"]["secretName"]]
    assert all(
        value == ""
        for one in read_all(FOLDER / "config" / "secrets.template.yaml")
        for value in one["stringData"].values()
    )


def test_the_secrets_are_those_that_are_made(made: dict[str, str]) -> None:
    from_the_bucket = {"s3_access_key", "s3_secret_key"}
    assert set().union(*TEMPLATES.values()) - from_the_bucket == set(made)


def test_production_takes_what_is_set(made: dict[str, str]) -> None:
    import secrets

    contents = made | {"s3_access_key": secrets.token_hex(10), "s3_secret_key": secrets.token_urlsafe(32)}
    values = {
        name.removesuffix("_FILE").lower(): contents[value.rsplit("/", 1)[1]] if name.endswith("_FILE") else value
        for name, value in CONFIG.items()
    }
    assert refusals(Settings.model_validate(values), {}) == []


def test_only_the_migration_knows_the_owner() -> None:
    knowing = {
        name
        for name, pod in PODS.items()
        for volume in pod["volumes"]
        if volume.get("secret", {}).get("secretName") == "jivapay-owner"
    }
    assert knowing == {"migrate", "roles"}


def test_probes_ask_what_is_served() -> None:
    served = {path for path, _ in list_routes(all_in_one.create_app())}
    (web,) = PODS["web"]["containers"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert web[probe]["httpGet"]["path"] in served
        assert web[probe]["httpGet"]["port"] == web["ports"][0]["name"]
    assert web["ports"][0]["containerPort"] == IMAGE_PORT
    for name, pod in PODS.items():
        if name in named("Deployment") and name != "web":
            assert CONFIG["JIVAPAY_ALIVE_PATH"] in pod["containers"][0]["livenessProbe"]["exec"]["command"][-1]


def test_selectors_find_their_pods() -> None:
    labels = [
        one["spec"]["template"]["metadata"]["labels"]
        for kind in ("Deployment", "StatefulSet")
        for one in named(kind).values()
    ]
    wanted = [one["spec"]["selector"] for one in named("Service").values()]
    wanted += [one["spec"]["selector"]["matchLabels"] for one in named("PodDisruptionBudget").values()]
    wanted += [one["spec"]["podSelector"]["matchLabels"] for one in named("NetworkPolicy").values()]
    for selector in wanted:
        assert any(selector.items() <= found.items() for found in labels), selector
    backend = named("Ingress")["jivapay"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] in named("Service")
    hosts = named("Ingress")["jivapay"]["spec"]["tls"][0]["hosts"]
    assert CONFIG["PUBLIC_BASE_URL"] == f"https://{hosts[0]}"


def test_callbacks_may_leave_and_private_addresses_stay_out_of_reach() -> None:
    (public,) = [
        rule
        for rule in named("NetworkPolicy")["jivapay"]["spec"]["egress"]
        if any("ipBlock" in to for to in rule["to"])
    ]
    assert {("TCP", port) for port in CALLBACK_PORTS} <= {(one["protocol"], one["port"]) for one in public["ports"]}
    blocks = [
        (ip_network(to["ipBlock"]["cidr"]), [ip_network(one) for one in to["ipBlock"]["except"]]) for to in public["to"]
    ]

    def leaves(text: str) -> bool:
        address = ip_address(text.partition("%")[0])
        return any(address in net and not any(address in one for one in kept) for net, kept in blocks)

    for shop in ("1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001::1"):
        assert address_filter.is_public(ip_address(shop))
        assert leaves(shop)
    for inside in ("10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1"):
        assert not leaves(inside)
    for inside in ("::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fd00:ec2::254", "fe80::1", "2002:a00:1::", "2001::1"):
        assert not address_filter.is_public(ip_address(inside))
        assert not leaves(inside)


def test_workers_grow_with_the_lists_they_read() -> None:
    from jivapay.worker.app import make_app

    prefix = make_app(Settings(redis_url="redis://localhost")).conf.broker_transport_options["global_keyprefix"]  # type: ignore[arg-type]
    scaled = named("ScaledObject")
    assert {one["spec"]["triggers"][0]["metadata"]["listName"] for one in scaled.values()} == {
        f"{prefix}{queue}" for queue in QUEUES
    }
    for name, one in scaled.items():
        assert set(one["spec"]) == {
            *("scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod", "triggers")
        }
        assert one["spec"]["scaleTargetRef"]["name"] == name in named("Deployment")
        (trigger,) = one["spec"]["triggers"]
        assert trigger["type"] == "redis"
        assert trigger["authenticationRef"]["name"] in named("TriggerAuthentication")
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert trigger["metadata"]["listName"].endswith(parse(PODS[name]["containers"][0]["args"])[1]["queues"])
    (reference,) = named("TriggerAuthentication")["valkey"]["spec"]["secretTargetRef"]
    assert reference["key"] in TEMPLATES[reference["name"]]
