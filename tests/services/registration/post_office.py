"""A small SMTP server on loopback: takes letters, or answers what a test tells it to; TLS with a certificate of its own."""

from __future__ import annotations

import datetime as dt
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Post:
    """What the server took and how it answers."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    rcpt: str = "250 ok"
    data: str = "250 taken"
    auth: str = "235 welcome"
    tls: ssl.SSLContext | None = None


class _Handler(socketserver.StreamRequestHandler):
    post: Post

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self) -> None:
        """One conversation."""
        encrypted = False
        self._say("220 test")
        while line := self.rfile.readline():
            word = line.decode("ascii", "replace").strip().upper()
            if word.startswith("EHLO"):
                offers = ["250-test"] + ["250-STARTTLS"] * bool(self.post.tls and not encrypted) + ["250 AUTH PLAIN"]
                self._say("\r\n".join(offers))
            elif word == "STARTTLS" and self.post.tls:
                self._say("220 go on")
                self.wfile.flush()
                secure = self.post.tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = secure.makefile("rb"), secure.makefile("wb", buffering=0)  # type: ignore[assignment]
                encrypted = True
            elif word.startswith("AUTH"):
                self._say(self.post.auth)
            elif word.startswith("RCPT"):
                self.post.recipients.append(line.decode().strip())
                self._say(self.post.rcpt)
            elif word == "DATA":
                self._take(encrypted)
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, encrypted: bool) -> None:
        self._say("354 write")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if self.post.data.startswith("250"):
            self.post.letters.append(message_from_bytes(b"".join(lines), policy=default))
            self.post.was_encrypted.append(encrypted)
        self._say(self.post.data)


@contextmanager
def post_office(**answers: object) -> Iterator[Post]:
    """A running server on a port of its own."""
    post = Post(**answers)  # type: ignore[arg-type]
    handler = type("Handler", (_Handler,), {"post": post})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        post.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield post
        server.shutdown()
        thread.join()


def tls_pair() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's side, and a client's that trusts it; for the name localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(start).not_valid_after(start + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        both = Path(folder) / "both.pem"
        both.write_bytes(pem + secret)
        server.load_cert_chain(both)
    return server, ssl.create_default_context(cadata=pem.decode())
