"""One order as its shop remembers it: what was asked, what was answered, which callbacks came."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from jivapay.schemas_enums.enums import IncomingOrderStatus, OrderStatus
from jivapay.simulation.plans import OrderPlan, Plan

Json = dict[str, Any]
REFUSED = "refused"
COMPLETED, ADJUSTED, REVERSED = "order.completed", "order.adjusted", "order.reversed"
MOVES_MONEY = frozenset({COMPLETED, ADJUSTED, REVERSED})


@dataclass(slots=True)
class Purchase:
    """Times are the loop's clock, in seconds."""

    plan: Plan
    external_id: str
    customer_id: str
    """Of a pay-in; who is paid out is no customer of the platform's."""
    asked_at: float
    wanted_at: float
    """When amount and method were known, so that a requisite could be looked for."""
    answer: Json | None = None
    """The newest answer to a status question."""
    events: dict[str, Json] = field(default_factory=dict)
    """Verified callbacks, by event id."""
    unheard: dict[str, Json] = field(default_factory=dict)
    """Events of the store's stream that were never pushed."""
    refused: str | None = None
    """Why the platform did not take it, as a code; it exists nowhere then."""
    requisite_at: float | None = None
    """Of a pay-out: when it was first offered to a trader."""
    accepted_at: float | None = None
    """When a trader took a pay-out on."""
    settled_at: float | None = None
    is_followed: bool = False
    """Nothing more is expected to happen by itself, and the shop was told of it."""
    moved_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> str:
        """The deal's status where there is one, else the request's."""
        if self.refused is not None:
            return REFUSED
        newest = self._newest()
        if newest is None:
            return "asked"
        return str(newest["order_history_status"] or newest["status"])

    @property
    def rests(self) -> bool:
        """Terminal, or waiting for a person."""
        if self.refused is not None:
            return True
        newest = self._newest()
        if newest is None:
            return False
        if newest["order_history_status"] is not None:
            status = OrderStatus(newest["order_history_status"])
            return status.is_terminal or status.waits_for_person
        incoming = IncomingOrderStatus(newest["status"])
        return incoming.is_terminal or incoming is IncomingOrderStatus.MANUAL_REVIEW

    @property
    def last_event(self) -> Json | None:
        return max(self.events.values(), key=lambda event: int(event["status_version"]), default=None)

    @property
    def moved(self) -> Decimal:
        """On the store's balance, by all that happened to it."""
        return sum((Decimal(event["balance_change"]) for event in self._money), Decimal(0))

    @property
    def settlement(self) -> Json | None:
        """The event whose figures are in force; None while nothing is paid."""
        newest = max(self._money, key=lambda event: int(event["status_version"]), default=None)
        return None if newest is None or newest["type"] == REVERSED else newest

    @property
    def is_told(self) -> bool:
        """The newest callback says what the newest answer says."""
        if self.refused is not None:
            return True
        event, answer = self.last_event, self.answer
        if event is None or answer is None:
            return False
        return all(event[name] == answer[name] for name in ("status", "order_history_status", "paid"))

    def see(self, answer: Json, now: float) -> None:
        """Take note of an answer to the shop."""
        if self.answer is None or answer["version"] >= self.answer["version"]:
            self.answer = answer
        self._note(answer, now)

    def hear(self, event: Json, now: float) -> bool:
        """Take note of a callback; False when it came before."""
        if event["event_id"] in self.events:
            return False
        self.events[event["event_id"]] = event
        self._note(event, now)
        self.moved_on.set()
        return True

    def overhear(self, event: Json) -> None:
        """Take note of an event of the stream, which a shop was not necessarily told of."""
        if event["event_id"] not in self.events:
            self.unheard[event["event_id"]] = event

    def see_requisite(self, now: float) -> None:
        if self.requisite_at is None:
            self.requisite_at = now

    def find_lie(self) -> str | None:
        """How the platform's word differs from what was asked; None when it does not."""
        answer = self.answer
        if answer is None:
            return "was never answered"
        plan = self.plan
        expected = {
            "external_order_id": self.external_id,
            "currency": "RUB",
            "direction": plan.direction.value,
            "metadata": {"number": str(plan.number)},
        }
        if answer["amount_agreed"] is not None:
            expected["amount_agreed"] = f"{plan.amount:.2f}"
        for name, value in expected.items():
            if answer[name] != value:
                return f"has {name} {answer[name]!r} instead of {value!r}"
        if answer["amount"] not in {None, *self._possible_amounts}:
            return f"has amount {answer['amount']!r}, which nobody asked for or sent"
        if sum(event["type"] == COMPLETED for event in self._money) > 1:
            return "was settled more than once"
        if bool(answer["paid"]) != (self.state == OrderStatus.COMPLETED):
            return f"is {self.state} and says paid: {answer['paid']}"
        return None

    @property
    def _money(self) -> list[Json]:
        known = (self.unheard | self.events).values()
        return [event for event in known if event["type"] in MOVES_MONEY]

    @property
    def _possible_amounts(self) -> set[str]:
        plan = self.plan
        sent = plan.sends if isinstance(plan, OrderPlan) else plan.amount
        return {f"{plan.amount:.2f}", f"{sent:.2f}"}

    def _note(self, said: Json, now: float) -> None:
        if said["order_history_status"] is not None:
            self.see_requisite(now)
        if said["order_history_status"] == OrderStatus.IN_PROGRESS and self.accepted_at is None:
            self.accepted_at = now
        if said["paid"] and self.settled_at is None:
            self.settled_at = now

    def _newest(self) -> Json | None:
        event, answer = self.last_event, self.answer
        if event is None or answer is None:
            return event or answer
        return event if int(event["status_version"]) > int(answer["version"]) else answer
