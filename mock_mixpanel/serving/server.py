"""The mock in a thread of this process: for the pytest fixture and for `serve` with one worker."""

import socket
import threading
from typing import Self

from mock_mixpanel.backend import Backend
from mock_mixpanel.inspector.site import MessageReader
from mock_mixpanel.log.stores import Store
from mock_mixpanel.projects.config import Config
from mock_mixpanel.serving.asgi import Application
from mock_mixpanel.serving.guard import Access
from mock_mixpanel.serving.http_server import HttpServer
from mock_mixpanel.serving.sockets import base_url, listen, port_of
from mock_mixpanel.serving.tls import Certificate


class Server:
    """A running mock, for `with`. A port of 0 is a free one; None is no port for that region.

    `backend` gives the state in-process; over HTTP the same is under `url + "/_mock"`. The store is
    in memory unless another one is given; the caller closes that one. `keep_for` is how many
    virtual seconds requests are kept. With a certificate all ports speak TLS. `access` says who may
    use `/_mock`: by default every program on this machine, and only those with `access.token` if
    `host` is not a loopback address. `messages` reads the latest messages of a gateway, for the
    pages; see `create_app`. Starting raises OSError if a port is taken, TlsError if the certificate
    cannot be used.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        store: Store | None = None,
        keep_for: float | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        eu_port: int | None = None,
        in_port: int | None = None,
        certificate: Certificate | None = None,
        access: Access | None = None,
        messages: MessageReader | None = None,
        quiet: bool = True,
    ) -> None:
        self.config = config or Config()
        self.backend = Backend(self.config, store, keep_for)
        self._host = host
        self._ports = {"us": port, "eu": eu_port, "in": in_port}
        self._certificate = certificate
        self.access = access or Access.of(host)
        self._messages, self._quiet = messages, quiet
        self._urls: dict[str, str] = {}
        self._http: HttpServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each region that has a port."""
        return dict(self._urls)

    @property
    def url(self) -> str:
        """The base URL of the US region and of `/_mock`."""
        return self._urls["us"]

    @property
    def eu_url(self) -> str | None:
        """The base URL of the EU region, if it has a port."""
        return self._urls.get("eu")

    @property
    def in_url(self) -> str | None:
        """The base URL of the India region, if it has a port."""
        return self._urls.get("in")

    def start(self) -> Self:
        """Listen; requests are accepted when this returns."""
        if self._certificate:
            self._certificate.context()
        sockets: dict[str, socket.socket] = {}
        try:
            for region, port in self._ports.items():
                if port is not None:
                    [sockets[region]] = listen(self._host, port)
        except BaseException:
            for listening in sockets.values():
                listening.close()
            raise
        ports = {region: port_of(listening) for region, listening in sockets.items()}
        tls = self._certificate is not None
        self._urls = {region: base_url(self._host, port, tls=tls) for region, port in ports.items()}
        regions = {port: region for region, port in ports.items()}
        ready = threading.Event()
        self._http = HttpServer(
            Application(
                self.backend,
                regions,
                self.access,
                messages=self._messages,
                quiet=self._quiet,
                reads_when_idle=True,
            ),
            self._certificate,
            on_ready=ready.set,
        )
        self._thread = threading.Thread(
            target=_run, args=(self._http, list(sockets.values()), ready), daemon=True
        )
        self._thread.start()
        ready.wait()
        if not self._http.started:
            self.stop()
            raise RuntimeError("the HTTP server did not start; its error is printed above")
        return self

    def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._http and self._thread:
            self._http.stop()
            self._thread.join()
        self._http, self._thread, self._urls = None, None, {}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _run(server: HttpServer, sockets: list[socket.socket], ready: threading.Event) -> None:
    """Serve until stopped. Sets `ready` in any case, so that the starting thread continues."""
    try:
        server.run(sockets)
    finally:
        ready.set()
