"""The release: its workflow against GitHub's schema, and the order in which a cluster is told."""

import json
import os
import subprocess
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from architecture.house import ROOT
from deploy.manifests import DEPLOY, read

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ROLLOUT = DEPLOY / "kubernetes" / "rollout"
KUBECTL = """#!/bin/sh
echo "$@" >> "$TOLD"
[ "$1" != apply ] || { cat "$3/../image/kustomization.yaml" | grep 'new' >> "$TOLD"; }
[ "$1" != "$FAILS" ]
"""


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_the_workflow_is_what_github_allows(path: Path) -> None:
    text = resources.files("check_jsonschema").joinpath("builtin_schemas/vendor/github-workflows.json").read_text()
    # YAML 1.1 reads the key `on` as true.
    document = {"on" if key is True else key: value for key, value in read(path).items()}
    jsonschema.validate(document, json.loads(text))


def test_tests_come_before_the_image_and_the_image_before_the_rollout() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert (jobs["image"]["needs"], jobs["deploy"]["needs"]) == ("test", "image")
    (push,) = [step["with"] for step in jobs["image"]["steps"] if "build-push" in step.get("uses", "")]
    assert "${{ github.sha }}" in push["tags"]
    assert (ROOT / push["file"]).is_file()


def told(tmp_path: Path, fails: str = "") -> tuple[int, list[str]]:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TOLD": str(tmp_path / "told"), "FAILS": fails}
    done = subprocess.run([ROLLOUT, "registry.example/jivapay", "abc123"], env=env, capture_output=True, check=False)
    return done.returncode, (tmp_path / "told").read_text().splitlines()


def test_the_schema_comes_first(tmp_path: Path) -> None:
    code, lines = told(tmp_path)
    assert code == 0
    verbs = [line for line in lines if "new" not in line]
    kinds = [" ".join(line.replace("/", " ").split()[:1] + line.rsplit("/", 1)[-1:]) for line in verbs[:1]]
    assert kinds == ["apply config"]
    assert [line.split()[0] for line in verbs] == ["apply", "delete", "apply", "wait", "apply", *["rollout"] * 5]
    assert [line.rsplit("/", 1)[1] for line in verbs if line.startswith("apply")] == ["config", "migrate", "base"]
    assert {line.strip() for line in lines if "new" in line} == {"newName: registry.example/jivapay", "newTag: abc123"}
    deployments = {line.split()[2].removeprefix("deployment/") for line in verbs if line.startswith("rollout")}
    from deploy.test_kubernetes import named

    assert deployments == set(named("Deployment"))
    assert read(DEPLOY / "kubernetes" / "image" / "kustomization.yaml")["images"][0]["newTag"] == "latest"


def test_nothing_new_runs_on_an_old_schema(tmp_path: Path) -> None:
    code, lines = told(tmp_path, fails="wait")
    assert code != 0
    assert lines[-1].startswith("wait ")
