"""The moves of a pay-out, which `World` makes like all others: through the doors' own transactions, committed."""
# ruff: noqa: ANN401 - columns and fields are of any type here

from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from factories.people import CRYPTO, FIAT, TraderHere
from jivapay.config.business_settings import BusinessSettings
from jivapay.database.locks import Deal, lock_deal_for_update
from jivapay.domain.actors import Actor
from jivapay.domain.identifiers import new_id
from jivapay.domain.outcomes import Assigned, Outcome
from jivapay.exceptions import OrderStateConflict
from jivapay.schemas_enums.enums import DepositNetwork, OwnerType
from jivapay.services import (
    callback_service,
    deposit_service,
    document_service,
    order_processor,
    order_service,
    order_status_manager,
)
from jivapay.services.api_key_service import StoreContext
from jivapay.services.deposit_service import NewDeposit
from jivapay.services.document_service import StoredReceipt
from jivapay.services.order_processor import Recipient, Request, UrlRules
from jivapay.utils.resources import Resources

SYSTEM = Actor.system("tests")
AMOUNT = Decimal("4750.00")


def stored_receipt() -> StoredReceipt:
    """As `document_service.stage` gives it, without the picture."""
    unique = new_id()
    return StoredReceipt(f"{document_service.FOLDER}/{unique.hex}", "image/png", 100, unique.bytes * 2)


class PayoutMoves:
    """What a world adds to this: the rows it looks at and the worker."""

    resources: Resources
    rules: BusinessSettings
    staff: Actor
    store: StoreContext
    traders: list[TraderHere]
    numbers: "count[int]"

    async def deal(self, incoming_order_id: int) -> Deal:
        raise NotImplementedError

    async def process(self, incoming_order_id: int) -> Outcome:
        raise NotImplementedError

    async def fund(self, amount: Decimal, store: StoreContext | None = None) -> None:
        """Money of the store's own on its balance, brought in by the merchant."""
        store = store or self.store
        new = NewDeposit(
            OwnerType.STORE, store.public_id, amount, CRYPTO, DepositNetwork.TRON, new_id().hex, "", "brought in"
        )
        async with self.resources.database.write() as session:
            await deposit_service.request_deposit(session, self.staff, new, self.rules)

    async def accept_payout(
        self,
        amount: Decimal = AMOUNT,
        *,
        store: StoreContext | None = None,
        method: str = "card",
        number: str = "4276380012345679",
        rules: BusinessSettings | None = None,
        **fields: Any,
    ) -> int:
        """A store's request for a pay-out, by the world's rules or its own; the incoming order's internal id."""
        store = store or self.store
        count = next(self.numbers)
        asked = {"external_order_id": f"P-{count}", "currency": FIAT, "request_hash": b"%d" % count, **fields}
        recipient = Recipient(number, "Петрова Анна Ивановна")
        request = Request(amount=amount, payment_method=method, hosted=False, recipient=recipient, **asked)
        urls = UrlRules(callback_service.callback_rules(self.resources.settings), allow_loopback_http=True)
        async with self.resources.database.write() as session:
            accepted = await order_processor.accept_payout(
                session,
                store.actor,
                store,
                request,
                rules=rules or self.rules,
                urls=urls,
                cipher=self.resources.cipher,
            )
        return accepted.incoming_order_id

    async def offer_payout(self, amount: Decimal = AMOUNT, **fields: Any) -> int:
        """Accepted from the store and offered to a trader."""
        incoming_order_id = await self.accept_payout(amount, **fields)
        outcome = await self.process(incoming_order_id)
        assert isinstance(outcome, Assigned), outcome
        return incoming_order_id

    async def take_payout(self, incoming_order_id: int) -> None:
        """The trader it is offered to accepts."""
        trader, public_id = await self.trader_of(incoming_order_id)
        async with self.resources.database.write() as session:
            await order_service.accept_order_for_trader(
                session, trader.actor, public_id, self.rules, self.resources.cipher
            )

    async def decline_payout(self, incoming_order_id: int) -> None:
        trader, public_id = await self.trader_of(incoming_order_id)
        async with self.resources.database.write() as session:
            await order_service.decline_order_for_trader(session, trader.actor, public_id, "no", self.rules)

    async def pay_payout(self, incoming_order_id: int, receipt: StoredReceipt | None = None) -> None:
        """The trader has paid and shows the receipt."""
        trader, public_id = await self.trader_of(incoming_order_id)
        async with self.resources.database.write() as session:
            await order_service.confirm_order_for_trader(
                session, trader.actor, public_id, self.rules, receipt=receipt or stored_receipt()
            )

    async def complete_payout(self, amount: Decimal = AMOUNT, **fields: Any) -> int:
        """A whole pay-out: offered, accepted, paid."""
        incoming_order_id = await self.offer_payout(amount, **fields)
        await self.take_payout(incoming_order_id)
        await self.pay_payout(incoming_order_id)
        return incoming_order_id

    async def confirm_payout(self, incoming_order_id: int) -> None:
        """The store says that the recipient has the money."""
        async with self.resources.database.write() as session:
            deal = await lock_deal_for_update(session, incoming_order_id)
            await order_status_manager.confirm_receipt(session, self.store.actor, deal)

    async def clear_due(self) -> int:
        return await order_processor.clear_due(self.resources.database, SYSTEM)

    async def trader_of(self, incoming_order_id: int) -> tuple[TraderHere, UUID]:
        """Whose deal it is, and its public id. Raises OrderStateConflict while it is nobody's."""
        deal = await self.deal(incoming_order_id)
        if deal.order is None:
            raise OrderStateConflict(deal.incoming.status)
        trader = next(one for one in self.traders if deal.order and one.id == deal.order.trader_id)
        return trader, deal.incoming.public_id
