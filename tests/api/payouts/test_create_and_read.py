"""`/api/payouts/`: create, list and retrieve, to the letter of the document."""

import re
from typing import Any

import pytest
from sqlalchemy import text

from api.payouts.caller import MASKED, USERS, Caller
from factories.world import World

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
BRIEF = ["id", "user_id", "amount", "currency", "status", "created_at", "updated_at", "processed_at"]
FULL = [*BRIEF[:4], "recipient_details", "comment", *BRIEF[4:]]


async def test_create(caller: Caller) -> None:
    answer = await caller.call("POST", json=caller.body())
    assert answer.status_code == 201
    made = answer.json()
    assert list(made) == FULL
    assert (made["user_id"], made["currency"], made["status"], made["processed_at"]) == (123, "RUB", "pending", None)
    assert (made["recipient_details"], made["comment"]) == ({"card": MASKED}, "Оплата бонуса")
    assert TIME.fullmatch(made["created_at"])
    assert '"amount":100.5,' in answer.text


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("100.50", "100.5"),
        ("100", "100"),
        ('"100.50"', "100.5"),
        ("0.01", "0.01"),
        ("123456789012345.67", "123456789012345.67"),
        ("900000000000000.1", "900000000000000.1"),
        ("1000.00", "1000"),
    ],
)
async def test_amounts_are_exact_numbers(caller: Caller, sent: str, shown: str) -> None:
    content = f'{{"user_id":1,"amount":{sent},"currency":"RUB","recipient_details":{{"a":"b"}}}}'
    answer = await caller.call("POST", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    assert f'"amount":{shown},' in answer.text


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("no user", {"user_id": None}, "user_id"),
        ("user as text", {"user_id": "123"}, "user_id"),
        ("user too large", {"user_id": 2**63}, "user_id"),
        ("no amount", {"amount": None}, "amount"),
        ("nothing", {"amount": 0}, "amount"),
        ("negative", {"amount": -5}, "amount"),
        ("three decimals", {"amount": 1.005}, "amount"),
        ("not an amount", {"amount": "ten"}, "amount"),
        ("true", {"amount": True}, "amount"),
        ("too large", {"amount": 10**15}, "amount"),
        ("no currency", {"currency": None}, "currency"),
        ("unknown currency", {"currency": "XXX"}, "currency"),
        ("crypto", {"currency": "USDT"}, "currency"),
        ("no details", {"recipient_details": None}, "recipient_details"),
        ("empty details", {"recipient_details": {}}, "recipient_details"),
        ("details as list", {"recipient_details": ["4"]}, "recipient_details"),
        ("large details", {"recipient_details": {"a": "x" * 5000}}, "recipient_details"),
        ("long comment", {"comment": "x" * 1001}, "comment"),
        ("unknown field", {"status": "processed"}, "status"),
        ("no time zone", {"execute_at": "2030-01-01T00:00:00"}, "execute_at"),
    ],
)
async def test_bad_requests_are_said_by_field(
    caller: Caller, world: World, name: str, changes: dict[str, Any], field: str
) -> None:
    before = await world.scalar("select count(*) from payouts")
    answer = await caller.call("POST", json=caller.body(**changes))
    assert answer.status_code == 400, name
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == [field], name
    assert all(isinstance(sentence, str) and sentence for sentence in answer.json()[field])
    assert await world.scalar("select count(*) from payouts") == before


async def test_input_never_comes_back(caller: Caller) -> None:
    answer = await caller.call("POST", json=caller.body(amount="4276380012345675", **{"4276380012345675": 1}))
    assert answer.status_code == 400
    assert "4276" not in answer.text


async def test_bodies_that_are_no_json(caller: Caller) -> None:
    headers = {"Content-Type": "application/json"}
    assert (await caller.call("POST", content="{", headers=headers)).status_code == 400
    assert (await caller.call("POST", content='{"user_id":1,"user_id":2}', headers=headers)).status_code == 400
    assert (await caller.call("POST", headers=headers)).status_code == 400
    assert (await caller.call("POST", content="x=1", headers={"Content-Type": "text/plain"})).status_code == 415


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"card": "4276380012345675"}, {"card": "************5675"}),
        ({"card": "4276-3800-1234-5675"}, {"card": "****-****-****-5675"}),
        ({"card": 4276380012345675}, {"card": "************5675"}),
        ({"deep": [{"n": "40817810099910004312"}]}, {"deep": [{"n": "****************4312"}]}),
        ({"phone": "+7 900 123 45 67"}, {"phone": "+7 900 123 45 67"}),
        ({"4276380012345675": True}, {"************5675": True}),
        ({"n": 1.5, "k": None, "t": "Иван"}, {"n": 1.5, "k": None, "t": "Иван"}),
    ],
)
async def test_long_numbers_are_masked(caller: Caller, given: dict[str, Any], shown: dict[str, Any]) -> None:
    made = await caller.create(recipient_details=given, comment=f"for {given}")
    assert made["recipient_details"] == shown
    assert "427638" not in made["comment"]
    assert "408178" not in made["comment"]


