"""What the documents claim about the code stays true: links, tables, dependencies, decisions, the two commands."""

import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from architecture.house import ROOT
from jivapay.domain.commissions import Terms, calculate_quote
from jivapay.schemas_enums.enums import Direction
from jivapay.services.balance_manager import payout_hold_amount

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS = (
    "python3 -m venv .venv && .venv/bin/pip install -q uv && .venv/bin/uv run --locked jivapay demo",
    "python3 -m venv .venv && .venv/bin/pip install -q uv && .venv/bin/uv run --locked pytest",
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    assert [target for target in targets if target and not (path.parent / target).exists()] == []


def test_decisions_have_their_three_parts() -> None:
    folder = ROOT / "docs" / "adr"
    pages = sorted(folder.glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    index = (folder / "README.md").read_text(encoding="utf-8")
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page.name
        assert f"({page.name})" in index, page.name


def test_every_table_is_documented() -> None:
    from jivapay.database.db import Base

    text = (ROOT / "docs" / "README_DATABASE.md").read_text(encoding="utf-8")
    assert {name for name in Base.metadata.tables if f"`{name}`" not in text} == set()


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"].values()
    declared = [*project["project"]["dependencies"], *(one for group in groups for one in group)]
    names = {re.split(r"[\[<>=~!; ]", one)[0] for one in declared}
    explained = set(re.findall(r"[a-z0-9-]+", (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")))
    assert names - explained == set()


def test_both_readmes_show_the_two_commands() -> None:
    for name in ("README.md", "README.ru.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert [command for command in COMMANDS if command not in text] == []


def test_both_readmes_say_the_same() -> None:
    """The same sections, links and code, in two languages."""
    english, russian = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ru.md"))
    for pattern in (r"^#+ ", r"\]\((docs/[^)]+|(?!README)[A-Z]+\.md)\)", r"^```(\w+)", r"`[^`\n]+`"):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, russian, re.MULTILINE)), (
            pattern
        )
    assert re.findall(r"```(?:bash|sh|console)\n(.*?)```", english, re.DOTALL) == re.findall(
        r"```(?:bash|sh|console)\n(.*?)```", russian, re.DOTALL
    )


def test_the_worked_pay_in_is_what_the_code_computes() -> None:
    terms = Terms(
        direction=Direction.PAY_IN,
        base_rate=Decimal("92.50"),
        margin_percent=Decimal(0),
        store_percent=Decimal(3),
        trader_percent=Decimal(1),
        crypto_scale=6,
    )
    quote = calculate_quote(Decimal("4750.00"), terms)
    text = (ROOT / "docs" / "money.md").read_text(encoding="utf-8")
    for amount in (
        quote.amount_crypto,
        quote.store_commission,
        quote.trader_commission,
        quote.platform_profit,
        abs(quote.trader_net),
        abs(quote.store_net),
    ):
        assert f"{amount:.6f}" in text


def test_the_worked_pay_out_is_what_the_code_computes() -> None:
    terms = Terms(Direction.PAY_OUT, Decimal("92.50"), Decimal(0), Decimal(2), Decimal(1), 6)
    quote = calculate_quote(Decimal("4750.00"), terms)
    held = payout_hold_amount(quote.store_net, Decimal(1), 6)
    chapter = (ROOT / "docs" / "money.md").read_text(encoding="utf-8").partition("## A pay-out, worked")[2]
    for amount in (
        quote.amount_crypto,
        quote.store_commission,
        quote.trader_commission,
        quote.platform_profit,
        quote.trader_net,
        quote.store_net,
        held,
        held - quote.store_net,
    ):
        assert f"{amount:.6f}" in chapter


def test_documents_named_in_the_source_exist() -> None:
    """A docstring that points at a page nobody can open explains nothing."""
    known = {path.name for path in DOCUMENTS}
    named = {
        (str(path.relative_to(ROOT)), name)
        for folder in ("src", "tests", "scripts")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"\b([A-Za-z0-9][A-Za-z0-9_-]*\.md)\b", path.read_text(encoding="utf-8"))
        if path != Path(__file__)
    }
    assert {(place, name) for place, name in named if name not in known | {"no-such.md"}} == set()
