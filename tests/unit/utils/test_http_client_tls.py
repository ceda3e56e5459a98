"""TLS is verified against the name a shop gave, whatever address it leads to (F32)."""

import datetime as dt
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jivapay.domain.urls import CallbackRules, IPAddress, parse_nets
from jivapay.utils.http_client import Answer, Failure, HttpTransport
from support.sink import Sink

LOOPBACK = CallbackRules(allow_nets=parse_nets("127.0.0.0/8"))
BODY = b'{"a":1}'


async def to_loopback(_host: str, _port: int) -> list[IPAddress]:
    return [ip_address("127.0.0.1")]


def certificate(directory: Path, host: str, *, days: int = 1) -> tuple[ssl.SSLContext, Path]:
    """A listener's context for `host`, and the file a client would have to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=10))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = directory / "cert.pem", directory / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, secret)
    return context, pem


@pytest.mark.parametrize(
    ("host", "days", "trusted", "answer"),
    [
        pytest.param("shop.example", 1, True, Answer(status=200, excerpt=b"done"), id="good"),
        pytest.param("shop.example", 1, False, Answer(failure=Failure.TLS), id="F32 self-signed"),
        pytest.param("shop.example", -1, True, Answer(failure=Failure.TLS), id="F32 expired"),
        pytest.param("other.example", 1, True, Answer(failure=Failure.TLS), id="F32 another name"),
        pytest.param("127.0.0.1", 1, True, Answer(failure=Failure.TLS), id="the address is not the name"),
    ],
)
async def test_f32_tls_is_verified_against_the_name(
    open_sink: Callable[[ssl.SSLContext], Awaitable[Sink]],
    tmp_path: Path,
    host: str,
    days: int,
    trusted: bool,
    answer: Answer,
) -> None:
    listener, authority = certificate(tmp_path, host, days=days)
    sink = await open_sink(listener)
    context = ssl.create_default_context(cafile=str(authority)) if trusted else None
    async with HttpTransport(LOOPBACK, resolver=to_loopback, ssl_context=context) as transport:
        assert await transport.post(sink.url("status/200", "https", "shop.example"), BODY, {}) == answer
    assert len(sink.requests) == (1 if answer.status else 0)
