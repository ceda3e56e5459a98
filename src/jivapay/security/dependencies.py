"""What routes are handed: the process's resources and sessions whose transaction ends before the answer.

`scope="function"` makes FastAPI leave the session, and so commit, before it sends anything: a failed commit is
a 500 and not a 200 (decision 11; `docs/adr/`).
"""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from jivapay.database.session import Database, ReadSession, WriteSession
from jivapay.utils.resources import Resources


def get_resources(request: Request) -> Resources:
    """What `app_factory` opened for this process."""
    resources: Resources = request.app.state.resources
    return resources


AppResources = Annotated[Resources, Depends(get_resources)]


def get_database(resources: AppResources) -> Database:
    return resources.database


async def get_db_session(resources: AppResources) -> AsyncIterator[WriteSession]:
    """One transaction, committed before the answer leaves."""
    async with resources.database.write() as session:
        yield session


async def get_read_session(resources: AppResources) -> AsyncIterator[ReadSession]:
    """A READ ONLY transaction."""
    async with resources.database.read() as session:
        yield session


WriteDb = Annotated[WriteSession, Depends(get_db_session, scope="function")]
ReadDb = Annotated[ReadSession, Depends(get_read_session, scope="function")]
Db = Annotated[Database, Depends(get_database)]
"""For phased doors, which open short transactions one after another."""
