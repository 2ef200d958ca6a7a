"""S3 as a hook meets it: TLS for its host names, behind a proxy on this machine, and who asked for what."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "s3.us-east-1.amazonaws.com"
_NAMES = (HOST, f"*.{HOST}", "s3.cn-north-1.amazonaws.com.cn")


class S3(ThreadingTCPServer):
    """`objects` maps a path to a status and a body; `asked` are the paths that were asked for."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.objects: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []

    def hold(self, body: bytes, status: int = 200, host: str = HOST) -> str:
        """The presigned URL of an object."""
        path = f"/bucket/{len(self.objects)}"
        self.objects[path] = status, body
        return f"https://{host}{path}?X-Amz-Signature=SECRET"


class _Handler(StreamRequestHandler):
    server: S3

    def handle(self) -> None:
        """A tunnel that ends here, and one answer in it."""
        while self.rfile.readline().strip():
            pass
        self.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            with self.server.context.wrap_socket(self.connection, server_side=True) as secure:
                path = secure.recv(65_536).split()[1].decode().partition("?")[0]
                self.server.asked.append(path)
                status, body = self.server.objects[path]
                moved = b"Location: https://169.254.169.254/\r\n" if status == 302 else b""
                head = b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n%s\r\n" % (status, len(body), moved)
                secure.sendall(head + body)
        except OSError:
            return  # whoever asked has hung up


@contextmanager
def serving(folder: Path) -> Iterator[S3]:
    """S3 until the end of the block; this process reaches and trusts it."""
    certificate = _certify(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with S3(context) as server, pytest.MonkeyPatch.context() as patch:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        patch.setenv("SSL_CERT_FILE", str(certificate))
        for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY"):
            patch.delenv(name, raising=False)
        patch.setenv("https_proxy", f"http://127.0.0.1:{server.server_address[1]}")
        yield server
        server.shutdown()


def _certify(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, _NAMES))), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "s3.pem"
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
