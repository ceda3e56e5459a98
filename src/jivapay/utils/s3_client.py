"""The object store: where receipts lie. A directory by default, an S3 bucket when one is configured, memory
in tests; all three behave alike behind `Storage`. Source: UTL-03 to UTL-07, K46.

A key is random and tells nothing of the file's name. Content type and checksum stand in the database, since
a directory keeps no attributes, and files are served through our own authorised routes, never by a link
into the store.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from jivapay.config.settings import Settings
from jivapay.exceptions import ConfigurationError, StorageError

CALL_SECONDS_MAX = 15.0
CONNECT_TIMEOUT = timedelta(seconds=2)
REQUEST_TIMEOUT = timedelta(seconds=8)
RETRIES_MAX = 2


class Storage(Protocol):
    """The port. Every method raises StorageError when the store is out of reach or too slow."""

    async def put(self, key: str, data: bytes, *, create_only: bool = True) -> None:
        """Store all of it or nothing. `create_only` refuses to replace other content (`storage.exists`)."""
        ...

    async def get(self, key: str) -> bytes:
        """Raises StorageError with `storage.missing` when there is no such object."""
        ...

    async def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""
        ...

    async def exists(self, key: str) -> bool: ...

    async def list_keys(self, prefix: str, *, modified_before: datetime | None = None) -> list[str]:
        """Keys in the folder `prefix`, sorted; only those last written before a moment when one is given."""
        ...


async def upload_fileobj(storage: Storage, data: bytes, *, folder: str, day: date) -> str:
    """Store under a new random key in the folder's part for that day, and return the key."""
    key = f"{day_folder(folder, day)}/{secrets.token_hex(16)}"
    await storage.put(key, data)
    return key


async def download(storage: Storage, key: str) -> bytes:
    """The bytes stored under `key`. Raises StorageError."""
    return await storage.get(key)


def day_folder(folder: str, day: date) -> str:
    """Objects are laid in one folder a day, so that a sweep reads days and not the whole store."""
    return f"{folder}/{day:%Y/%m/%d}"


def open_storage(settings: Settings) -> Storage:
    """The bucket when `S3_BUCKET_NAME` is set, else `STORAGE_DIR`. Raises ConfigurationError when neither is.

    Connects to nothing yet.
    """
    if settings.s3_bucket_name:
        return ObstoreStorage(_open_bucket(settings, settings.s3_bucket_name))
    if settings.storage_dir is None:
        raise ConfigurationError("S3_BUCKET_NAME or STORAGE_DIR must be set.")
    return DirectoryStorage(settings.storage_dir)


class ObstoreStorage:
    """Over obstore: one code for a directory and a bucket."""

    def __init__(self, store: LocalStore | S3Store) -> None:
        self._store = store

    async def put(self, key: str, data: bytes, *, create_only: bool = True) -> None:
        mode: Literal["create", "overwrite"] = "create" if create_only else "overwrite"
        try:
            async with _bounded("put"):
                await obstore.put_async(self._store, key, data, mode=mode, use_multipart=False)
        except AlreadyExistsError:
            # Our own request repeated after a lost answer finds its own bytes; anything else is a collision.
            if await self.get(key) != data:
                raise StorageError("Another object has this key.", code="storage.exists") from None
        except FileNotFoundError as error:  # no such bucket
            raise StorageError(about={"call": "put"}) from error

    async def get(self, key: str) -> bytes:
        try:
            async with _bounded("get"):
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())
        except FileNotFoundError:
            raise _missing() from None

    async def delete(self, key: str) -> None:
        try:
            async with _bounded("delete"):
                await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return

    async def exists(self, key: str) -> bool:
        try:
            async with _bounded("head"):
                await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        return True

    async def list_keys(self, prefix: str, *, modified_before: datetime | None = None) -> list[str]:
        async with _bounded("list"):
            return sorted(
                [
                    item["path"]
                    async for batch in self._store.list(prefix)
                    for item in batch
                    if modified_before is None or item["last_modified"] < modified_before
                ]
            )