async def test_numbers_are_encrypted_at_rest(caller: Caller, world: World) -> None:
    made = await caller.create(recipient_details={"card": "4276380012345675"}, comment="card 4276380012345675")
    async with world.database.read() as session:
        row = (await session.execute(text("select p::text from payouts p where id = :id"), {"id": made["id"]})).scalar()
        audit = (await session.execute(text("select string_agg(a::text, ' ') from audit_log a"))).scalar()
    assert "4276380012345675" not in str(row)
    assert "4276380012345675" not in str(audit)


async def test_retrieve(caller: Caller, other: Caller) -> None:
    made = await caller.create()
    answer = await caller.call("GET", f"{made['id']}/")
    assert answer.status_code == 200
    assert list(answer.json()) == BRIEF
    assert answer.json() == {name: made[name] for name in BRIEF}
    for number in (made["id"] + 10**9, "abc", 0, 2**63):
        assert (await caller.call("GET", f"{number}/")).status_code == 404
    assert (await other.call("GET", f"{made['id']}/")).status_code == 404


async def test_list_without_a_user_is_empty(caller: Caller) -> None:
    await caller.create()
    for path in ("", "?user_id=", "?page=1"):
        answer = await caller.call("GET", path)
        assert (answer.status_code, answer.json()) == (
            200,
            {"count": 0, "next": None, "previous": None, "results": []},
        )


async def test_pages_of_a_hundred(caller: Caller, other: Caller) -> None:
    user = next(USERS)
    made = [await caller.create(user_id=user) for _ in range(201)]
    await other.create(user_id=user)
    first = (await caller.call("GET", f"?user_id={user}&x=1")).json()
    assert (first["count"], len(first["results"]), first["previous"]) == (201, 100, None)
    assert first["next"] == f"http://test/api/payouts/?user_id={user}&x=1&page=2"
    assert [row["id"] for row in first["results"]] == [one["id"] for one in made[:100]]
    assert list(first["results"][0]) == BRIEF
    second = (await caller.client.get(first["next"], headers=caller.headers)).json()
    assert second["previous"] == f"http://test/api/payouts/?user_id={user}&x=1&page=1"
    third = (await caller.client.get(second["next"], headers=caller.headers)).json()
    assert (len(third["results"]), third["next"]) == (1, None)
    for page in ("4", "0", "-1", "last", "1.5", "99999999999"):
        assert (await caller.call("GET", f"?user_id={user}&page={page}")).status_code == 404


@pytest.mark.parametrize("user", ["abc", "1.5", "1e3", "9223372036854775808", "%20", "１"])
async def test_user_that_is_no_integer(caller: Caller, user: str) -> None:
    answer = await caller.call("GET", f"?user_id={user}")
    assert (answer.status_code, list(answer.json())) == (400, ["user_id"])


async def test_user_of_another_store_is_empty(caller: Caller, other: Caller) -> None:
    user = next(USERS)
    await caller.create(user_id=user)
    assert (await other.call("GET", f"?user_id={user}")).json()["results"] == []


async def test_request_id_everywhere(caller: Caller) -> None:
    given = {"X-Request-ID": "aabbccdd12345"}
    made = await caller.create()
    for method, path in (("GET", ""), ("POST", ""), ("GET", f"{made['id']}/"), ("PUT", ""), ("GET", "0/")):
        assert (await caller.call(method, path, headers=given)).headers["X-Request-ID"] == "aabbccdd12345"
        assert len((await caller.call(method, path)).headers["X-Request-ID"]) >= 8


async def test_same_key_same_payout(caller: Caller) -> None:
    headers = {"Idempotency-Key": "once"}
    one = await caller.call("POST", json=caller.body(user_id=5), headers=headers)
    two = await caller.call("POST", json=caller.body(user_id=5), headers=headers)
    assert (one.status_code, two.status_code, two.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert one.json() == two.json()
    assert (await caller.call("POST", json=caller.body(user_id=6), headers=headers)).status_code == 400
