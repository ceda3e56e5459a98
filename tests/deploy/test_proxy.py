"""The edge as it is shipped: deploy/proxy/Caddyfile under the real Caddy, before a server that tells what it got."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.manifests import DEPLOY
from jivapay.utils.problems import PROBLEM_SCHEMA

CADDY = Path(sys.executable).with_name("caddy")
HOST = "jivapay.localhost"
START_SECONDS = 20.0
TIMEOUTS = {"read_header": 10, "read_body": 30}
"""As they are shipped."""
HASTE = 0.1
PART = 64 * 1024
LEFT = threading.Event()
SECRET_PATH, SECRET_KEY = "token-of-a-payment-page", "key-of-a-store"


class Echo(BaseHTTPRequestHandler):
    """Answers with the headers and the size of the body it was sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        size = len(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
        told = json.dumps({"size": size, "headers": [[name, value] for name, value in self.headers.items()]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def do_GET(self) -> None:
        """Begins a document and stands still until it is let go: whoever asked leaves in the middle of it."""
        self.send_response(200)
        self.send_header("Content-Length", str(2 * PART))
        self.end_headers()
        self.wfile.write(bytes(PART))
        self.wfile.flush()
        LEFT.wait(10)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing on standard error."""


@dataclass(frozen=True)
class Edge:
    port: int
    upstream: ThreadingHTTPServer
    log: Path

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 30), server_hostname=HOST)

    def ask(self, *, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, dict[str, object]]:
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=40)
        connection.sock = self.connect()
        connection.request("POST", "/any", body, {"Host": f"{HOST}:{self.port}"} | (headers or {}))
        answer = connection.getresponse()
        told = json.loads(answer.read())
        connection.close()
        return answer.status, told


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The file as it is, but for what a test must not do: take port 80, and install its authority on this machine.
    # And ten times as impatient with whoever drips, so that nobody waits for it.
    text = (DEPLOY / "proxy" / "Caddyfile").read_text(encoding="utf-8")
    for timeout, seconds in TIMEOUTS.items():
        assert text.count(f"{timeout} {seconds}s\n") == 1
        text = text.replace(f"{timeout} {seconds}s\n", f"{timeout} {seconds * HASTE:g}s\n")
    (folder / "Caddyfile").write_text(
        text.replace("{\n", "{\n\tauto_https disable_redirects\n\tskip_install_trust\n", 1)
    )
    env = {
        "PUBLIC_BASE_URL": f"https://{HOST}:{port}",
        "UPSTREAM": f"127.0.0.1:{upstream.server_port}",
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
    }
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [CADDY, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"], env=env, stderr=log, stdout=log
        ) as caddy,
    ):
        try:
            found = Edge(port, upstream, folder / "log")
            _wait_for(found)
            yield found
        finally:
            caddy.terminate()
            caddy.wait(20)
            upstream.shutdown()
            upstream.server_close()
            shutil.rmtree(folder, ignore_errors=True)


def _wait_for(edge: Edge) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            edge.connect().close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(edge.log.read_text()[-2000:])


def test_the_file_is_valid_and_formatted() -> None:
    path = DEPLOY / "proxy" / "Caddyfile"
    formatted = subprocess.run([CADDY, "fmt", path], capture_output=True, text=True, check=False)
    assert formatted.stdout == path.read_text(encoding="utf-8")


def test_the_caller_is_who_the_edge_sees(edge: Edge) -> None:
    lies = {"X-Forwarded-For": "1.2.3.4, 127.0.0.1", "X-Forwarded-Host": "evil", "X-Forwarded-Proto": "http"}
    status, told = edge.ask(headers=lies | {"Forwarded": "for=1.2.3.4"})
    assert status == 200
    seen = {str(name).lower(): value for name, value in told["headers"]}  # type: ignore[attr-defined]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-host"] == seen["host"] == f"{HOST}:{edge.port}"
    assert seen["x-forwarded-proto"] == "https"
    assert "forwarded" not in seen


@pytest.mark.parametrize(
    ("content_type", "size", "status"),
    [
        ("application/json", 64 * 1024, 200),
        ("application/json", 64 * 1024 + 1, 413),
        ("multipart/form-data; boundary=x", 20 * 1024 * 1024, 200),
        ("multipart/form-data; boundary=x", 22 * 1024 * 1024, 413),
    ],
)
def test_sizes(edge: Edge, content_type: str, size: int, status: int) -> None:
    found, told = edge.ask(body=bytes(size), headers={"Content-Type": content_type})
    assert found == status
    if status == 200:
        assert told["size"] == size
    else:
        assert told["code"] == "request.too_large"
        assert set(told) == set(PROBLEM_SCHEMA["required"])


def test_large_headers_are_refused(edge: Edge) -> None:
    with edge.connect() as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-Large: {'x' * 32 * 1024}\r\n\r\n".encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 431")


def test_dripping_headers_are_cut_off(edge: Edge) -> None:
    with edge.connect() as connection:
        began = time.monotonic()
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n".encode())
        assert _is_cut(connection, b"X-Drip: 1\r\n", until=began + 5)
        assert 0.8 < time.monotonic() - began < 2.5


def test_a_dripping_body_reaches_no_server_and_is_cut_off(edge: Edge) -> None:
    with edge.connect() as connection:
        began = time.monotonic()
        head = f"POST / HTTP/1.1\r\nHost: {HOST}:{edge.port}\r\nTransfer-Encoding: chunked\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode())
        assert _is_cut(connection, b"1\r\nx\r\n", until=began + 8)
        assert 2.5 < time.monotonic() - began < 5


def test_the_log_holds_no_word_of_what_gives_access(edge: Edge) -> None:
    with edge.connect() as connection:
        connection.sendall(
            f"GET /p/{SECRET_PATH}/receipt?q={SECRET_PATH} HTTP/1.1\r\nHost: {HOST}:{edge.port}\r\n"
            f"X-Api-Key: {SECRET_KEY}\r\nReferer: https://{HOST}/p/{SECRET_PATH}\r\n\r\n".encode()
        )
        assert connection.recv(64).startswith(b"HTTP/1.1 200")
    deadline = time.monotonic() + 5
    while "aborting with incomplete response" not in (log := edge.log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    LEFT.set()
    (entry,) = [json.loads(line) for line in log.splitlines() if "aborting with incomplete response" in line]
    assert SECRET_PATH not in log
    assert SECRET_KEY not in log
    assert entry["request"]["method"] == "GET"  # what helps to find the trouble stays
    assert entry["request"]["client_ip"] == "127.0.0.1"


def test_a_server_that_is_away_is_said_in_the_platform_s_own_form(edge: Edge) -> None:
    edge.upstream.shutdown()
    edge.upstream.server_close()
    status, told = edge.ask()
    assert (status, told["code"], told["status"]) == (502, "dependency.unavailable", 502)


def _is_cut(connection: ssl.SSLSocket, drop: bytes, *, until: float) -> bool:
    """Whether the other side ends it, or answers with an error, while ten drops a second are sent."""
    connection.settimeout(0.1)
    while time.monotonic() < until:
        try:
            connection.sendall(drop)
            answer = connection.recv(64)
        except TimeoutError:
            continue
        except OSError:
            return True
        return not answer or answer.split()[1].startswith(b"4") or answer.split()[1].startswith(b"5")
    return False
