"""How `jivapay demo` looks at a terminal: the live table, the line for logs, and the summary at the end."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from jivapay.simulation import Report, Snapshot
    from jivapay.simulation.report import Spread

PROBLEMS_SHOWN = 20
ORDER_OF_STATES = (
    "asked",
    "new",
    "retrying",
    "manual_review",
    "pending",
    "pending_trader_confirmation",
    "requires_attention",
    "completed",
    "cancelled",
    "expired",
    "failed",
)


class Books:
    """What the last look at the invariants found."""

    def __init__(self) -> None:
        self.checked = 0
        self.violated: list[str] = []

    @property
    def text(self) -> str:
        if not self.checked:
            return "not checked yet"
        if self.violated:
            return f"VIOLATED: {', '.join(self.violated)}"
        return f"all {self.checked} hold"


def live_table(address: str, snapshot: "Snapshot", books: Books) -> RenderableType:
    orders = Table("orders", "count", title="Orders")
    orders.columns[1].justify = "right"
    for state in _sorted(snapshot.states):
        orders.add_row(state, str(snapshot.states[state]))
    orders.add_section()
    orders.add_row("settled per minute", str(snapshot.settled_per_minute))
    balances = Table("account", "available", "held", title="Balances, USDT")
    for column in balances.columns[1:]:
        column.justify = "right"
    for name, (total, held, _) in snapshot.stores.items():
        balances.add_row(name, _money(total - held), _money(held))
    for name, (available, held) in snapshot.traders.items():
        balances.add_row(name, _money(available), _money(held))
    colour = "red" if books.violated else "green"
    lines = Text.assemble(
        ("JivaPay demo  ", "bold"),
        address,
        "   invariants: ",
        (books.text, colour),
        f"   callbacks: {snapshot.callbacks}",
    )
    return Group(lines, Columns([orders, balances]), Text("Ctrl-C stops everything.", "dim"))


def progress_line(snapshot: "Snapshot", orders: int | None, books: Books) -> str:
    states = " ".join(f"{state} {snapshot.states[state]}" for state in _sorted(snapshot.states))
    of = "" if orders is None else f" of {orders}"
    told = f"callbacks {snapshot.callbacks} | invariants {books.text}"
    return f"orders {snapshot.asked}{of}: {states or 'none yet'} | {told}"


def summary(report: "Report", books: Books, *, was_stopped: bool) -> list[str]:
    """Lines of plain text, for eyes and for logs. Of a run that was stopped, what is still under way is no problem."""
    outcomes = ", ".join(f"{state} {report.outcomes[state]}" for state in _sorted(report.outcomes))
    counts = f"{report.asked} asked, {report.accounted} accounted for, {report.waiting} of them wait for a person"
    fiat = f"asked {_money(report.asked_fiat)} RUB, paid {_money(report.paid_fiat)} RUB"
    crypto = f"to stores {report.settled_crypto} USDT, commissions {report.commission_crypto} USDT"
    return [
        f"orders      {counts}",
        f"outcomes    {outcomes or 'none'}",
        f"sums        {fiat}, {crypto}",
        f"requisite   after {_spread(report.to_requisite)}",
        f"settled     after {_spread(report.to_settled)}",
        f"callbacks   {report.callbacks} received",
        f"invariants  {books.text}",
        *(f"stumbled    {times} times: {what}" for what, times in report.stumbles.most_common(PROBLEMS_SHOWN)),
        *(f"problem     {problem}" for problem in report.problems[:PROBLEMS_SHOWN] if not was_stopped),
    ]


def _spread(spread: "Spread") -> str:
    if spread.p50 is None or spread.p95 is None:
        return "-"
    return f"{spread.p50:.2f} s (p50), {spread.p95:.2f} s (p95)"


def _sorted(states: Sequence[str] | dict[str, int]) -> list[str]:
    return sorted(states, key=lambda state: (ORDER_OF_STATES.index(state) if state in ORDER_OF_STATES else 99, state))


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace(",", " ")
