from collections import Counter
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from jivapay.cli.demo_view import Books, live_table, progress_line, summary
from jivapay.simulation import Report, Snapshot
from jivapay.simulation.report import Spread

SNAPSHOT = Snapshot(
    states=Counter({"completed": 3, "pending": 2, "manual_review": 1}),
    asked=6,
    followed=4,
    settled_per_minute=3,
    stores={"Книжный": (Decimal("149.81"), Decimal("49.81"), "USDT")},
    traders={"trader1": (Decimal("49900.00"), Decimal("100.00"))},
    callbacks=14,
    stumbles=Counter(),
)


def books(*violated: str) -> Books:
    checked = Books()
    checked.checked, checked.violated = 48, list(violated)
    return checked


def test_the_table_shows_orders_balances_and_the_books() -> None:
    console = Console(width=120, file=StringIO())
    console.print(live_table("http://127.0.0.1:8080", SNAPSHOT, books()))
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()
    for part in ("http://127.0.0.1:8080", "all 48 hold", "callbacks: 14", "Книжный", "49 900.00", "settled per minute"):
        assert part in shown
    assert shown.index("manual_review") < shown.index("pending") < shown.index("completed")


@pytest.mark.parametrize(("orders", "of"), [(20, " of 20"), (None, "")])
def test_the_line_for_logs(orders: int | None, of: str) -> None:
    assert progress_line(SNAPSHOT, orders, books("I37 Sums")) == (
        f"orders 6{of}: manual_review 1 pending 2 completed 3 | callbacks 14 | invariants VIOLATED: I37 Sums"
    )


def test_the_summary_names_what_is_wrong() -> None:
    report = Report(
        asked=2,
        accounted=1,
        outcomes=Counter(completed=1, pending=1),
        asked_fiat=Decimal(9500),
        paid_fiat=Decimal(4750),
        settled_crypto=Decimal("49.810810"),
        commission_crypto=Decimal("1.540541"),
        to_requisite=Spread(0.1, 0.25),
        callbacks=3,
        problems=["run-2 is still pending"],
        stumbles=Counter({"order: NoAnswer": 2}),
    )
    assert summary(report, Books(), was_stopped=False) == [
        "orders      2 asked, 1 accounted for, 0 of them wait for a person",
        "outcomes    pending 1, completed 1",
        "sums        asked 9 500.00 RUB, paid 4 750.00 RUB, to stores 49.810810 USDT, commissions 1.540541 USDT",
        "requisite   after 0.10 s (p50), 0.25 s (p95)",
        "settled     after -",
        "callbacks   3 received",
        "invariants  not checked yet",
        "stumbled    2 times: order: NoAnswer",
        "problem     run-2 is still pending",
    ]
    assert "problem" not in "\n".join(summary(report, Books(), was_stopped=True))
