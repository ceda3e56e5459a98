"""Files sent as attachments: those made for the caller, in pieces and closed afterwards, and documents as kept."""

from collections.abc import Iterator
from typing import IO

from fastapi.responses import Response, StreamingResponse

from jivapay.services.document_service import Download
from jivapay.services.statement_service import StatementFile

PIECE_BYTES = 64 * 1024


def send_file(made: StatementFile) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_pieces(made.content), media_type=made.media_type, headers=headers)


def send_document(found: Download) -> Response:
    """As an attachment under a policy that runs nothing: nothing somebody sent is shown in place."""
    headers = {
        "Content-Disposition": f'attachment; filename="{found.file_name}"',
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(found.data, media_type=found.content_type, headers=headers)


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        while piece := content.read(PIECE_BYTES):
            yield piece
