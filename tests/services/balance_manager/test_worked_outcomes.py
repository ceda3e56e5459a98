"""Every row of "Every outcome" in docs/money.md, played by the services and compared to the last digit."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from factories import disputes
from factories.payouts import PAYS
from factories.people import CRYPTO, FIAT
from factories.world import World, make_world
from jivapay.schemas_enums.enums import AccountKind, OrderStatus
from jivapay.services.api_key_service import StoreContext
from jivapay.services.balance_manager import AccountKey
from jivapay.utils.resources import Resources

pytestmark = pytest.mark.usefixtures("own_invariants_hold")

PAGE = Path(__file__).resolve().parents[3] / "docs" / "money.md"
LESS, MORE = "4000.00", Decimal("5000.00")
COOLDOWN = 5


class Desk:
    """A world with the page's percentages: 3 % of pay-ins, 2 % of pay-outs, a trader at 1 %."""

    def __init__(self, world: World, payer: StoreContext) -> None:
        self.world = world
        self.payer = payer

    async def balances(self) -> list[Decimal]:
        """Of everybody: the traders' and the stores' together."""
        sums = (
            "select coalesce(sum(p.amount), 0) from postings p join accounts a on a.id = p.account_id"
            " where a.owner_type = :owner and a.kind = :kind and not a.test"
        )
        owners = (("trader", "crypto"), ("store", "crypto"), ("platform", "crypto"), ("trader", "fiat"))
        found = [Decimal(await self.world.scalar(sums, owner=owner, kind=kind)) for owner, kind in owners]
        await self.world.roll_up()
        outside = await self.world.balance(AccountKey.world(AccountKind.FIAT, FIAT, test=False))
        return [*found, outside.total]

    async def assigned(self) -> int:
        """Once the amount of the one before is free again."""
        await self.world.advance(COOLDOWN + 1)
        return await self.world.assign()

    async def completed(self) -> int:
        incoming = await self.assigned()
        await self.world.confirm_by_trader(incoming)
        return incoming

    async def opened(self) -> int:
        incoming = await self.assigned()
        await self.world.confirm_by_customer(incoming)
        return incoming

    async def accepted(self) -> int:
        incoming = await self.world.offer_payout(store=self.payer)
        await self.world.take_payout(incoming)
        return incoming

    async def paid_out(self) -> int:
        incoming = await self.accepted()
        await self.world.pay_payout(incoming)
        return incoming

    async def cleared(self) -> int:
        incoming = await self.paid_out()
        await self.world.advance(self.world.rules.payout_clearing_seconds + 1)
        assert await self.world.clear_due() >= 1
        return incoming

    async def lapsed(self) -> int:
        incoming = await self.assigned()
        await self.world.advance(self.world.rules.client_pay_seconds + 1)
        await self.world.expire_due()
        return incoming

    async def resolve(self, incoming: int, outcome: str, amount: str | None = None) -> int:
        case = await disputes.open_dispute(self.world, incoming)
        decided = await disputes.resolve(self.world, case, outcome, amount=amount)
        assert decided.startswith("resolved"), decided
        return incoming

    async def overpaid(self) -> None:
        await self.world.confirm_by_trader(await self.assigned(), amount=MORE)


async def _completed(desk: Desk) -> None:
    await desk.completed()
    await desk.world.confirm_by_trader(await desk.lapsed())


async def _cancelled(desk: Desk) -> None:
    await desk.world.cancel(await desk.assigned())
    await desk.lapsed()
    silent = await desk.opened()
    await desk.world.advance(desk.world.rules.trader_confirm_seconds + 1)
    await desk.world.expire_due()
    await desk.world.decide(silent, OrderStatus.FAILED)


async def _smaller(desk: Desk) -> None:
    incoming = await desk.assigned()
    await desk.world.confirm_by_trader(incoming, amount=Decimal("4517.00"))
    await desk.world.confirm_by_customer(incoming, actor=desk.world.store.actor, amount=Decimal("4517.00"))


async def _returned(desk: Desk) -> None:
    await desk.overpaid()
    rest = await desk.world.scalar("select public_id from unmatched_payments order by id desc limit 1")
    await desk.world.return_unmatched(rest)


async def _late(desk: Desk) -> None:
    incoming = await desk.lapsed()
    await desk.world.advance(desk.world.rules.late_rate_seconds + 1)
    await desk.world.set_rate(Decimal("120.00"))
    await desk.world.confirm_by_trader(incoming)
    await desk.world.set_rate()


async def _unpaid_payout(desk: Desk) -> None:
    await desk.world.cancel(await desk.world.offer_payout(store=desk.payer))
    refused = await desk.world.offer_payout(store=desk.payer)
    await desk.world.decline_payout(refused)
    for _ in range(desk.world.rules.max_order_retries):
        await desk.world.process(refused)
        await desk.world.advance(400)
    assert (await desk.world.statuses(refused))[0] == "failed"


async def _each_unpaid(desk: Desk, make: Callable[[], Awaitable[int]]) -> None:
    for outcome in ("cancelled", "failed"):
        await desk.resolve(await make(), outcome)


