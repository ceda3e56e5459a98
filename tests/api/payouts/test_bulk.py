"""`/api/payouts/bulk/`: many at once, each row with its own result; a file is worked off once, whoever dies."""
# ruff: noqa: ANN401 - whatever a request may carry

import asyncio
import csv
import io
from typing import Any

import httpx2
import pytest

from api.payouts.caller import MASKED, Caller
from factories.world import World
from jivapay.config.crypto import Cipher
from jivapay.schemas_enums.enums import AuditLevel
from jivapay.services import payout_service
from jivapay.services.payout_service.batches import ROWS_AT_ONCE

HEADER = "user_id,amount,currency,recipient_details.card,comment"
GOOD = "7,100.50,RUB,0000 1111 2222 3333,Бонус"


async def upload(caller: Caller, content: str | bytes, **options: Any) -> httpx2.Response:
    raw = content.encode() if isinstance(content, str) else content
    return await caller.call("POST", "bulk/csv/", files={"file": ("payouts.csv", raw, "text/csv")}, **options)


async def work_off(world: World) -> int:
    """As the timetable does; how many rows there were."""
    done = 0
    while rows := await payout_service.continue_batches(world.database, world.resources.cipher, world.rules):
        done += rows
    return done


async def test_a_list(caller: Caller, other: Caller, world: World) -> None:
    answer = await caller.call("POST", "bulk/", json=[caller.body(), caller.body(amount=-1), "x", caller.body(a=1)])
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["total"], made["done"], made["failed"], made["finished_at"] is None) == (4, 4, 3, False)
    good, *bad = made["results"]
    assert (good["row"], good["status"], good["errors"]) == (1, 201, None)
    assert good["payout"]["recipient_details"] == MASKED_DETAILS
    assert [(row["row"], row["status"], list(row["errors"])) for row in bad] == [
        (2, 400, ["amount"]),
        (3, 400, ["non_field_errors"]),
        (4, 400, ["non_field_errors"]),
    ]
    assert await caller.status(good["payout"]["id"]) == "pending"
    assert (await caller.call("GET", f"bulk/{made['id']}/")).json() == made
    assert (await other.call("GET", f"bulk/{made['id']}/")).status_code == 404
    assert (await other.call("GET", f"bulk/{made['id']}/result/")).status_code == 404
    assert (await caller.call("GET", "bulk/0/")).status_code == 404
    assert await work_off(world) == 0


MASKED_DETAILS = {"card": MASKED}


async def test_a_list_repeated_is_made_once(caller: Caller, world: World) -> None:
    before = await world.scalar("select count(*) from payouts")
    options = {"json": [caller.body(), caller.body()], "headers": {"Idempotency-Key": "list-1"}}
    one, two = await caller.call("POST", "bulk/", **options), await caller.call("POST", "bulk/", **options)
    assert (one.status_code, two.status_code, two.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert one.json() == two.json()
    assert await world.scalar("select count(*) from payouts") == before + 2


@pytest.mark.parametrize("body", [[], {}, "x", None, [{}] * 501])
async def test_no_list(caller: Caller, body: Any) -> None:
    assert (await caller.call("POST", "bulk/", json=body)).status_code == 400


async def test_a_dry_run_keeps_nothing(caller: Caller, world: World) -> None:
    before = await world.scalar("select count(*) from payouts")
    answer = await upload(caller, f"{HEADER}\n{GOOD}\n7,ten,RUB,1,\nx,1,EUR,,\n", params={"dry_run": "true"})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["total"], said["failed"]) == (3, 2)
    assert [(row["row"], sorted(row["errors"])) for row in said["results"]] == [
        (2, ["amount"]),
        (3, ["recipient_details", "user_id"]),
    ]
    assert await world.scalar("select count(*) from payouts") == before
    assert await work_off(world) == 0


async def test_a_file_is_worked_off(caller: Caller, world: World) -> None:
    rows = [GOOD] * ROWS_AT_ONCE + ["7,ten,RUB,1,", GOOD + ",more", GOOD]
    answer = await upload(caller, "\r\n".join([HEADER, *rows]) + "\r\n")
    assert answer.status_code == 202, answer.text
    taken = answer.json()
    assert (taken["total"], taken["done"], taken["results"]) == (103, 0, [])
    sealed = await world.scalar("select content_sealed from payout_batches where id = :id", id=taken["id"])
    assert b"1111 2222" not in sealed
    step = payout_service.continue_batches(world.database, world.resources.cipher, world.rules)
    assert await step == ROWS_AT_ONCE
    half = (await caller.call("GET", f"bulk/{taken['id']}/")).json()
    assert (half["done"], half["finished_at"], len(half["results"])) == (100, None, 100)
    assert await work_off(world) == 3
    done = (await caller.call("GET", f"bulk/{taken['id']}/")).json()
    assert (done["done"], done["failed"], done["finished_at"] is None) == (103, 2, False)
    assert done["results"][0]["payout"]["amount"] == 100.5
    assert await world.scalar("select content_sealed is null from payout_batches where id = :id", id=taken["id"])
    file = await caller.call("GET", f"bulk/{taken['id']}/result/")
    assert file.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(file.text)))
    assert len(lines) == 103
    assert (lines[0]["row"], lines[0]["status"], lines[0]["errors"]) == ("1", "pending", "")
    assert lines[100]["errors"] == "amount: A valid number is required."
    assert lines[101]["id"] == ""


