"""Celery's Valkey transport with one rule of ours: what has been done keeps no place.

A worker asks for another message only while it has fewer than its limit on its hands. kombu counts one until the
broker has taken its acknowledgement; when Valkey hung or died at that moment, Celery logged the failure and went on,
and a worker whose only place was taken so asked for nothing, read from nothing, and never learnt that its connection
was gone. Here the place is free whatever the broker says. The message comes again after the visibility time-out and
finds nothing to do.
"""

from kombu.transport import redis, virtual


class _QoS(redis.QoS):
    def ack(self, delivery_tag: str) -> None:
        try:
            redis.QoS.ack(self, delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            redis.QoS.reject(self, delivery_tag, requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


class _Channel(redis.Channel):
    QoS = _QoS


class Transport(redis.Transport):
    """What `redis://` means to kombu in our processes."""

    Channel = _Channel
