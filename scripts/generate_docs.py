"""Writes the documents that are made from code; `--check` only says which are stale, with exit status 1."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


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
        for step in steps:
            parts.append(
                f"| {f'`{step.from_status}`' if step.from_status else '—'} | `{step.to_status}` "
                f"| {step.event} | {step.who} | {step.direction.replace('_', '-')} |"
            )
        parts += ["", _diagram(steps), ""]
    return "\n".join(parts).rstrip() + "\n"


def _diagram(steps: tuple[object, ...]) -> str:
    edges = {(getattr(step, "from_status") or "[*]", getattr(step, "to_status")) for step in steps}  # noqa: B009  # rows of any kind
    lines = [f"    {start} --> {end}" for start, end in sorted(edges)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


DOCUMENTS: dict[str, Callable[[], str]] = {"states.md": states}


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
