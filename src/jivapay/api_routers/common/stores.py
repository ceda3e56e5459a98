"""A merchant's own stores with their keys, secrets and balances (ARC-06, STA-07)."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request

from jivapay.api_routers.common.proofs import read_statement_proof
from jivapay.api_routers.common.rendering import read_api_key, read_balance, read_changes, read_store, read_terms
from jivapay.api_routers.idempotency import Claim
from jivapay.domain.actors import Actor
from jivapay.schemas_enums.base import Page, PageQuery
from jivapay.schemas_enums.callbacks import DisabledAddressList, DisabledAddressRead
from jivapay.schemas_enums.enums import OwnerType
from jivapay.schemas_enums.proofs import DayQuery, StatementProof
from jivapay.schemas_enums.statements import AtQuery
from jivapay.schemas_enums.stores import (
    ApiKeyCreate,
    ApiKeyCreated,
    ApiKeyList,
    ApiKeyRotate,
    BalanceRead,
    CallbackSecretRead,
    CallbackSecretRotate,
    StoreCreate,
    StoreCreated,
    StorePatch,
    StoreRead,
)
from jivapay.schemas_enums.users import CommissionChangeRead, CommissionTermsRead
from jivapay.security.access import refuse_without_step_up, requires
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.security.store_auth import api_key_pepper
from jivapay.services import commission_service, merchant_service
from jivapay.services.api_key_service import IssuedKey
from jivapay.services.merchant_service import NewStore
from jivapay.services.merchant_service.keys import KeyMaker
from jivapay.utils.resources import Resources
from jivapay.utils.routing import api_router

router = api_router("/stores", tags=("stores",))

Reader = Annotated[Actor, Depends(requires("stores:read:own"))]
Editor = Annotated[Actor, Depends(requires("stores:edit:own"))]
KeyEditor = Annotated[Actor, Depends(requires("api_keys:edit:own", step_up=True))]
KeyReader = Annotated[Actor, Depends(requires("stores:read:own"))]
TermsReader = Annotated[Actor, Depends(requires("commissions:read:own"))]
Accountant = Annotated[Actor, Depends(requires("balances:read:own"))]

_COLUMNS = {"name", "fiat_currency", "crypto_currency", "lower_limit", "upper_limit", "test"}


@router.get("")
async def list_stores(actor: Reader, session: ReadDb) -> Page[StoreRead]:
    """All of them on one page: a merchant has few."""
    items = [read_store(view) for view in await merchant_service.get_merchant_stores(session, actor)]
    return Page(items=items, total=len(items), page=1, page_size=max(1, len(items)))


@router.post("", status_code=201)
async def create_store(
    actor: Editor, claim: Claim, session: WriteDb, resources: AppResources, body: StoreCreate
) -> StoreCreated:
    """The callback secret is shown once."""
    options = body.model_dump(exclude=_COLUMNS)
    new = NewStore(
        body.name,
        body.fiat_currency,
        body.crypto_currency,
        body.lower_limit,
        body.upper_limit,
        test=body.test,
        options=options,
    )
    made = await merchant_service.create_merchant_store(
        session, actor, new, settings=resources.settings, cipher=resources.cipher, claim=claim
    )
    shown = read_store(made.thing.view).model_dump()
    return StoreCreated(**shown, callback_secret=made.thing.callback_secret)


@router.get("/{store_id}")
async def get_store(actor: Reader, session: ReadDb, store_id: UUID) -> StoreRead:
    return read_store(await merchant_service.get_merchant_store(session, actor, store_id))


@router.patch("/{store_id}")
async def update_store(
    actor: Editor, request: Request, session: WriteDb, resources: AppResources, store_id: UUID, body: StorePatch
) -> StoreRead:
    """Where callbacks go decides who learns of payments: changing it needs a fresh proof of identity."""
    changes = body.model_dump(exclude_unset=True)
    if "callback_url" in changes:
        refuse_without_step_up(request)
    view = await merchant_service.update_merchant_store(session, actor, store_id, changes, settings=resources.settings)
    return read_store(view)


@router.delete("/{store_id}", status_code=204)
async def delete_store(actor: Editor, session: WriteDb, store_id: UUID) -> None:
    """Archives it; its history stays, and what reaches it late is seen and withdrawn as ever."""
    await merchant_service.delete_merchant_store(session, actor, store_id)


@router.get("/{store_id}/commissions")
async def get_store_terms(actor: TermsReader, session: ReadDb, store_id: UUID) -> CommissionTermsRead:
    """What the store pays, and what has been decided for later."""
    view = await merchant_service.get_merchant_store(session, actor, store_id)
    return read_terms(await commission_service.get_terms(session, OwnerType.STORE, view.store.id))


@router.get("/{store_id}/commissions/history")
async def list_commission_changes(
    actor: TermsReader, session: ReadDb, store_id: UUID, query: Annotated[PageQuery, Query()]
) -> Page[CommissionChangeRead]:
    """Newest first."""
    view = await merchant_service.get_merchant_store(session, actor, store_id)
    changes, total = await commission_service.list_changes(
        session, OwnerType.STORE, view.store.id, page=query.page, page_size=query.page_size
    )
    return read_changes(changes, total, query, with_author=False)


@router.get("/{store_id}/balance")
async def get_store_balance(
    actor: Accountant, session: ReadDb, store_id: UUID, query: Annotated[AtQuery, Query()]
) -> BalanceRead:
    """Now, or as it was at a moment."""
    balance, scale = await merchant_service.get_store_balance(session, actor, store_id, query.at)
    return read_balance(balance, scale)


@router.get("/{store_id}/proofs")
async def get_store_proof(
    actor: Accountant, session: ReadDb, store_id: UUID, query: Annotated[DayQuery, Query()]
) -> StatementProof:
    """The store's postings of a sealed day (UTC), and what proves them to anybody: see `docs/proofs.md`."""
    proof = await merchant_service.get_store_proof(session, actor, store_id, query.date)
    return read_statement_proof(store_id, query.date, proof)


