"""The banks' memory: what has really moved between people's accounts. It is the truth, whatever anybody says."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True)
class Bank:
    """Amounts are fiat, by the order they were meant for."""

    received: dict[str, Decimal] = field(default_factory=dict)
    """Sent by payers for an order that its trader can look up."""
    strays: dict[str, Decimal] = field(default_factory=dict)
    """Sent when the order was over: its trader has the money, and no order that explains it."""
    paid_out: set[str] = field(default_factory=set)
    """Pay-outs whose recipients have their money."""
    declared: dict[str, str] = field(default_factory=dict)
    """Strays that a trader has declared: the order by the id of the unmatched payment."""

    def find_received(self, order_id: str) -> Decimal | None:
        """What a trader has got for an order, however it came."""
        return self.received.get(order_id, self.strays.get(order_id))

    def lose(self, order_id: str) -> None:
        """Nobody takes the payer's word any more: what he has sent belongs to no order."""
        self.strays[order_id] = self.received.pop(order_id)
