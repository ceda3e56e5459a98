"""Writes the documents that are made from code; `--check` only says which are stale, with exit status 1."""

import ast
import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "jivapay"
CODE_LISTS = (
    ("jivapay.domain.signatures", "REFUSALS"),
    ("jivapay.domain.urls", "REFUSALS"),
    ("jivapay.services.callback_service.addresses", "REFUSALS"),
    ("jivapay.utils.receipts", "REFUSALS"),
)
"""Codes that are answered by way of a variable, where the syntax of a call does not show them."""
CODE = re.compile(r"[a-z_]+(?:\.[a-z0-9_]+)+|not_found|method_not_allowed|rate_limited|internal")


def states() -> str:
    """docs/states.md: the status machines as printed tables."""
    machines = importlib.import_module("jivapay.domain.order_states").MACHINES
    parts = [
        "# Status machines\n",
        "Generated from `jivapay.domain.order_states` by `scripts/generate_docs.py`; do not edit. A trigger refuses",
        "every step that is not here, and every step without an actor and a reason. The empty status is birth.\n",
    ]
    for entity, steps in machines.items():
        parts += [f"## {entity}\n", "| from | to | event | who | direction |", "|---|---|---|---|---|"]
        parts += [
            f"| {f'`{step.from_status}`' if step.from_status else '—'} | `{step.to_status}` "
            f"| {step.event} | {step.who} | {step.direction.replace('_', '-')} |"
            for step in steps
        ]
        edges = sorted({(step.from_status or "[*]", step.to_status) for step in steps})
        drawn = [f"    {start} --> {end}" for start, end in edges]
        parts += ["", "```mermaid", "stateDiagram-v2", *drawn, "```", ""]
    return "\n".join(parts).rstrip() + "\n"


def settings() -> str:
    """docs/settings.md: what an operator may change while the platform runs."""
    business = importlib.import_module("jivapay.config.business_settings")
    parts = [
        "# Settings\n",
        "Generated from `jivapay.config.business_settings` by `scripts/generate_docs.py`; do not edit. They live in",
        "`configuration_settings` and take effect within 5 s. Those of the environment are in",
        "[operations](operations.md).\n",
        "| setting | default | bounds | meaning |",
        "|---|---|---|---|",
    ]
    for name, field in business.setting_fields().items():
        bounds = {
            kind: getattr(part, kind) for part in field.metadata for kind in ("ge", "gt", "le") if hasattr(part, kind)
        }
        lowest = f"{bounds['ge']}" if "ge" in bounds else f"above {bounds['gt']}" if "gt" in bounds else ""
        between = " – ".join(filter(None, [lowest, str(bounds.get("le", ""))]))
        parts.append(f"| `{name}` | `{business.render_setting(field.default)}` | {between} | {field.description} |")
    return "\n".join(parts) + "\n"


COMPOSE_VARIABLES = (
    ("JIVAPAY_IMAGE", "jivapay", "The image's name; with a registry before it, what `make push-prod` publishes."),
    ("JIVAPAY_TAG", "latest", "The image's tag."),
    ("JIVAPAY_SECRETS", "secrets", "Where the secrets lie: a volume, or an absolute path of this machine."),
    ("JIVAPAY_NETWORK", "172.30.77", "The first three numbers of the containers' network, a /24."),
    ("HTTP_PORT", "80", "Where the proxy answers; it sends everybody to HTTPS."),
    ("HTTPS_PORT", "443", "Where the proxy serves."),
    ("LOCAL_PORT", "8000", "Where this machine alone reaches the platform without the proxy."),
)
"""What `deploy/compose.yaml` reads besides the settings."""
SET_BY_COMPOSE = {
    "PUBLIC_BASE_URL": "https://jivapay.localhost",
    "LOG_LEVEL": "INFO",
}
"""Settings that deploy/compose.yaml does not fix itself, with what a copied file starts with."""


def dot_env() -> str:
    """.env.example: for deploy/compose.yaml. A copy starts as it is; every setting stands in it."""
    fields = importlib.import_module("jivapay.config.settings").Settings.model_fields
    lines = [
        "# Settings of deploy/compose.yaml: cp .env.example .env && make up",
        "#",
        "# Generated from jivapay.config.settings by scripts/generate_docs.py; do not edit. Every setting",
        "# may also be given as NAME_FILE, the path of a mounted secret; compose does so for all secrets.",
        "",
        "# -- The containers",
    ]
    for name, value, meaning in COMPOSE_VARIABLES:
        lines += ["", f"# {meaning}", f"{name}={value}"]
    lines += ["", "# -- The platform"]
    for field, described in fields.items():
        name = field.upper()
        default = "" if described.default is None else described.default
        shown = str(getattr(default, "value", default))
        lines += ["", *(f"# {line}" for line in (described.description or "").splitlines())]
        lines.append(f"{name}={SET_BY_COMPOSE[name]}" if name in SET_BY_COMPOSE else f"#{name}={shown}")
    return "\n".join(lines) + "\n"