@router.get("/{store_id}/disabled-callback-addresses")
async def list_disabled_addresses(actor: Reader, session: ReadDb, store_id: UUID) -> DisabledAddressList:
    """Where nothing is sent any more, because it answered 410."""
    rows = await merchant_service.list_disabled_addresses(session, actor, store_id)
    return DisabledAddressList(items=[DisabledAddressRead.model_validate(row) for row in rows])


@router.delete("/{store_id}/disabled-callback-addresses", status_code=204)
async def enable_callback_addresses(actor: Editor, session: WriteDb, store_id: UUID) -> None:
    """Send there again from now on; what was disabled meanwhile is sent again by hand."""
    await merchant_service.enable_addresses(session, actor, store_id)


@router.post("/{store_id}/callback-secret")
async def rotate_callback_secret(
    actor: KeyEditor, session: WriteDb, resources: AppResources, store_id: UUID, body: CallbackSecretRotate
) -> CallbackSecretRead:
    """The new secret is shown once."""
    secret = await merchant_service.rotate_callback_secret(
        session, actor, store_id, cipher=resources.cipher, keep_previous=body.keep_previous
    )
    return CallbackSecretRead(callback_secret=secret)


@router.get("/{store_id}/api-keys")
async def list_api_keys(actor: KeyReader, session: ReadDb, store_id: UUID) -> ApiKeyList:
    rows = await merchant_service.list_api_keys(session, actor, store_id)
    return ApiKeyList(items=[read_api_key(row) for row in rows])


@router.post("/{store_id}/api-keys", status_code=201)
async def issue_api_key(
    actor: KeyEditor, claim: Claim, session: WriteDb, resources: AppResources, store_id: UUID, body: ApiKeyCreate
) -> ApiKeyCreated:
    """Key and signing secret are shown once."""
    made = await merchant_service.issue_api_key(
        session,
        actor,
        store_id,
        name=body.name,
        scopes=body.scopes,
        networks=body.networks,
        maker=_maker(resources),
        claim=claim,
    )
    return _created(made.thing)


@router.post("/{store_id}/api-keys/{key_id}/rotate", status_code=201)
async def rotate_api_key(
    actor: KeyEditor, session: WriteDb, resources: AppResources, store_id: UUID, key_id: UUID, body: ApiKeyRotate
) -> ApiKeyCreated:
    """A new key like this one, which still works for `overlap_seconds`."""
    issued = await merchant_service.rotate_api_key(
        session,
        actor,
        store_id,
        key_id,
        overlap=timedelta(seconds=body.overlap_seconds),
        maker=_maker(resources),
    )
    return _created(issued)


@router.delete("/{store_id}/api-keys/{key_id}", status_code=204)
async def revoke_api_key(actor: KeyEditor, session: WriteDb, store_id: UUID, key_id: UUID) -> None:
    await merchant_service.revoke_api_key(session, actor, store_id, key_id)


def _maker(resources: Resources) -> KeyMaker:
    return KeyMaker(api_key_pepper(resources.settings), resources.cipher)


def _created(issued: IssuedKey) -> ApiKeyCreated:
    shown = read_api_key(issued.row)
    return ApiKeyCreated(**shown.model_dump(), api_key=issued.key, signing_secret=issued.signing_secret)