async def test_rows_are_made_once_however_many_work(caller: Caller, world: World) -> None:
    before = await world.scalar("select count(*) from payouts")
    assert (await upload(caller, "\n".join([HEADER, *[GOOD] * 250]))).status_code == 202
    await asyncio.gather(*(work_off(world) for _ in range(4)))
    await work_off(world)
    assert await world.scalar("select count(*) from payouts") == before + 250


async def test_details_as_json_and_other_separators(caller: Caller, world: World) -> None:
    text = 'user_id;amount;currency;recipient_details;execute_at\n1;5;RUB;"{""iban"": ""DE1""}";2030-01-01T00:00:00Z\n'
    taken = (await upload(caller, b"\xef\xbb\xbf" + text.encode())).json()
    await work_off(world)
    (row,) = (await caller.call("GET", f"bulk/{taken['id']}/")).json()["results"]
    assert (row["payout"]["recipient_details"], row["payout"]["amount"]) == ({"iban": "DE1"}, 5)


async def test_the_same_file_again(caller: Caller, world: World) -> None:
    headers = {"Idempotency-Key": "file-1"}
    one = await upload(caller, f"{HEADER}\n{GOOD}", headers=headers)
    two = await upload(caller, f"{HEADER}\n{GOOD}", headers=headers)
    assert (one.json()["id"], two.headers["Idempotent-Replayed"]) == (two.json()["id"], "true")
    other = await upload(caller, f"{HEADER}\n{GOOD}\n{GOOD}", headers=headers)
    assert other.status_code == 400
    assert await work_off(world) == 1


@pytest.mark.parametrize(("spoilt", "code"), [("key", "encryption.unknown_key"), ("bytes", "encryption.tampered")])
async def test_a_file_nobody_can_read_keeps_back_no_other(caller: Caller, world: World, spoilt: str, code: str) -> None:
    unreadable = (await upload(caller, f"{HEADER}\n{GOOD}\n{GOOD}")).json()["id"]
    behind = (await upload(caller, f"{HEADER}\n{GOOD}")).json()["id"]
    if spoilt == "key":
        lost = Cipher({"lost": bytes(32)}, b"index")
        context = await world.scalar("select public_id::text from payout_batches where id = :id", id=unreadable)
        sealed = lost.encrypt(HEADER, f"payout_batches.content:{context}")
    else:
        sealed = await world.scalar("select content_sealed from payout_batches where id = :id", id=unreadable)
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    await world.execute(
        "update payout_batches set content_sealed = :sealed where id = :id", id=unreadable, sealed=sealed
    )
    errors = (
        "select count(*) from audit_log where action = 'payout_batch.failed' and level = 'ERROR' and entity_id = :id"
    )
    for _ in range(3):
        await work_off(world)
    assert await world.scalar(errors, id=unreadable, level=AuditLevel.ERROR.value) == 1
    assert await world.scalar("select failure from payout_batches where id = :id", id=unreadable) == code
    ended = (await caller.call("GET", f"bulk/{unreadable}/")).json()
    assert (ended["done"], ended["failed"], ended["finished_at"] is None) == (0, 0, False)
    assert ended["failure"] == "The file can no longer be read; send the rows that are missing again."
    done = (await caller.call("GET", f"bulk/{behind}/")).json()
    assert (done["done"], done["failure"], done["finished_at"] is None) == (1, None, False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty", b""),
        ("header alone", HEADER.encode()),
        ("not UTF-8", HEADER.encode() + b"\n\xff\xfe"),
        ("a null", HEADER.encode() + b"\n1,1,RUB,\x00,"),
        ("a column missing", b"user_id,amount,recipient_details.card\n1,1,1"),
        ("no details", b"user_id,amount,currency\n1,1,RUB"),
        ("an unknown column", HEADER.encode() + b",status\n" + GOOD.encode() + b",processed"),
        ("a column twice", HEADER.encode() + b",comment\n" + GOOD.encode()),
        ("details in both ways", HEADER.encode() + b",recipient_details\n" + GOOD.encode()),
        ("an open quote", HEADER.encode() + b'\n"1,1'),
        ("too many rows", "\n".join([HEADER, *[GOOD] * 10_001]).encode()),
    ],
)
async def test_files_that_are_none(caller: Caller, world: World, name: str, content: bytes) -> None:
    before = await world.scalar("select count(*) from payout_batches")
    for options in ({}, {"params": {"dry_run": "true"}}):
        answer = await upload(caller, content, **options)
        assert (answer.status_code, list(answer.json())) == (400, ["file"]), name
    assert await world.scalar("select count(*) from payout_batches") == before


@pytest.mark.parametrize("boundary", ["", "; boundary=x"])
async def test_a_form_nobody_can_read_with_a_key(caller: Caller, boundary: str) -> None:
    """The key asks for the form a second time; it is as unreadable then."""
    headers = {"Content-Type": f"multipart/form-data{boundary}", "Idempotency-Key": "form-1"}
    answer = await caller.call("POST", "bulk/csv/", content=b"--y\r\n\r\n", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "request.malformed")


async def test_no_file_and_too_large(caller: Caller) -> None:
    assert (await caller.call("POST", "bulk/csv/", json={})).status_code == 415
    assert (await upload(caller, b"x" * (5 * 1024 * 1024 + 1))).status_code == 413
    assert (await caller.client.post("/api/payouts/bulk/", json=[])).status_code == 401
    assert (await caller.client.post("/api/payouts/bulk/csv/", files={"file": b"x"})).status_code == 401
