from collections import Counter
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from jivapay.cli.demo_view import Books, live_table, progress_line, summary
from jivapay.schemas_enums.enums import Direction
from jivapay.simulation import Report, Snapshot
from jivapay.simulation.report import Spread, Tally
from jivapay.simulation.support import Inbox

SNAPSHOT = Snapshot(
    states={
        Direction.PAY_IN: Counter({"completed": 3, "pending": 2, "manual_review": 1}),
        Direction.PAY_OUT: Counter({"in_progress": 4}),
    },
    asked=10,
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
    order = [shown.index(state) for state in ("manual_review", "pending ", "in_progress", "completed")]
    assert order == sorted(order)
    rows = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:4]]
        for line in shown.splitlines()
        if line.count("│") > 3
    }
    assert rows["completed"] == ["3", ""]
    assert rows["in_progress"] == ["", "4"]
    assert rows["all"] == ["6", "4"]


@pytest.mark.parametrize(("orders", "of"), [(20, " of 20"), (None, "")])
def test_the_line_for_logs(orders: int | None, of: str) -> None:
    assert progress_line(SNAPSHOT, orders, books("I37 Sums")) == (
        f"orders 10{of} | in: manual_review 1 pending 2 completed 3 | out: in_progress 4 | callbacks 14"
        " | invariants VIOLATED: I37 Sums"
    )


def test_the_summary_names_what_is_wrong() -> None:
    report = Report(
        payins=Tally(
            asked=2,
            accounted=1,
            outcomes=Counter(completed=1, pending=1),
            asked_fiat=Decimal(9500),
            paid_fiat=Decimal(4750),
            moved_crypto=Decimal("49.810810"),
            commission_crypto=Decimal("1.540541"),
            to_requisite=Spread(0.1, 0.25),
        ),
        payouts=Tally(
            asked=1,
            accounted=1,
            waiting=1,
            outcomes=Counter(requires_attention=1),
            asked_fiat=Decimal(4750),
            to_requisite=Spread(0.2, 0.2),
            to_accepted=Spread(2.0, 3.0),
        ),
        disputes=Counter(completed=1),
        decided=Counter(cancelled=2, returned=1),
        inbox=Inbox(Counter(returned=1, open=2), {"returned": Decimal("10.50"), "open": Decimal(1200)}),
        callbacks=3,
        problems=["run-2 is still pending"],
        stumbles=Counter({"order: NoAnswer": 2}),
    )
    assert summary(report, Books(), was_stopped=False) == [
        "orders      3 asked, 2 accounted for, 1 of them wait for a person",
        "pay-ins     2: pending 1, completed 1",
        "  sums      asked 9 500.00 RUB, paid 4 750.00 RUB, to stores 49.810810 USDT, commissions 1.540541 USDT",
        "  times     to requisite 0.10 s (p50), 0.25 s (p95); to settled -",
        "pay-outs    1: requires_attention 1",
        "  sums      asked 4 750.00 RUB, paid 0.00 RUB, from stores 0 USDT, commissions 0 USDT",
        "  times     to requisite 0.20 s (p50), 0.20 s (p95); to accepted 2.00 s (p50), 3.00 s (p95); to settled -",
        "inbox       open 2 (1 200.00 RUB), returned 1 (10.50 RUB)",
        "decided     disputes: completed 1; what waited for a person: cancelled 2, returned 1",
        "callbacks   3 received",
        "invariants  not checked yet",
        "stumbled    2 times: order: NoAnswer",
        "problem     run-2 is still pending",
    ]
    assert "problem" not in "\n".join(summary(report, Books(), was_stopped=True))