def invariants() -> str:
    """docs/invariants.md: what must be true of every committed state."""
    known = importlib.import_module("jivapay.database.invariants").INVARIANTS
    parts = [
        "# Invariants\n",
        "Generated from `jivapay.database.invariants` by `scripts/generate_docs.py`; do not edit. Each is a query that",
        "gives no row; `jivapay check` runs them all, the scheduler every few minutes. One that freezes stops new",
        "business until a person has looked ([0019](adr/0019-money-freeze.md)); the others raise an alarm.\n",
        "| code | what is true | freezes |",
        "|---|---|---|",
        *(f"| {one.code} | {one.sentence} | {'yes' if one.freezes else ''} |" for one in known),
    ]
    return "\n".join(parts) + "\n"


def ageing() -> str:
    """docs/ageing.md: everything that waits."""
    entries = importlib.import_module("jivapay.database.ageing").AGEING
    parts = [
        "# What waits\n",
        "Generated from `jivapay.database.ageing` by `scripts/generate_docs.py`; do not edit. Everything that is not",
        "over has a time by which it must have moved, somebody who moves it, and an [invariant](invariants.md) that",
        "raises an alarm when that did not happen.\n",
        "| thing | statuses | due | moved by | alarm |",
        "|---|---|---|---|---|",
    ]
    for one in entries:
        statuses = ", ".join(f"`{status}`" for status in one.statuses)
        codes = ", ".join([*one.watched_by, *(["I26w"] if one.overdue else [])])
        parts.append(f"| {one.thing.replace('_', ' ')} | {statuses} | {one.due} | {one.janitor} | {codes} |")
    return "\n".join(parts) + "\n"


def openapi() -> str:
    """docs/api/openapi.json: every interface, as one port serves them."""
    os.environ.pop("ENV", None)
    app = importlib.import_module("jivapay.servers.all_in_one").create_app()
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def errors() -> str:
    """docs/api/errors.md: every stable code the source can answer with, and the failures behind them."""
    failures = importlib.import_module("jivapay.exceptions")
    classes = [
        kind for _, kind in inspect.getmembers(failures, inspect.isclass) if issubclass(kind, failures.JivaPayException)
    ]
    parts = [
        "# Error codes\n",
        "Generated from the source by `scripts/generate_docs.py`; do not edit. Errors are problem documents (RFC 9457,",
        "`application/problem+json`); `code` is stable, texts are not.\n",
        "| code | status | title |",
        "|---|---|---|",
    ]
    rows = {kind.code: f"| `{kind.code}` | {kind.status} | {(kind.__doc__ or '').strip()} |" for kind in classes}
    parts += [rows[code] for code in sorted(rows)]
    listed = {str(code) for module, name in CODE_LISTS for code in getattr(importlib.import_module(module), name)}
    translated = importlib.import_module("jivapay.utils.validation_codes").CODES_OF_PYDANTIC
    more = sorted({*_codes_in_source(), *listed, *translated.values()} - set(rows))
    parts += ["", "Narrower codes, used in place of the ones above or in `errors[].code`:", ""]
    parts += [f"- `{code}`" for code in more]
    return "\n".join(parts) + "\n"


def _codes_in_source() -> Iterator[str]:
    """`code="…"` arguments, and the first argument of pydantic's custom errors."""
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
            if getattr(node.func, "id", "") == "PydanticCustomError" or getattr(node.func, "attr", "") == "at":
                given += node.args[:1]
            for part in (inner for value in given for inner in ast.walk(value)):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and CODE.fullmatch(part.value):
                    yield part.value


DOCUMENTS: dict[str, Callable[[], str]] = {
    "states.md": states,
    "settings.md": settings,
    "../.env.example": dot_env,
    "invariants.md": invariants,
    "ageing.md": ageing,
    "api/openapi.json": openapi,
    "api/errors.md": errors,
}


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    stale = []
    for name, render in DOCUMENTS.items():
        path, wanted = DOCS / name, render()
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
    if stale and check:
        sys.stderr.write(f"stale: {', '.join(stale)}; run scripts/generate_docs.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
