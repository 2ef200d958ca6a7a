"""A small, fast HTTP/1.1 server: a thread per connection, which stays open."""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from tests.fake_aws.wire import Reply

_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")


class Request(NamedTuple):
    """What came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def signer(self) -> tuple[str, str, str]:
        """Access key, region and signing name."""
        found = _CREDENTIAL.search(self.headers.get("authorization", ""))
        return (found[1], found[2], found[3]) if found else ("", "us-east-1", "sts")


class Cut(Exception):
    """Ends a connection instead of answering: after half of `reply`, or with a reset when there is none."""

    def __init__(self, reply: Reply | None = None) -> None:
        super().__init__()
        self.reply = reply


class Server(socketserver.TCPServer):
    """Answers each request with `answer(request)`."""

    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, port: int, answer: Callable[[Request], Reply]) -> None:
        self.answer = answer
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Connection)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End every connection and thread."""
        self.shutdown()
        self._thread.join()
        with self._lock:
            running = dict(self._open)
        for connection, thread in running.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, and remember it: clients keep theirs open for long."""
        thread = threading.Thread(target=self._serve, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[request] = thread
        thread.start()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        sys.settrace(None)  # nothing here counts as covered
        try:
            with suppress(ConnectionError, ValueError):
                self.finish_request(request, client_address)
        finally:
            with self._lock:
                del self._open[request]
            self.shutdown_request(request)


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        while (request := self._read()) is not None:
            try:
                reply = self.server.answer(request)
            except Cut as cut:
                return self._cut(cut.reply)
            self.wfile.write(_head(reply) + reply.body)

    def _read(self) -> Request | None:
        line = self.rfile.readline(65_536)
        if not line.strip():
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        headers = {}
        while (line := self.rfile.readline(65_536)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        if headers.get("expect") == "100-continue":  # else botocore waits a second for each upload
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Request(method, target, headers, self.rfile.read(int(headers.get("content-length", 0))))

    def _cut(self, reply: Reply | None) -> None:
        if reply is not None:
            self.wfile.write(_head(reply) + reply.body[: len(reply.body) // 2])
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _head(reply: Reply) -> bytes:
    kind = f"x-amzn-errortype: {reply.code}\r\n" if reply.code else ""
    return (
        f"HTTP/1.1 {reply.status} Fake\r\ncontent-type: {reply.content_type}\r\n{kind}"
        f"x-amzn-requestid: 0\r\ncontent-length: {len(reply.body)}\r\n\r\n"
    ).encode()
