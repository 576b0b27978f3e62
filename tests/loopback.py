"""A tiny server for the tests of the network layer: each path answered by a function."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Asked:
    """One request received."""

    def __init__(self, handler, body):
        self.method = handler.command
        self.path = handler.path
        self.headers = handler.headers
        self.body = body


class Loopback:
    """What the server answers, and what it was asked, in order."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.lock = threading.Lock()

    def count(self, path, method="GET"):
        return sum(a.path.partition("?")[0] == path and a.method == method for a in self.asked)

    def on(self, path, *answers):
        """Answer a path by these in turn, the last one for ever."""
        left = list(answers)

        def turn(handler):
            with self.lock:
                answer = left.pop(0) if len(left) > 1 else left[0]
            answer(handler)

        self.answers[path] = turn


def send(body=b"", status=200, length=None, **headers):
    """Answer with this body; `length` announced may lie; header names by underscores."""

    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)
        if length is not None:
            handler.close_connection = True

    return answer


def file(body, etag="", modified="", ranges=True):
    """Answer as a file server does: ranges, If-Range, If-None-Match, If-Modified-Since."""

    def answer(handler):
        asked = handler.headers
        marks = {k: v for k, v in {"ETag": etag, "Last-Modified": modified}.items() if v}
        none_match, since = asked.get("If-None-Match"), asked.get("If-Modified-Since")
        if (etag and none_match == etag) or (none_match is None and modified and since == modified):
            return send(b"", 304, **marks)(handler)
        start = 0
        if ranges and "Range" in asked and asked.get("If-Range") in {etag, modified, None}:
            start = int(asked["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                return send(b"", 416, Content_Range=f"bytes */{len(body)}")(handler)
            marks["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return send(body[start:], 206 if start else 200, **marks)(handler)

    return answer


def cut(answer, after, reset=False):
    """Give an answer, the connection closed (or reset) after so many bytes of its body."""

    def cutting(handler):
        plain = handler.wfile

        class Cut:
            left = after

            def write(self, data):
                if data.startswith(b"HTTP/"):
                    return plain.write(data)
                plain.write(data[: self.left])
                self.left -= len(data)
                if self.left <= 0:
                    plain.flush()
                    handler.close_connection = True
                    if reset:  # what was not sent yet is lost as well
                        linger = struct.pack("ii", 1, 0)
                        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return len(data)

            def flush(self):
                plain.flush()

        handler.wfile = Cut()
        try:
            answer(handler)
        finally:
            handler.wfile = plain

    return cutting


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        loopback = self.server.loopback
        with loopback.lock:
            loopback.asked.append(Asked(self, body))
        answer = loopback.answers.get(self.path.partition("?")[0], send(b"absent", 404))
        with contextlib.suppress(ConnectionError):
            answer(self)

    do_GET = do_POST = do_HEAD = do_CONNECT = _answer  # noqa: N815

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving():
    """Give a server and its address."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass

    with Server(("127.0.0.1", 0), _Handler) as server:
        server.loopback = Loopback()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
