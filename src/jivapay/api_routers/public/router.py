"""Reference data for anybody (E51); limited by address."""

from typing import Annotated

from fastapi import Depends, Query

from jivapay.api_routers.common.proofs import encode, read_chain_head
from jivapay.config.crypto import HeadSigner
from jivapay.domain.money import format_rate
from jivapay.schemas_enums.base import Page
from jivapay.schemas_enums.proofs import ChainHeadFilter, ChainHeadRead, ProofKeyList, ProofKeyRead
from jivapay.schemas_enums.reference import (
    BankList,
    BankRead,
    CurrencyList,
    CurrencyRead,
    ExchangeRateList,
    ExchangeRateRead,
    PaymentMethodList,
    PaymentMethodRead,
)
from jivapay.security.dependencies import AppResources, ReadDb
from jivapay.services import chain_heads, reference_data
from jivapay.utils.rate_limits import rate_limited
from jivapay.utils.routing import api_router

router = api_router("/api/public", tags=("public",), dependencies=[Depends(rate_limited("RATE_LIMIT_DEFAULT"))])


@router.get("/currencies")
async def list_currencies(session: ReadDb) -> CurrencyList:
    rows = await reference_data.list_currencies(session)
    return CurrencyList(items=[CurrencyRead.model_validate(row) for row in rows])


@router.get("/payment-methods")
async def list_payment_methods(session: ReadDb) -> PaymentMethodList:
    rows = await reference_data.list_payment_methods(session)
    return PaymentMethodList(items=[PaymentMethodRead.model_validate(row) for row in rows])


@router.get("/banks")
async def list_banks(session: ReadDb) -> BankList:
    return BankList(items=[BankRead.model_validate(bank) for bank in await reference_data.list_banks(session)])


@router.get("/exchange-rates")
async def list_exchange_rates(session: ReadDb) -> ExchangeRateList:
    """The rates in force, fiat per crypto."""
    return ExchangeRateList(
        items=[
            ExchangeRateRead(
                fiat=row.fiat,
                crypto=row.crypto,
                buy_rate=format_rate(row.buy_rate),
                sell_rate=format_rate(row.sell_rate),
                source=row.source,
                set_at=row.set_at,
            )
            for row in await reference_data.list_exchange_rates(session)
        ]
    )


@router.get("/proof-keys")
async def list_proof_keys(session: ReadDb, resources: AppResources) -> ProofKeyList:
    """The keys that sign the heads of days. Note them before you need them."""
    keys = await chain_heads.list_public_keys(session, HeadSigner.from_settings(resources.settings))
    return ProofKeyList(
        items=[ProofKeyRead(key_id=key_id, public_key=encode(key)) for key_id, key in sorted(keys.items())]
    )


@router.get("/chain-heads")
async def list_chain_heads(session: ReadDb, query: Annotated[ChainHeadFilter, Query()]) -> Page[ChainHeadRead]:
    """The signed heads of the sealed days, newest first: whoever keeps them sees when history is rewritten."""
    heads, total = await chain_heads.list_heads(session, page=query.page, page_size=query.page_size)
    return Page(
        items=[read_chain_head(head) for head in heads], total=total, page=query.page, page_size=query.page_size
    )
