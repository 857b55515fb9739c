"""A load generator in one process: kept-alive connections on loopback, one request in flight on each."""

from __future__ import annotations

import selectors
import socket
import time
import zlib
from dataclasses import dataclass, field

IDLE_SECONDS = 5


@dataclass
class Outcome:
    """What one burst met; latencies in seconds, in order of arrival."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    accepted: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    last: bytes = b""  # the last answer, head and body

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency below which this share of the answers stays."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class _Client:
    """One connection; `began` is when its request was sent."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.began = 0.0

    def send(self, request: bytes) -> None:
        self.buffer = b""
        self.began = time.perf_counter()
        self.sock.sendall(request)

    def read(self) -> bytes | None:
        """The whole answer, or None while more is to come. Raises ConnectionError when the server hung up."""
        part = self.sock.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.buffer += part
        head, split, body = self.buffer.partition(b"\r\n\r\n")
        if not split:
            return None
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        if at >= 0:
            length = int(lowered[at + 15 :].split(b"\r\n", 1)[0])
            return self.buffer if len(body) >= length else None
        return self.buffer if body.endswith(b"0\r\n\r\n") else None


def plain(answer: bytes) -> bytes:
    """The body as it was written: pages leave compressed."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return zlib.decompress(body, 31) if b"content-encoding: gzip" in head.lower() else body


def burst(port: int, requests: list[bytes], *, clients: int, proof: bytes) -> Outcome:
    """Send every request once over `clients` connections; `proof` must stand in an accepted answer."""
    outcome, answers, waiting = Outcome(), list[bytes](), iter(requests)
    selector = selectors.DefaultSelector()
    open_clients = [_Client(port) for _ in range(clients)]
    begun = time.perf_counter()
    for client in open_clients:
        request = next(waiting, None)
        if request is not None:
            selector.register(client.sock, selectors.EVENT_READ, client)
            client.send(request)
    while selector.get_map():
        for key, _ in selector.select(30):
            client = key.data
            answer = client.read()
            if answer is None:
                continue
            outcome.latencies.append(time.perf_counter() - client.began)
            answers.append(answer)
            request = next(waiting, None)
            if request is None:
                selector.unregister(client.sock)
            else:
                client.send(request)
    outcome.seconds = time.perf_counter() - begun
    for client in open_clients:
        client.sock.close()
    return read_answers(outcome, answers, proof)


def read_answers(outcome: Outcome, answers: list[bytes], proof: bytes) -> Outcome:
    """Statuses and what was accepted; after the burst, since unpacking takes the time of the same processors."""
    for answer in answers:
        status = int(answer[9:12])
        outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
        outcome.accepted += status == 200 and proof in plain(answer)
        outcome.last = answer
    return outcome


def _still_open(free: list[_Client]) -> _Client | None:
    """The connection used last; servers close those that say nothing for long, and a browser would notice."""
    while free:
        client = free.pop()
        if time.perf_counter() - client.began < IDLE_SECONDS:
            return client
        client.sock.close()
    return None


def arrive_openly(port: int, requests: list[bytes], *, seconds: float, proof: bytes) -> Outcome:
    """Everybody comes at a moment of their own, spread evenly over `seconds`, however long the others take.

    Latencies count from the moment of coming: who waits for a free connection waits.
    """
    outcome, answers, selector = Outcome(), list[bytes](), selectors.DefaultSelector()
    free, coming = list[_Client](), list(enumerate(requests))[::-1]
    begun, step, busy = time.perf_counter(), seconds / len(requests), 0
    while coming or busy:
        passed = time.perf_counter() - begun
        while coming and coming[-1][0] * step <= passed:
            number, request = coming.pop()
            client = _still_open(free) or _Client(port)
            selector.register(client.sock, selectors.EVENT_READ, client)
            client.send(request)
            client.began, busy = begun + number * step, busy + 1
        wait = coming[-1][0] * step - (time.perf_counter() - begun) if coming else 30
        for key, _ in selector.select(max(0, wait)) if busy else ():
            answer = key.data.read()
            if answer is not None:
                outcome.latencies.append(time.perf_counter() - key.data.began)
                answers.append(answer)
                selector.unregister(key.fileobj)
                key.data.began = time.perf_counter()
                free.append(key.data)
                busy -= 1
        if not busy and coming:
            time.sleep(max(0, coming[-1][0] * step - (time.perf_counter() - begun)))
    outcome.seconds = time.perf_counter() - begun
    for client in free:
        client.sock.close()
    return read_answers(outcome, answers, proof)


def get(path: str, *, host: str, cookies: str = "") -> bytes:
    """The bytes of a page that a browser asks for."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: gzip", f"Cookie: {cookies}", "", ""]
    return "\r\n".join(lines).encode()


def post(path: str, body: str, *, host: str, cookies: str = "", client: str = "") -> bytes:
    """The bytes of a form that a browser posts; `client` is the address a proxy in front would name."""
    data = body.encode()
    lines = [
        f"POST {path} HTTP/1.1", f"Host: {host}", "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(data)}", "Accept-Encoding: gzip", f"Cookie: {cookies}",
        *([f"X-Forwarded-For: {client}"] if client else []), "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + data