async def _taken_back(desk: Desk) -> None:
    await desk.resolve(await desk.paid_out(), "cancelled")
    await desk.resolve(await desk.cleared(), "cancelled")
    adjusted = await desk.resolve(await desk.paid_out(), "adjusted", LESS)
    await desk.resolve(adjusted, "cancelled")


async def _up_again(desk: Desk) -> None:
    adjusted = await desk.resolve(await desk.paid_out(), "adjusted", LESS)
    await desk.resolve(adjusted, "adjusted", "4750.00")


async def _adjusted_and_back(desk: Desk) -> None:
    adjusted = await desk.resolve(await desk.completed(), "adjusted", LESS)
    await desk.resolve(adjusted, "cancelled")


PLAYS: dict[str, tuple[int, Callable[[Desk], Awaitable[object]]]] = {
    "pay-in completed, in time or late at its rate": (2, _completed),
    "pay-in cancelled, expired or failed": (3, _cancelled),
    "pay-in, both sides state 4 517.00": (1, _smaller),
    "pay-in, 5 000.00 have come": (1, Desk.overpaid),
    "pay-in, 5 000.00 have come, the rest returned": (1, _returned),
    "pay-in paid late at 120.00": (1, _late),
    "open pay-in disputed: `completed`": (1, lambda desk: _after(desk, desk.opened, "completed")),
    "open pay-in disputed: `adjusted` to 4 000.00": (1, lambda desk: _after(desk, desk.opened, "adjusted", LESS)),
    "open pay-in disputed: `cancelled` or `failed`": (2, lambda desk: _each_unpaid(desk, desk.opened)),
    "lapsed pay-in disputed: `completed`": (1, lambda desk: _after(desk, desk.lapsed, "completed")),
    "completed pay-in disputed: `completed`": (1, lambda desk: _after(desk, desk.completed, "completed")),
    "completed pay-in disputed: `adjusted` to 4 000.00": (
        1,
        lambda desk: _after(desk, desk.completed, "adjusted", LESS),
    ),
    "completed pay-in disputed: `cancelled`": (1, lambda desk: _after(desk, desk.completed, "cancelled")),
    "adjusted pay-in disputed again: `cancelled`": (1, _adjusted_and_back),
    "pay-out completed": (1, Desk.paid_out),
    "pay-out cancelled, or declined by everybody": (2, _unpaid_payout),
    "accepted pay-out disputed: `completed`": (1, lambda desk: _after(desk, desk.accepted, "completed")),
    "accepted pay-out disputed: `adjusted` to 4 000.00": (
        1,
        lambda desk: _after(desk, desk.accepted, "adjusted", LESS),
    ),
    "accepted pay-out disputed: `cancelled` or `failed`": (2, lambda desk: _each_unpaid(desk, desk.accepted)),
    "completed pay-out disputed: `completed`": (1, lambda desk: _after(desk, desk.paid_out, "completed")),
    "completed pay-out disputed: `adjusted` to 4 000.00": (
        1,
        lambda desk: _after(desk, desk.paid_out, "adjusted", LESS),
    ),
    "cleared pay-out disputed: `adjusted` to 4 000.00": (1, lambda desk: _after(desk, desk.cleared, "adjusted", LESS)),
    "adjusted pay-out disputed again: `adjusted` to 4 750.00": (1, _up_again),
    "completed or adjusted pay-out disputed: `cancelled`": (3, _taken_back),
}
"""Row → how many deals its play makes of which each ends so, and the play."""


async def _after(desk: Desk, make: Callable[[], Awaitable[int]], outcome: str, amount: str | None = None) -> None:
    await desk.resolve(await make(), outcome, amount)


def printed() -> dict[str, list[Decimal]]:
    section = PAGE.read_text(encoding="utf-8").split("\n## Every outcome\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")][2:]
    return {cells[0]: [Decimal(cell.replace(" ", "").replace("−", "-")) for cell in cells[1:]] for cells in rows}


async def test_every_outcome_moves_what_the_page_says(own_resources: Resources) -> None:
    world = await make_world(own_resources, limits=PAYS)
    await world.change_settings(AMOUNT_COOLDOWN_SECONDS=COOLDOWN, DISPUTE_WINDOW_SECONDS=10_000_000)
    payer = await world.add_store(percent=Decimal(2), pay_out_enabled=True)
    await world.fund(Decimal(10_000), payer)
    desk, rows = Desk(world, payer), printed()
    assert rows.keys() == PLAYS.keys()
    for name, (deals, play) in PLAYS.items():
        before = await desk.balances()
        await play(desk)
        moved = [after - was for after, was in zip(await desk.balances(), before, strict=True)]
        assert moved == [deals * amount for amount in rows[name]], name
    held = "select coalesce(sum(amount), 0) from holds where status = 'active' and ref_type <> :clearing"
    assert await world.scalar(f"{held} and ref_type <> 'unmatched_payment'", clearing="clearing") == 0
    assert (await world.balance(AccountKey.store_crypto(payer.id, CRYPTO, test=False))).held == Decimal(0)
