"""The server itself: loopback, threads, ranges, marks of version, a log of what was asked."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from replay.faults import Faults, spoilt
from replay.reply import Asked, Reply, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from replay.faults import Fault

CATALOGUE = Path(__file__).resolve().parents[2] / "data" / "sources.toml"
ALSO = ("https://static.data.gouv.fr", "https://sentinel-cogs.s3.us-west-2.amazonaws.com")
"""Hosts that answers lead to, and that the catalogue does not name."""
DRIP_BYTES, DRIP_SECONDS = 16, 0.2
MODIFIED = "Tue, 01 Sep 2026 00:00:00 GMT"


class Sent(NamedTuple):
    """A line of the log: what was asked, the status, the fault, bytes sent, whether all went."""

    asked: Asked
    status: int
    fault: str
    sent: int
    whole: bool

    @property
    def key(self) -> tuple[str, str, bytes]:
        """Return what makes two requests the same."""
        return self.asked.method, self.asked.where, self.asked.body


class Replay:
    """The running server.

    Attributes
    ----------
    base : str
        Its address.
    hosts : dict of str to str
        For `open_session`: each public host of the catalogue, and where it is served.
    faults : Faults
        Faults to come.
    log : list of Sent
        What was asked, in order of completion.
    """

    def __init__(self, answer: Callable[[Asked], Reply]) -> None:
        self.answer = answer
        self.faults = Faults()
        self.log: list[Sent] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.replay = self
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        named = set(re.findall(r"https://[a-z0-9.-]+", CATALOGUE.read_text("utf-8")))
        self.hosts = {host: f"{self.base}/{host[8:]}" for host in sorted(named | set(ALSO))}
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def reset(self) -> None:
        """Forget faults and log."""
        self.faults.clear()
        with self._lock:
            self.log.clear()

    def note(self, line: Sent) -> None:
        """Add a line to the log."""
        with self._lock:
            self.log.append(line)

    def whole(self) -> list[Sent]:
        """Return the requests whose data went whole and unspoilt."""
        with self._lock:
            return [line for line in self.log if line.whole and not line.fault]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    replay: Replay

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_args: Any) -> None:
        """Keep the tests' output clean; `Replay.log` has it all."""

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        with contextlib.suppress(ConnectionError, BrokenPipeError, TimeoutError):
            asked = self._asked()
            replay = self.server.replay
            try:
                reply = replay.answer(asked)
            except Exception as error:  # noqa: BLE001 -- a fault of this server must be seen
                reply = refusal(500, f"replay: {type(error).__name__}: {error}")
            head = asked.method == "HEAD"
            fault = None if head else replay.faults.take(asked, reply)
            self._send(asked, reply, fault, head)

    def _asked(self) -> Asked:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        host, _, path = parts.path.lstrip("/").partition("/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if "form-urlencoded" in self.headers.get("Content-Type", ""):
            query |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        return Asked(self.command, host, f"/{path}", query, body, dict(self.headers.items()))

    def _send(self, asked: Asked, reply: Reply, fault: Fault | None, head: bool) -> None:
        if fault is not None and fault.kind == "loop":
            # To itself, under its public name, as a service would write it.
            reply = Reply(b"", "text/plain", 302, (("Location", f"https:/{self.path}"),))
        elif fault is not None:
            reply = spoilt(fault, reply)
        etag = f'"{hashlib.sha256(reply.body).hexdigest()[:24]}"'
        if reply.status == 200 and reply.whole and asked.headers.get("If-None-Match") == etag:
            reply = reply._replace(body=b"", status=304)
        body, extra, status = reply.body, list(reply.headers), reply.status
        if reply.whole and status == 200:
            extra += [("ETag", etag), ("Last-Modified", MODIFIED), ("Accept-Ranges", "bytes")]
            body, status, more = _ranged(asked, body, etag)
            extra += more
        kind = fault.kind if fault else ""
        length = len(body) + (5 if kind == "length" else 0)
        self.send_response(status)
        self.send_header("Content-Type", reply.kind)
        if status != 304:
            self.send_header("Content-Length", str(length))
        for name, value in extra:
            self.send_header(name, value)
        if kind in ("length", "reset", "drip"):
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if head:
            self.server.replay.note(Sent(asked, status, kind, 0, whole=False))
            return
        sent = self._body(body, kind)
        whole = sent == len(body) and status in (200, 206)
        self.server.replay.note(Sent(asked, status, kind, sent, whole))

    def _body(self, body: bytes, kind: str) -> int:
        if kind == "reset":
            half = len(body) // 2
            self.wfile.write(body[:half])
            self.wfile.flush()
            # Linger of nought: the connection is reset, not ended.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()
            return half
        if kind == "drip":
            for start in range(0, len(body), DRIP_BYTES):
                try:
                    self.wfile.write(body[start : start + DRIP_BYTES])
                    self.wfile.flush()
                except OSError:
                    return start
                time.sleep(DRIP_SECONDS)
            return len(body)
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            return 0
        return len(body)


def _ranged(asked: Asked, body: bytes, etag: str) -> tuple[bytes, int, list[tuple[str, str]]]:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("Range", ""))
    mark = asked.headers.get("If-Range")
    if not found or (mark is not None and mark not in (etag, MODIFIED)):
        return body, 200, []
    first = int(found[1])
    last = min(int(found[2]) if found[2] else len(body) - 1, len(body) - 1)
    if first >= len(body):
        return b"", 416, [("Content-Range", f"bytes */{len(body)}")]
    return body[first : last + 1], 206, [("Content-Range", f"bytes {first}-{last}/{len(body)}")]