class DirectoryStorage(ObstoreStorage):
    """A directory, on the disk before a put returns: the library itself leaves files to the system's cache, and a
    committed row would outlive its receipt in a power cut.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(_open_directory(root))
        self._root = root

    async def put(self, key: str, data: bytes, *, create_only: bool = True) -> None:
        await super().put(key, data, create_only=create_only)
        try:
            async with _bounded("sync"):
                await asyncio.to_thread(_bring_to_disk, self._root / key, self._root)
        except FileNotFoundError as error:  # somebody else removed it
            raise StorageError(about={"call": "sync"}) from error


class MemoryStorage:
    """The twin for tests. `failing` makes every call fail as a store out of reach does."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.modified_at: dict[str, datetime] = {}
        """Fill it in to give an object an age; one without was written long ago."""
        self.failing = False

    async def put(self, key: str, data: bytes, *, create_only: bool = True) -> None:
        self._answer()
        if create_only and self.objects.get(key, data) != data:
            raise StorageError("Another object has this key.", code="storage.exists")
        self.objects[key] = bytes(data)

    async def get(self, key: str) -> bytes:
        self._answer()
        if key not in self.objects:
            raise _missing()
        return self.objects[key]

    async def delete(self, key: str) -> None:
        self._answer()
        self.objects.pop(key, None)

    async def exists(self, key: str) -> bool:
        self._answer()
        return key in self.objects

    async def list_keys(self, prefix: str, *, modified_before: datetime | None = None) -> list[str]:
        self._answer()
        return sorted(
            key
            for key in self.objects
            if key.startswith(prefix.rstrip("/") + "/")
            and (modified_before is None or key not in self.modified_at or self.modified_at[key] < modified_before)
        )

    def _answer(self) -> None:
        if self.failing:
            raise StorageError


def _open_bucket(settings: Settings, bucket: str) -> S3Store:
    access, secret = settings.s3_access_key, settings.s3_secret_key
    endpoint = settings.s3_endpoint_url
    # Keyword arguments only: obstore panics when two spellings of one configuration key meet.
    return S3Store(
        bucket,
        region=settings.s3_region,
        endpoint=endpoint,
        access_key_id=access.get_secret_value() if access else None,
        secret_access_key=secret.get_secret_value() if secret else None,
        virtual_hosted_style_request=endpoint is None,
        client_options={
            "allow_http": endpoint is not None and endpoint.startswith("http://"),
            "connect_timeout": CONNECT_TIMEOUT,
            "timeout": REQUEST_TIMEOUT,
            # Nothing a browser would render, should the bucket ever be opened to one.
            "default_content_type": "application/octet-stream",
        },
        retry_config={
            "max_retries": RETRIES_MAX,
            "retry_timeout": timedelta(seconds=CALL_SECONDS_MAX),
            "backoff": {
                "init_backoff": timedelta(milliseconds=100),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
    )


def _open_directory(path: Path) -> LocalStore:
    try:
        # Files inside are readable by their mode; the directory keeps other accounts out.
        made = [one for one in (path, *path.parents) if not one.exists()]
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for one in made:
            _bring_to_disk(one.parent, one.parent)
        return LocalStore(path)
    except (BaseError, OSError) as error:
        raise ConfigurationError(f"STORAGE_DIR {path} cannot be used: {type(error).__name__}.") from error


def _bring_to_disk(path: Path, top: Path) -> None:
    """Bring `path` to the disk, and every folder from its own up to `top`: each may have been made just now, by whoever
    stored something at the same time.
    """
    for one in (path, *path.parents):
        descriptor = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if one == top:
            return


@asynccontextmanager
async def _bounded(call: str) -> AsyncIterator[None]:
    """Give the call its time, and turn what the library raises into StorageError. Leaves FileNotFoundError
    and AlreadyExistsError to the caller, for whom they are answers.
    """
    try:
        async with asyncio.timeout(CALL_SECONDS_MAX):
            yield
    except (FileNotFoundError, AlreadyExistsError):
        raise
    except (BaseError, OSError, ValueError) as error:  # OSError holds TimeoutError; ValueError: an illegal key
        raise StorageError(about={"call": call}) from error


def _missing() -> StorageError:
    return StorageError("There is no such object in the store.", code="storage.missing")
