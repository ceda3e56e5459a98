"""A file made for the caller: sent in pieces as an attachment, closed when it is sent or the caller is gone."""

from collections.abc import Iterator
from typing import IO

from fastapi.responses import StreamingResponse

from jivapay.services.statement_service import StatementFile

PIECE_BYTES = 64 * 1024


def send_file(made: StatementFile) -> StreamingResponse:
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_pieces(made.content), media_type=made.media_type, headers=headers)


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        while piece := content.read(PIECE_BYTES):
            yield piece
