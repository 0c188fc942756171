"""A way to a server that can be cut, or that loses answers: what a network does at the worst moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes between clients and a server on loopback.

    `on_request` sees what a client sends and says what becomes of it and its answer: "pass", "lose" (it is
    done, and the connection is cut before the answer), "hang" (the same, but nothing is cut) or "cut" (the
    server never gets it).
    """

    def __init__(self, host: str, port: int, on_request: Callable[[bytes], str]) -> None:
        self._server = (host, port)
        self._on_request = on_request
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            self._sockets += [client, server]
            self._start(self._pass, client, server)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        fate = ["pass"]
        self._start(self._answer, server, client, fate)
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                fate[0] = self._on_request(data)
                if fate[0] == "cut":
                    break
                server.sendall(data)
        _cut(server)
        _cut(client)

    def _answer(self, server: socket.socket, client: socket.socket, fate: list[str]) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if fate[0] == "hang":
                    continue
                if fate[0] == "lose":
                    break
                client.sendall(data)
        if fate[0] != "hang":
            _cut(client)


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxied(url: str, on_request: Callable[[bytes], str]) -> Iterator[str]:
    """Give the URL of the same database through a proxy."""
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname or "", parts.port or 5432, on_request)
    user = parts.netloc.rpartition("@")[0]
    try:
        yield parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}").geturl()
    finally:
        proxy.close()
