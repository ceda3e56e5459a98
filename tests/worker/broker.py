"""What lies in the broker's queues, read as a worker would, and a broker that nobody reaches."""

import base64
from typing import Any

import orjson

from jivapay.config.settings import Settings
from jivapay.utils.resources import Resources
from jivapay.worker.app import make_app
from jivapay.worker.publisher import Publisher

NOWHERE = "redis://127.0.0.1:1/0"


async def queued(resources: Resources, queue: str = "orders") -> list[tuple[str, list[Any]]]:
    """Every waiting message, oldest first: the task's name and its positional arguments."""
    raw = await resources.redis.lrange(f"jivapay:{queue}", 0, -1)
    messages = [orjson.loads(one) for one in reversed(raw)]
    return [(one["headers"]["task"], orjson.loads(base64.b64decode(one["body"]))[0]) for one in messages]


async def offered_orders(resources: Resources) -> list[int]:
    """The incoming orders in all messages, in order."""
    return [incoming_id for _, args in await queued(resources) for incoming_id, _ in args[0]]


def publisher_to_nowhere(settings: Settings) -> Publisher:
    app = make_app(settings)
    app.conf.broker_url = NOWHERE
    app.conf.broker_write_url = NOWHERE
    return Publisher(app)
