"""The numbers of `docs/money.md` about corrections and covers, computed again."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from jivapay.domain.commissions import Quote, calculate_legs
from jivapay.schemas_enums.enums import Direction

MONEY = (Path(__file__).parents[3] / "docs" / "money.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[Decimal | None]]:
    """First column → the numbers of the others, of the first table under a heading."""
    section = MONEY.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")][2:]
    return {cells[0].strip(): [number(cell) for cell in cells[1:]] for cells in rows}


def number(cell: str) -> Decimal | None:
    bare = re.sub(r"[\s+]", "", cell).replace("−", "-")
    return Decimal(bare) if bare else None


def legs(amount: str, direction: Direction = Direction.PAY_IN) -> Quote:
    store_percent = Decimal(3) if direction is Direction.PAY_IN else Decimal(2)
    rate = Decimal("92.50")
    return calculate_legs(
        Decimal(amount),
        direction=direction,
        rate=rate,
        base_rate=rate,
        store_percent=store_percent,
        trader_percent=Decimal(1),
        crypto_scale=6,
    )


@pytest.mark.parametrize(
    ("heading", "direction"),
    [
        pytest.param("Another amount, worked", Direction.PAY_IN, id="pay-in"),
        pytest.param("A disputed pay-out, worked", Direction.PAY_OUT, id="pay-out"),
    ],
)
def test_another_amount(heading: str, direction: Direction) -> None:
    printed = table(heading)
    settled, anew = legs("4750.00", direction), legs("4000.00", direction)
    sign = 1 if direction is Direction.PAY_IN else -1
    wanted = {
        "trader crypto": [-sign * settled.trader_net, -sign * anew.trader_net],
        "store crypto": [sign * settled.store_net, sign * anew.store_net],
        "platform crypto": [settled.platform_profit, anew.platform_profit],
        "trader fiat": [sign * settled.amount_fiat, sign * anew.amount_fiat],
        "world RUB": [-sign * settled.amount_fiat, -sign * anew.amount_fiat],
    }
    for name, (before, after) in wanted.items():
        assert printed[name] == [before, after, after - before], name
    for name, field in (
        ("amount, USDT", "amount_crypto"),
        ("store commission", "store_commission"),
        ("trader commission", "trader_commission"),
    ):
        assert printed[name] == [getattr(settled, field), getattr(anew, field), None], name
    for column in range(3):
        assert sum(printed[name][column] or 0 for name in list(wanted)[:3]) == 0


def test_what_is_not_there() -> None:
    printed = table("What is not there, worked")
    returned = legs("4750.00").store_net
    lacking = Decimal(30)
    held = returned - lacking
    assert [row[1] for row in printed.values()] == [held, held, 0, 0, 0]
    assert [row[2] for row in printed.values()] == [None, None, None, lacking, lacking - Decimal("12.5")]
    assert f"{held:f} available" in MONEY
