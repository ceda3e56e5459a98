"""A client that knows the fifth document and nothing else, against `jivapay demo` as a person starts it.

Bodies, headers and paths are as printed there; only the base URL is another. Each request is about a fresh payout.
"""

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.demo import demo_without_traffic

pytestmark = pytest.mark.timeout(240)

CREATE = """{
    "user_id": 123,
    "amount": 100.50,
    "currency": "RUB",
    "recipient_details": {"card": "0000 1111 2222 3333"},
    "comment": "Оплата бонуса"
  }""".encode()
JSON = {"Content-Type": "application/json"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
SHORT = {"id", "user_id", "amount", "currency", "status", "created_at", "updated_at", "processed_at"}
LONG = SHORT | {"recipient_details", "comment"}
MASKED = {"card": "**** **** **** 3333"}
"""The one named deviation."""
SETTLED_WITHIN_SECONDS = 30.0


@pytest.fixture(scope="module")
def service() -> Iterator[httpx2.Client]:
    home = Path(tempfile.mkdtemp(prefix="jivapay-demo-"))
    try:
        with demo_without_traffic(home) as address, httpx2.Client(base_url=address, timeout=30) as client:
            yield client
    finally:
        shutil.rmtree(home, ignore_errors=True)


def create(service: httpx2.Client) -> dict[str, Any]:
    answer = service.post("/api/payouts/", content=CREATE, headers=JSON)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_health(service: httpx2.Client) -> None:
    answer = service.get("/healthz/")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_create(service: httpx2.Client) -> None:
    answer = service.post("/api/payouts/", content=CREATE, headers={**JSON, "X-Request-ID": "aabbccdd12345"})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (201, "aabbccdd12345")
    made = answer.json()
    assert made.keys() == LONG
    assert isinstance(made["id"], int)
    assert (made["user_id"], made["amount"], made["currency"]) == (123, 100.5, "RUB")
    assert '"amount":100.5,' in answer.text
    assert (made["recipient_details"], made["comment"]) == (MASKED, "Оплата бонуса")
    assert (made["status"], made["processed_at"]) == ("pending", None)
    assert TIME.fullmatch(made["created_at"])
    assert TIME.fullmatch(made["updated_at"])


def test_request_id_is_made_when_there_is_none(service: httpx2.Client) -> None:
    answer = service.post("/api/payouts/", content=CREATE, headers=JSON)
    assert answer.headers["X-Request-ID"]


def test_retrieve(service: httpx2.Client) -> None:
    made = create(service)
    answer = service.get(f"/api/payouts/{made['id']}/")
    assert (answer.status_code, answer.json()) == (200, {name: made[name] for name in SHORT})


def test_update(service: httpx2.Client) -> None:
    made = create(service)
    answer = service.patch(f"/api/payouts/{made['id']}/", content=b'{"status": "processed"}', headers=JSON)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert changed.keys() == LONG
    assert (changed["status"], changed["recipient_details"]) == ("processed", MASKED)
    assert TIME.fullmatch(changed["processed_at"])
    assert changed["updated_at"] >= made["updated_at"]
    assert changed["created_at"] == made["created_at"]


def test_only_the_status_may_change(service: httpx2.Client) -> None:
    made = create(service)
    assert service.patch(f"/api/payouts/{made['id']}/", content=b'{"amount": 1}', headers=JSON).status_code == 400
    assert service.put(f"/api/payouts/{made['id']}/", content=CREATE, headers=JSON).status_code == 405


def test_delete(service: httpx2.Client) -> None:
    made = create(service)
    answer = service.delete(f"/api/payouts/{made['id']}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert service.get(f"/api/payouts/{made['id']}/").status_code == 404


def test_list_without_a_user_is_empty(service: httpx2.Client) -> None:
    create(service)
    empty = {"count": 0, "next": None, "previous": None, "results": []}
    assert service.get("/api/payouts/").json() == empty


def test_list_by_pages(service: httpx2.Client) -> None:
    body = CREATE.replace(b"123", b"7001", 1)
    for _ in range(101):
        assert service.post("/api/payouts/", content=body, headers=JSON).status_code == 201
    base = str(service.base_url).rstrip("/")
    second = service.get("/api/payouts/?user_id=7001&page=2").json()
    assert second.keys() == {"count", "next", "previous", "results"}
    assert (second["count"], second["next"]) == (101, None)
    assert second["previous"] == f"{base}/api/payouts/?user_id=7001&page=1"
    assert [item.keys() for item in second["results"]] == [SHORT]
    first = service.get(second["previous"]).json()
    assert (len(first["results"]), first["next"]) == (100, f"{base}/api/payouts/?user_id=7001&page=2")


def test_schema(service: httpx2.Client) -> None:
    answer = service.get("/api/schema/")
    assert answer.status_code == 200
    assert {"/api/payouts/", "/api/payouts/{payout_id}/"} <= answer.json()["paths"].keys()


def test_processed_by_itself(service: httpx2.Client) -> None:
    """By the worker, within seconds."""
    made = create(service)
    deadline = time.monotonic() + SETTLED_WITHIN_SECONDS
    while (shown := service.get(f"/api/payouts/{made['id']}/").json())["status"] != "processed":
        assert time.monotonic() < deadline, shown
        time.sleep(0.5)
    assert TIME.fullmatch(shown["processed_at"])
