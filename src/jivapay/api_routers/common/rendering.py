"""Rows as they are shown: every amount with its currency's own decimals, numbers masked for all but their owner."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from fastapi import Response

from jivapay.database.models.people import StoreApiKey, User
from jivapay.domain.money import format_amount, format_percent
from jivapay.schemas_enums.approvals import ApprovalRead
from jivapay.schemas_enums.base import Page, PageQuery
from jivapay.schemas_enums.enums import Direction
from jivapay.schemas_enums.requisites import (
    OwnRequisiteRead,
    RequisiteModerationRead,
    RequisiteRead,
    RequisiteSettingsRead,
)
from jivapay.schemas_enums.stores import AccountBalanceRead, ApiKeyRead, BalanceRead, StoreRead
from jivapay.schemas_enums.users import (
    CommissionChangeRead,
    CommissionRead,
    CommissionTermRead,
    CommissionTermsRead,
    UserRead,
)
from jivapay.services.approval_service import ApprovalView
from jivapay.services.balance_manager import Balance
from jivapay.services.commission_service import Change, Commission, Term, Terms
from jivapay.services.merchant_service import StoreView
from jivapay.services.requisite_service import ModerationView, RequisiteView

Done = TypeVar("Done")
Shown = TypeVar("Shown")
WAITS = "A second person must decide, too"
"""What an answer 202 with an approval means."""


def read_user(user: User) -> UserRead:
    return UserRead(
        id=user.public_id,
        email=user.email,
        name=user.name,
        role=user.role,
        is_active=user.is_active,
        created_at=user.created_at,
    )


def read_commission(commission: Commission) -> CommissionRead:
    return CommissionRead(payin=format_percent(commission.payin), payout=format_percent(commission.payout))


def read_terms(terms: Terms) -> CommissionTermsRead:
    return CommissionTermsRead(
        in_force=[_read_term(term) for term in terms.in_force], planned=[_read_term(term) for term in terms.planned]
    )


def _read_term(term: Term) -> CommissionTermRead:
    return CommissionTermRead(
        direction=term.direction,
        payment_method=term.payment_method,
        percent=None if term.percent is None else format_percent(term.percent),
        effective_from=term.effective_from,
    )


def read_changes(
    changes: Sequence[Change], total: int, query: PageQuery, *, with_author: bool
) -> Page[CommissionChangeRead]:
    """One page of a history. Whose commissions they are learns what was changed and why, not by whom."""
    items = [_read_change(change, with_author=with_author) for change in changes]
    return Page(items=items, total=total, page=query.page, page_size=query.page_size)


def _read_change(change: Change, *, with_author: bool) -> CommissionChangeRead:
    row = change.row
    return CommissionChangeRead(
        id=row.public_id,
        direction=Direction(row.direction),
        payment_method=row.payment_method,
        percent=None if row.percent is None else format_percent(row.percent),
        percent_before=None if row.percent_before is None else format_percent(row.percent_before),
        effective_from=row.effective_from,
        set_by=change.set_by if with_author else None,
        reason=row.reason,
        created_at=row.created_at,
    )


def read_balance(balance: Balance, scale: int) -> BalanceRead:
    return BalanceRead(
        currency=balance.currency,
        total=format_amount(balance.total, scale),
        held=format_amount(balance.held, scale),
        available=format_amount(balance.available, scale),
    )


def read_account(balance: Balance, scale: int) -> AccountBalanceRead:
    return AccountBalanceRead(account=balance.kind.value, **read_balance(balance, scale).model_dump())


def read_approval(view: ApprovalView) -> ApprovalRead:
    approval = view.approval
    return ApprovalRead(
        id=approval.public_id,
        action=approval.action,
        amount=format_amount(approval.amount, view.scale),
        currency=approval.currency,
        about=approval.payload,
        reason=approval.reason,
        status=approval.status,
        needs_second_person=approval.needs_second_person,
        requested_by=view.requested_by,
        decided_by=view.decided_by,
        decision_reason=approval.decision_reason,
        created_at=approval.created_at,
        decided_at=approval.decided_at,
        version=approval.version,
    )


def show_decided(done: Done | ApprovalView, response: Response, show: Callable[[Done], Shown]) -> Shown | ApprovalRead:
    """What a decision came to; 202 with the approval when a second person must decide, too."""
    if not isinstance(done, ApprovalView):
        return show(done)
    response.status_code = 202
    return read_approval(done)


def read_store(view: StoreView) -> StoreRead:
    store = view.store
    return StoreRead(
        id=store.public_id,
        name=store.name,
        fiat_currency=store.fiat_currency,
        crypto_currency=store.crypto_currency,
        lower_limit=format_amount(store.lower_limit, view.fiat_scale),
        upper_limit=format_amount(store.upper_limit, view.fiat_scale),
        callback_url=store.callback_url,
        pay_in_enabled=store.pay_in_enabled,
        pay_out_enabled=store.pay_out_enabled,
        access=store.access,
        traffic_access=store.traffic_access,
        gateway_require_customer_id_param=store.gateway_require_customer_id_param,
        gateway_require_amount_param=store.gateway_require_amount_param,
        require_signed_requests=store.require_signed_requests,
        receipt_required=store.receipt_required,
        return_hosts=store.return_hosts,
        processing_ttl_seconds=store.processing_ttl_seconds,
        support_url=store.support_url,
        amount_policy=store.amount_policy,
        amount_percent=format_percent(store.amount_percent),
        test=store.test,
        commission=read_commission(view.commission) if view.commission else None,
        rate_margin_percent=format_percent(store.rate_margin_percent),
        created_at=store.created_at,
    )


def read_api_key(key: StoreApiKey) -> ApiKeyRead:
    return ApiKeyRead(
        id=key.public_id,
        name=key.name,
        key_id=key.key_id,
        last_four=key.last_four,
        scopes=key.scopes,
        networks=key.networks,
        test=key.test,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )


def read_requisite(view: RequisiteView) -> RequisiteRead:
    requisite = view.requisite
    return RequisiteRead(
        id=requisite.public_id,
        payment_method=requisite.payment_method,
        bank=requisite.bank,
        bank_name=view.bank_name,
        fiat_currency=requisite.fiat_currency,
        number_masked=view.number_masked,
        holder=view.holder,
        status=requisite.status,
        status_reason=requisite.status_reason,
        is_excluded_from_distribution=requisite.is_excluded_from_distribution,
        open_count=requisite.open_count,
        test=requisite.test,
        settings=_read_settings(view),
        created_at=requisite.created_at,
    )


def read_moderated_requisite(view: ModerationView) -> RequisiteModerationRead:
    return RequisiteModerationRead(
        **read_requisite(view.view).model_dump(),
        trader_id=view.trader_id,
        trader_email=view.trader_email,
        duplicates=view.duplicates,
    )


def read_own_requisite(view: RequisiteView) -> OwnRequisiteRead:
    if view.number is None:
        raise AssertionError("an owner's view has the number")
    return OwnRequisiteRead(**read_requisite(view).model_dump(), number=view.number)


def _read_settings(view: RequisiteView) -> RequisiteSettingsRead:
    settings = view.settings

    def amount(value: Decimal | None) -> str | None:
        return None if value is None else format_amount(value, view.scale)

    return RequisiteSettingsRead(
        pay_in=settings.pay_in,
        pay_out=settings.pay_out,
        lower_limit=format_amount(settings.lower_limit, view.scale),
        upper_limit=format_amount(settings.upper_limit, view.scale),
        total_limit=amount(settings.total_limit),
        turnover_day_max=amount(settings.turnover_day_max),
        turnover_limit_minutes=settings.turnover_limit_minutes,
        turnover_limit_sum=amount(settings.turnover_limit_sum),
        max_open_orders=settings.max_open_orders,
    )
