"""`/api/payouts/bulk/`: many requests at once, as a list or a CSV file; each row has a result of its own."""

import csv
import io
from typing import Annotated, Any

from fastapi import Body, File, Path, Query, Response, UploadFile

from jivapay.api_routers.idempotency import Claim, mark_replay
from jivapay.api_routers.payouts.field_errors import NO_FIELD, FieldErrorsRoute, sentence_of
from jivapay.api_routers.payouts.rendering import full, json_response
from jivapay.api_routers.payouts.router import BY_FIELD, Caller, open_terms
from jivapay.schemas_enums.base import DATABASE_INTEGER_MAX
from jivapay.schemas_enums.payout_requests import FieldErrors, PayoutBatchRead, PayoutDryRun
from jivapay.security.dependencies import AppResources, ReadDb, WriteDb
from jivapay.services import payout_service
from jivapay.services.payout_service import BatchView, RowResult
from jivapay.utils.routing import api_router, takes_up_to

router = api_router("/api/payouts/bulk", tags=("payouts",))
router.route_class = FieldErrorsRoute

LIST_ROWS_MAX = 500
LIST_SIZE_MAX = 1024 * 1024
FILE_SIZE_MAX = 5 * 1024 * 1024
BatchId = Annotated[int, Path(ge=1, le=DATABASE_INTEGER_MAX)]
COLUMNS = ("row", "id", "status", "errors")


@router.post("/", status_code=201, response_model=PayoutBatchRead, responses=BY_FIELD)
@takes_up_to(LIST_SIZE_MAX)
async def create_payouts(
    store: Caller,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    body: Annotated[list[Any], Body(min_length=1, max_length=LIST_ROWS_MAX)],
) -> Response:
    """A request for each item that is right; a wrong one spoils no other."""
    terms = await open_terms(resources)
    made = await payout_service.create_list(session, store, body, terms, claim=claim)
    response = json_response(_batch(made.thing), status=201)
    mark_replay(response, replayed=made.replayed)
    return response


@router.post(
    "/csv/",
    status_code=202,
    response_model=PayoutBatchRead,
    responses={**BY_FIELD, 200: {"model": PayoutDryRun, "description": "What a dry run found"}},
)
@takes_up_to(FILE_SIZE_MAX)
async def upload_payouts(
    store: Caller,
    claim: Claim,
    session: WriteDb,
    resources: AppResources,
    file: Annotated[UploadFile, File(description="CSV in UTF-8 with a header, up to 10 000 rows")],
    dry_run: Annotated[bool, Query(description="Only say what is wrong with which row")] = False,
) -> Response:
    """Columns `user_id`, `amount`, `currency`, `comment`, `execute_at`, and `recipient_details` as JSON or a column for
    each of its fields (`recipient_details.card`). The file is worked off in the background.
    """
    content = await file.read()
    if dry_run:
        results = await payout_service.read_file(session, content)
        wrong = [_row(result) for result in results if result.errors]
        return json_response({"total": len(results), "failed": len(wrong), "results": wrong})
    terms = await open_terms(resources)
    made = await payout_service.upload_file(session, store, content, terms, claim=claim)
    response = json_response(_batch(made.thing, with_results=False), status=202)
    mark_replay(response, replayed=made.replayed)
    return response


@router.get("/{batch_id:digits}/", response_model=PayoutBatchRead)
async def get_payout_batch(store: Caller, session: ReadDb, batch_id: BatchId) -> Response:
    """How far it is, and what became of each row so far."""
    return json_response(_batch(await payout_service.get_batch(session, store, batch_id)))


@router.get("/{batch_id:digits}/result/", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def download_payout_batch(store: Caller, session: ReadDb, batch_id: BatchId) -> Response:
    """The result file: each row with the id and status of its payout, or with what is wrong."""
    view = await payout_service.get_batch(session, store, batch_id)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for result in view.results:
        errors = "; ".join(f"{field}: {' '.join(said)}" for field, said in _sentences(result).items())
        payout = result.payout
        writer.writerow([result.number, payout.id if payout else "", payout.status if payout else "", errors])
    name = f'attachment; filename="payouts-{batch_id}.csv"'
    return Response(
        text.getvalue(), media_type="text/csv", headers={"Content-Disposition": name, "Cache-Control": "no-store"}
    )


def _batch(view: BatchView, *, with_results: bool = True) -> dict[str, Any]:
    batch = view.batch
    return {
        "id": batch.id,
        "total": batch.rows_total,
        "done": batch.rows_done,
        "failed": batch.rows_failed,
        "created_at": batch.created_at,
        "finished_at": batch.finished_at,
        "failure": sentence_of(batch.failure) if batch.failure else None,
        "results": [_row(result) for result in view.results] if with_results else [],
    }


def _row(result: RowResult) -> dict[str, Any]:
    if result.payout is not None:
        return {"row": result.number, "status": 201, "payout": full(result.payout), "errors": None}
    return {"row": result.number, "status": 400, "payout": None, "errors": _sentences(result)}


def _sentences(result: RowResult) -> FieldErrors:
    return {
        field or NO_FIELD: list(dict.fromkeys(map(sentence_of, codes)))
        for field, codes in (result.errors or {}).items()
    }
