"""Money that a trader has received and no order explains: credited to him in fiat, held on his crypto (hard case 10).

Taking it in is one transfer; attaching it to an order and sending it back both end with its exact opposite, so that
what traders were credited with is at all times what was settled and what lies in the inbox.
"""

from decimal import Decimal

from sqlalchemy import select

from jivapay.database.models.ledger import Transfer
from jivapay.database.models.unmatched import UnmatchedPayment
from jivapay.database.session import WriteSession
from jivapay.schemas_enums.enums import AccountKind, HoldStatus, TransferKind
from jivapay.services.balance_manager.accounts import AccountKey, lock_accounts, move
from jivapay.services.balance_manager.holds import hold_trader_crypto, release_hold
from jivapay.services.balance_manager.transfers import write_transfer

UNMATCHED = "unmatched_payment"
"""What its hold and its transfers refer to."""


async def take_in(session: WriteSession, payment: UnmatchedPayment) -> None:
    """Hold the payment's worth on its trader's crypto and credit him with the fiat. Raises InsufficientBalance."""
    legs = _legs(payment)
    crypto = AccountKey.trader_crypto(payment.trader_id, payment.crypto_currency, test=payment.test)
    await lock_accounts(session, [crypto, *(key for key, _ in legs)])
    await hold_trader_crypto(
        session,
        payment.trader_id,
        payment.crypto_currency,
        payment.amount_crypto,
        test=payment.test,
        ref_type=UNMATCHED,
        ref_id=payment.id,
    )
    transfer_id = await write_transfer(session, TransferKind.UNMATCHED, UNMATCHED, payment.id, test=payment.test)
    await move(session, transfer_id, legs)


async def give_back(session: WriteSession, payment: UnmatchedPayment, ending: HoldStatus) -> None:
    """Undo `take_in`: the hold ends as `ending`, and the fiat credit is reversed by its exact opposite.

    Locks the accounts, unless the caller had to lock more of them before (`lock_accounts`).
    """
    legs = _legs(payment)
    crypto = AccountKey.trader_crypto(payment.trader_id, payment.crypto_currency, test=payment.test)
    await lock_accounts(session, [crypto, *(key for key, _ in legs)])
    if not await release_hold(session, ref_type=UNMATCHED, ref_id=payment.id, ending=ending):
        raise AssertionError(f"unmatched payment {payment.id} has no hold")
    taken = await session.scalar(
        select(Transfer.id).where(
            Transfer.kind == TransferKind.UNMATCHED, Transfer.ref_type == UNMATCHED, Transfer.ref_id == payment.id
        )
    )
    transfer_id = await write_transfer(
        session,
        TransferKind.UNMATCHED_REVERSAL,
        UNMATCHED,
        payment.id,
        test=payment.test,
        reverses_id=taken,
    )
    await move(session, transfer_id, [(key, -amount) for key, amount in legs])


def _legs(payment: UnmatchedPayment) -> list[tuple[AccountKey, Decimal]]:
    fiat, test = payment.fiat_currency, payment.test
    return [
        (AccountKey.trader_fiat(payment.trader_id, fiat, test=test), payment.amount_fiat),
        (AccountKey.world(AccountKind.FIAT, fiat, test=test), -payment.amount_fiat),
    ]
