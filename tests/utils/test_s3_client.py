import asyncio
import errno
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from jivapay.config.settings import Settings
from jivapay.exceptions import ConfigurationError, StorageError
from jivapay.utils import s3_client
from jivapay.utils.s3_client import MemoryStorage, Storage, download, open_storage, upload_fileobj


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    assert httpx2.put(f"{endpoint}/receipts").status_code == 200
    yield endpoint
    server.stop()


def bucket_settings(endpoint: str, bucket: str = "receipts") -> Settings:
    return Settings(s3_bucket_name=bucket, s3_endpoint_url=endpoint, s3_access_key="a", s3_secret_key="s")


@pytest.fixture(params=["directory", "bucket", "memory"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    if request.param == "directory":
        yield open_storage(Settings(storage_dir=tmp_path / "objects"))
    elif request.param == "bucket":
        yield open_storage(bucket_settings(request.getfixturevalue("s3_endpoint")))
    else:
        yield MemoryStorage()


async def test_an_object_comes_back_until_it_is_deleted(storage: Storage) -> None:
    data = bytes(range(256)) * 1000
    await storage.put("t1/a", data)
    assert await storage.get("t1/a") == data
    assert await storage.exists("t1/a")
    await storage.delete("t1/a")
    await storage.delete("t1/a")
    assert not await storage.exists("t1/a")
    with pytest.raises(StorageError) as failure:
        await storage.get("t1/a")
    assert failure.value.code == "storage.missing"


async def test_create_only_repeats_itself_but_replaces_nothing(storage: Storage) -> None:
    await storage.put("t2/a", b"one")
    await storage.put("t2/a", b"one")
    with pytest.raises(StorageError) as failure:
        await storage.put("t2/a", b"two")
    assert failure.value.code == "storage.exists"
    assert await storage.get("t2/a") == b"one"
    await storage.put("t2/a", b"two", create_only=False)
    assert await storage.get("t2/a") == b"two"


async def test_keys_are_listed_by_folder_and_age(storage: Storage) -> None:
    for key in ("t3/b", "t3/a", "t3/sub/c", "t33/d"):
        await storage.put(key, b"x")
    assert await storage.list_keys("t3") == ["t3/a", "t3/b", "t3/sub/c"]
    assert await storage.list_keys("nothing") == []
    if isinstance(storage, MemoryStorage):
        storage.modified_at = dict.fromkeys(storage.objects, datetime.now(UTC))
    soon, before = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    assert len(await storage.list_keys("t3", modified_before=soon)) == 3
    assert await storage.list_keys("t3", modified_before=before) == []


async def test_an_upload_gets_a_random_key_of_its_day(storage: Storage) -> None:
    day = date(2026, 11, 21)
    first = await upload_fileobj(storage, b"x", folder="up", day=day)
    second = await upload_fileobj(storage, b"x", folder="up", day=day)
    assert first != second
    assert await storage.list_keys("up/2026/11/21") == sorted([first, second])
    assert await download(storage, first) == b"x"


@pytest.mark.parametrize("key", ["../escape", "a/../../b"])
def test_a_key_never_leaves_the_directory(tmp_path: Path, key: str) -> None:
    storage = open_storage(Settings(storage_dir=tmp_path / "objects"))
    with pytest.raises(StorageError):
        asyncio.run(storage.put(key, b"x"))
    assert list(tmp_path.iterdir()) == [tmp_path / "objects"]
    assert list((tmp_path / "objects").iterdir()) == []


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was brought to the disk, in order."""
    done: list[Path] = []

    def record(descriptor: int) -> None:
        done.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", record)
    return done


async def test_a_file_is_on_the_disk_with_every_folder_above_it_before_it_counts_as_stored(
    tmp_path: Path, synced: list[Path]
) -> None:
    root = tmp_path / "data" / "objects"
    storage = open_storage(Settings(storage_dir=root))
    assert synced == [tmp_path / "data", tmp_path]  # the store's own folder was made
    expected = [root / "up" / "2026" / "a", root / "up" / "2026", root / "up", root]
    for create_only in (True, True, False):  # the second finds its own bytes, perhaps of a put that failed halfway
        synced.clear()
        await storage.put("up/2026/a", b"x", create_only=create_only)
        assert synced == expected
    synced.clear()
    open_storage(Settings(storage_dir=root))
    assert synced == []


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "bad sector"), FileNotFoundError()])
async def test_a_file_that_does_not_reach_the_disk_is_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: OSError
) -> None:
    storage = open_storage(Settings(storage_dir=tmp_path))
    for failing in (tmp_path / "up" / "a", tmp_path / "up"):

        def fail(descriptor: int, failing: Path = failing) -> None:
            if Path(f"/proc/self/fd/{descriptor}").readlink() == failing:
                raise failure

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError) as raised:
            await storage.put("up/a", b"x")
        assert raised.value.code == "storage.unavailable"


def test_the_directory_is_closed_to_other_accounts(tmp_path: Path) -> None:
    open_storage(Settings(storage_dir=tmp_path / "a" / "objects"))
    assert (tmp_path / "a" / "objects").stat().st_mode & 0o777 == 0o700


async def test_every_call_to_a_store_out_of_reach_is_a_storage_error() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    lost = open_storage(bucket_settings(nobody))
    twin = MemoryStorage()
    twin.failing = True
    for storage in (lost, twin):
        for call in (
            storage.put("k", b"x"),
            storage.get("k"),
            storage.delete("k"),
            storage.exists("k"),
            storage.list_keys("k"),
        ):
            with pytest.raises(StorageError) as failure:
                await call
            assert failure.value.code == "storage.unavailable"


async def test_a_missing_bucket_is_a_storage_error(s3_endpoint: str) -> None:
    storage = open_storage(bucket_settings(s3_endpoint, bucket="nowhere"))
    for call in (storage.put("k", b"x"), storage.put("k", b"x", create_only=False), storage.get("k")):
        with pytest.raises(StorageError):
            await call
    assert not await storage.exists("k")


async def test_a_store_that_never_answers_costs_its_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    left = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        left.set()

    monkeypatch.setattr(s3_client, "CALL_SECONDS_MAX", 0.5)
    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        storage = open_storage(bucket_settings(f"http://127.0.0.1:{port}"))
        begun = time.monotonic()
        with pytest.raises(StorageError):
            await storage.put("k", b"x")
        assert time.monotonic() - begun < 2
        async with asyncio.timeout(5):
            await left.wait()


def test_without_bucket_and_directory_there_is_no_storage(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        open_storage(Settings())
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError):
        open_storage(Settings(storage_dir=tmp_path / "file"))
