"""What customers leave in the banks' memory: the money they sent, and whether an order explains it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from jivapay.simulation import customers
from jivapay.simulation.bank import Bank
from jivapay.simulation.customers import Claim, Customer
from jivapay.simulation.http import Refused
from jivapay.simulation.plans import Behaviour, OrderPlan, plan_order
from simulation.test_plans import STORES

AGREED = Decimal("4750.00")


class Till:
    """Shows one state after another, the last one for ever; refuses confirmations with `refusal`, if there is one."""

    def __init__(self, *states: str, refusal: int | None = None, hears_complaints: bool = False) -> None:
        self.states = list(states)
        self.refusal = refusal
        self.hears_complaints = hears_complaints
        self.claims: list[Claim] = []
        self.complaints: list[Claim] = []
        self.cancelled = 0

    async def open(self, _plan: OrderPlan) -> str:
        return await self.look()

    async def look(self) -> str:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    async def confirm(self, claim: Claim) -> None:
        self.claims.append(claim)
        if self.refusal is not None:
            raise Refused(self.refusal, "session.expired", "confirm")

    async def complain(self, claim: Claim) -> bool:
        if self.hears_complaints:
            self.complaints.append(claim)
        return self.hears_complaints

    async def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_EVERY_SECONDS", "WAIT_EVERY_SECONDS", "TOO_LATE_SECONDS"):
        monkeypatch.setattr(customers, name, 0.001)


def plan(behaviour: Behaviour, *, sends: str = "4750.00", states_amount: bool = False) -> OrderPlan:
    return replace(
        plan_order("a", 1, STORES),
        behaviour=behaviour,
        amount=AGREED,
        sends=Decimal(sends),
        states_amount=states_amount,
        thinks_seconds=0.0,
        pays_after_seconds=0.0,
    )


async def live(plan: OrderPlan, till: Till) -> Bank:
    bank = Bank()
    await Customer("a", plan, "o1", bank).live(till)
    return bank


async def test_who_pays_has_paid_and_says_so() -> None:
    till = Till("pay")
    bank = await live(plan(Behaviour.PAYS), till)
    assert (bank.received, bank.strays) == ({"o1": AGREED}, {})
    assert till.claims == [Claim()]


@pytest.mark.parametrize(("states_amount", "said"), [(True, {"amount": "4700.00"}), (False, None)])
async def test_another_amount_is_said_or_not(states_amount: bool, said: dict[str, str] | None) -> None:
    till = Till("pay")
    bank = await live(plan(Behaviour.PAYS_OTHERWISE, sends="4700.00", states_amount=states_amount), till)
    assert bank.received == {"o1": Decimal("4700.00")}
    assert [claim.form for claim in till.claims] == [said]


@pytest.mark.parametrize("behaviour", [Behaviour.CANCELS, Behaviour.WALKS_AWAY, Behaviour.CLAIMS_FALSELY])
async def test_who_does_not_pay_has_sent_nothing(behaviour: Behaviour) -> None:
    till = Till("pay")
    assert await live(plan(behaviour), till) == Bank()
    assert till.cancelled == (behaviour is Behaviour.CANCELS)
    assert len(till.claims) == (behaviour is Behaviour.CLAIMS_FALSELY)


async def test_a_late_payer_proves_it_with_a_receipt() -> None:
    till = Till("pay", "pay", "expired")
    bank = await live(plan(Behaviour.PAYS_LATE), till)
    assert (bank.received, bank.strays) == ({"o1": AGREED}, {})
    assert [claim.receipt is not None for claim in till.claims] == [True]


async def test_who_pays_late_and_says_nothing_leaves_money_without_an_order() -> None:
    till = Till("pay", "pay", "expired")
    bank = await live(plan(Behaviour.PAYS_LATE_SILENTLY), till)
    assert (bank.received, bank.strays, till.claims) == ({}, {"o1": AGREED}, [])


@pytest.mark.parametrize("hears", [True, False])
async def test_who_pays_too_late_complains_where_he_can(hears: bool) -> None:
    till = Till("pay", "pay", "expired", refusal=410, hears_complaints=hears)
    bank = await live(plan(Behaviour.PAYS_TOO_LATE), till)
    money = {"o1": AGREED}
    assert (bank.received, bank.strays) == ((money, {}) if hears else ({}, money))
    assert len(till.complaints) == hears


async def test_who_paid_silently_claims_it_when_the_trader_did_not_look() -> None:
    till = Till("pay", "pay", "pay", "expired")
    bank = await live(plan(Behaviour.PAYS_SILENTLY), till)
    assert bank.received == {"o1": AGREED}
    assert len(till.claims) == 1
    seen = Till("pay", "pay", "pay", "paid")
    await live(plan(Behaviour.PAYS_SILENTLY), seen)
    assert seen.claims == []


async def test_nobody_sends_money_for_an_order_that_is_over() -> None:
    till = Till("pay", "cancelled")
    assert await live(plan(Behaviour.PAYS), till) == Bank()
