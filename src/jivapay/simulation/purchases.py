"""One order as its shop remembers it: what was asked, what was answered, which callbacks came."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from jivapay.schemas_enums.enums import IncomingOrderStatus, OrderStatus
from jivapay.simulation.plans import OrderPlan

Json = dict[str, Any]


@dataclass(slots=True)
class Purchase:
    """Times are the loop's clock, in seconds."""

    plan: OrderPlan
    external_id: str
    customer_id: str
    asked_at: float
    wanted_at: float
    """When amount and method were known, so that a requisite could be looked for."""
    answer: Json | None = None
    """The newest answer to a status question."""
    events: dict[str, Json] = field(default_factory=dict)
    """Verified callbacks, by event id."""
    requisite_at: float | None = None
    settled_at: float | None = None
    is_followed: bool = False
    """Nothing more is expected to happen by itself, and the shop was told of it."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> str:
        """The deal's status where there is one, else the request's."""
        newest = self._newest()
        if newest is None:
            return "asked"
        return str(newest["order_history_status"] or newest["status"])

    @property
    def rests(self) -> bool:
        """Terminal, or waiting for a person."""
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
    def settlement(self) -> Json | None:
        """The callback that brought the money."""
        return next((event for event in self.events.values() if event["type"] == "order.completed"), None)

    @property
    def is_told(self) -> bool:
        """The newest callback says what the newest answer says."""
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
        self.moved.set()
        return True

    def see_requisite(self, now: float) -> None:
        if self.requisite_at is None:
            self.requisite_at = now

    def find_lie(self) -> str | None:
        """How the platform's word differs from what was asked; None when it does not."""
        answer = self.answer
        if answer is None:
            return "was never answered"
        plan = self.plan
        expected = {"external_order_id": self.external_id, "currency": "RUB", "metadata": {"number": str(plan.number)}}
        if answer["amount"] is not None:
            expected["amount"] = f"{plan.amount:.2f}"
        for name, value in expected.items():
            if answer[name] != value:
                return f"has {name} {answer[name]!r} instead of {value!r}"
        settlements = [event for event in self.events.values() if event["type"] == "order.completed"]
        if len(settlements) > 1:
            return "was settled more than once"
        if bool(answer["paid"]) != (self.state == OrderStatus.COMPLETED):
            return f"is {self.state} and says paid: {answer['paid']}"
        return None

    def _note(self, said: Json, now: float) -> None:
        if said["order_history_status"] is not None:
            self.see_requisite(now)
        if said["paid"] and self.settled_at is None:
            self.settled_at = now

    def _newest(self) -> Json | None:
        event, answer = self.last_event, self.answer
        if event is None or answer is None:
            return event or answer
        return event if int(event["status_version"]) > int(answer["version"]) else answer
