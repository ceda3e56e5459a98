"""The source as the house rules see it: one parsed tree for each file."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jivapay"


@dataclass(frozen=True)
class Module:
    """One file: its dotted name, its text and its tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @classmethod
    def parse(cls, name: str, text: str, path: Path | None = None) -> "Module":
        return cls(name, path or Path(f"{name}.py"), text, ast.parse(text))

    def stands_in(self, *names: str) -> bool:
        """Is it one of these modules, or inside one of these packages?"""
        return any(self.name == name or self.name.startswith(f"{name}.") for name in names)

    def at(self, node: ast.AST) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 0)}"

    def walk(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)


def read_house() -> list[Module]:
    modules = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules.append(Module.parse(name, path.read_text(encoding="utf-8"), path))
    return modules


Plant = Callable[..., Module]
"""`plant("code", "jivapay.services.x")`: a module that is not in the tree."""


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain; calls inside it are passed through: `a.b().c` is `a.b.c`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}".removeprefix(".")
    if isinstance(node, ast.Call):
        return dotted(node.func)
    if isinstance(node, ast.Await):
        return dotted(node.value)
    return ""
