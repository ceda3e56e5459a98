"""How `jivapay demo` looks at a terminal: the live table, the line for logs, and the summary at the end."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from jivapay.schemas_enums.enums import Direction

if TYPE_CHECKING:
    from jivapay.simulation import Report, Snapshot
    from jivapay.simulation.report import Spread, Tally
    from jivapay.simulation.support import Inbox

PROBLEMS_SHOWN = 20
ORDER_OF_STATES = (
    "asked",
    "new",
    "retrying",
    "manual_review",
    "pending",
    "pending_trader_confirmation",
    "in_progress",
    "dispute",
    "requires_attention",
    "completed",
    "reversed",
    "cancelled",
    "expired",
    "failed",
    "refused",
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
    payins, payouts = snapshot.states[Direction.PAY_IN], snapshot.states[Direction.PAY_OUT]
    orders = Table("orders", "pay-ins", "pay-outs", title="Orders")
    for column in orders.columns[1:]:
        column.justify = "right"
    for state in _sorted(payins | payouts):
        orders.add_row(state, str(payins[state] or ""), str(payouts[state] or ""))
    orders.add_section()
    orders.add_row("all", str(payins.total()), str(payouts.total()))
    orders.add_row("settled per minute", str(snapshot.settled_per_minute), "")
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
    of = "" if orders is None else f" of {orders}"
    told = f"callbacks {snapshot.callbacks} | invariants {books.text}"
    payins, payouts = (_states(snapshot.states[way], " ") for way in (Direction.PAY_IN, Direction.PAY_OUT))
    return f"orders {snapshot.asked}{of} | in: {payins} | out: {payouts} | {told}"


def summary(report: "Report", books: Books, *, was_stopped: bool) -> list[str]:
    """Lines of plain text, for eyes and for logs. Of a run that was stopped, what is still under way is no problem."""
    counts = f"{report.asked} asked, {report.accounted} accounted for, {report.waiting} of them wait for a person"
    inbox = ", ".join(f"{status} {n} ({_money(report.inbox.sums[status])} RUB)" for status, n in _counts(report.inbox))
    return [
        f"orders      {counts}",
        *_tally("pay-ins", report.payins, "to stores"),
        *_tally("pay-outs", report.payouts, "from stores"),
        f"inbox       {inbox or 'nothing'}",
        f"decided     disputes: {_states(report.disputes)}; what waited for a person: {_states(report.decided)}",
        f"callbacks   {report.callbacks} received",
        f"invariants  {books.text}",
        *(f"stumbled    {times} times: {what}" for what, times in report.stumbles.most_common(PROBLEMS_SHOWN)),
        *(f"problem     {problem}" for problem in report.problems[:PROBLEMS_SHOWN] if not was_stopped),
    ]


def _tally(name: str, tally: "Tally", way: str) -> list[str]:
    fiat = f"asked {_money(tally.asked_fiat)} RUB, paid {_money(tally.paid_fiat)} RUB"
    crypto = f"{way} {abs(tally.moved_crypto)} USDT, commissions {tally.commission_crypto} USDT"
    accepted = "" if tally.to_accepted.p50 is None else f"to accepted {_spread(tally.to_accepted)}; "
    found, settled = _spread(tally.to_requisite), _spread(tally.to_settled)
    return [
        f"{name:<11} {tally.asked}: {_states(tally.outcomes)}",
        f"  sums      {fiat}, {crypto}",
        f"  times     to requisite {found}; {accepted}to settled {settled}",
    ]


def _counts(inbox: "Inbox") -> list[tuple[str, int]]:
    return sorted(inbox.counts.items())


def _states(counted: Counter[str], separator: str = ", ") -> str:
    return separator.join(f"{state} {counted[state]}" for state in _sorted(counted)) or "none"


def _spread(spread: "Spread") -> str:
    if spread.p50 is None or spread.p95 is None:
        return "-"
    return f"{spread.p50:.2f} s (p50), {spread.p95:.2f} s (p95)"


def _sorted(states: Sequence[str] | dict[str, int]) -> list[str]:
    return sorted(states, key=lambda state: (ORDER_OF_STATES.index(state) if state in ORDER_OF_STATES else 99, state))


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}".replace(",", " ")
