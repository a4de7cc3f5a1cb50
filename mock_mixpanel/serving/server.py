"""Running it: a port for each region, a thread for each connection, one world behind them.

werkzeug's own handler closes every connection after one request. Mixpanel keeps them
(docs/facts/mixpanel-http-api.md#http-details-that-trip-clients, item 13), so the handler here does
as well: it reads what is left of a request before the next, and sends an answer in one piece with
its length.
"""

import email.errors
import re
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from mock_mixpanel.app import create_app
from mock_mixpanel.backend import World
from mock_mixpanel.ingest.endpoints import no_request
from mock_mixpanel.ingest.flask_requests import CUT_KEY, REGION_KEY
from mock_mixpanel.ingest.redaction import redacted_text
from mock_mixpanel.ingest.replies import NO_REQUEST_PAGE, Reply
from mock_mixpanel.log.stores import Store
from mock_mixpanel.projects.config import Config
from mock_mixpanel.serving.bodies import Body, Lines
from mock_mixpanel.serving.tls import Certificate

DRAIN_BYTES = 100 * 1024 * 1024
"""How much of an unread body is read away before it is answered; with more, the connection is
closed, and a client that is still sending may not see the answer."""

IDLE_SECONDS = 120
"""How long a connection may say nothing."""


_MULTIPART_DEFECTS = frozenset(
    {
        email.errors.MultipartInvariantViolationDefect,
        email.errors.NoBoundaryInMultipartDefect,
        email.errors.StartBoundaryNotFoundDefect,
    }
)
"""Defects of a multipart body; the header parser looks for the body among the headers."""

_NO_VALUE = re.compile(r"[\r\n\0]")
"""What no header may have: an answer that repeats it would be another answer."""


class Server:
    """A running mock, for `with`. A port of 0 is a free one; None is no port for that region.

    `world` gives the state in-process; over HTTP the same is under `url + "/_mock"`. The store is
    in memory unless another one is given, which it is up to the giver to close. With a
    certificate all ports speak TLS. Starting raises OSError if a port is taken, TlsError if the
    certificate cannot be used.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        store: Store | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        eu_port: int | None = None,
        in_port: int | None = None,
        certificate: Certificate | None = None,
        quiet: bool = True,
    ) -> None:
        self.config = config or Config()
        self.world = World(self.config, store)
        self._host = host
        self._ports = {"us": port, "eu": eu_port, "in": in_port}
        self._certificate = certificate
        self._quiet = quiet
        self._listeners: dict[str, _Listener] = {}
        self._threads: list[threading.Thread] = []

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each region that has a port."""
        return {region: listener.base_url for region, listener in self._listeners.items()}

    @property
    def url(self) -> str:
        """The base URL of the US region and of `/_mock`."""
        return self.urls["us"]

    @property
    def eu_url(self) -> str | None:
        """The base URL of the EU region, if it has a port."""
        return self.urls.get("eu")

    @property
    def in_url(self) -> str | None:
        """The base URL of the India region, if it has a port."""
        return self.urls.get("in")

    def start(self) -> Self:
        """Listen; requests are taken when this returns."""
        app = create_app(world=self.world)
        tls = self._certificate.context() if self._certificate else None
        try:
            for region, port in self._ports.items():
                if port is not None:
                    self._listeners[region] = _Listener(
                        self._host, port, app, region, tls, self.world, self._quiet
                    )
        except BaseException:
            self.stop()
            raise
        for listener in self._listeners.values():
            thread = threading.Thread(
                target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
            )
            thread.start()
            self._threads.append(thread)
        return self

    def stop(self) -> None:
        """Stop listening and close all connections."""
        for listener in self._listeners.values():
            if self._threads:
                listener.shutdown()
            listener.server_close()
            listener.close_connections()
        for thread in self._threads:
            thread.join()
        self._listeners, self._threads = {}, []

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Listener(ThreadedWSGIServer):
    """One port."""

    def __init__(
        self,
        host: str,
        port: int,
        app: Any,
        region: str,
        tls: ssl.SSLContext | None,
        world: World,
        quiet: bool,
    ) -> None:
        self.region, self.world, self.quiet = region, world, quiet
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # werkzeug ends the process if a port is taken; with a socket of ours it is an OSError.
        listening = socket.create_server((host, port), family=family, backlog=128)
        try:
            super().__init__(host, port, app, handler=_Handler, fd=listening.fileno())
        finally:
            listening.close()
        # Not an argument: werkzeug would shake hands before it accepts the next connection, and a
        # client that says nothing would stop all others.
        self.ssl_context = tls
        scheme = "https" if tls else "http"
        shown = f"[{host}]" if ":" in host else host
        self.base_url = f"{scheme}://{shown}:{self.server_address[1]}"

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        if self.ssl_context:
            connection = self.ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End the connections that clients keep open."""
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):
                    # Not the method of a TLS socket, which takes it from under a reading thread.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    error_message_format = NO_REQUEST_PAGE
    error_content_type = "text/html; charset=utf-8"
    server: _Listener

    def setup(self) -> None:
        """Watch the lines of a request's head."""
        super().setup()
        source: Any = self.rfile
        watched: Any = Lines(source)
        self._lines: Lines = watched
        self.rfile = watched

    def parse_request(self) -> bool:
        """Refuse a head that is cut, or that has what is no header: the rest is anybody's guess."""
        if not super().parse_request():
            return False
        whole = self.request_version == "HTTP/0.9" or self._lines.last in (b"\r\n", b"\n")
        if (
            whole
            and _MULTIPART_DEFECTS.issuperset(map(type, self.headers.defects))
            and not _NO_VALUE.search("".join(self.headers.values()))
        ):
            return True
        self.close_connection = True
        self.send_error(400, "Bad headers" if whole else "The head of the request is cut")
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is no request, and put it into the journal, its query left out."""
        super().send_error(code, message, explain)
        words = [*self.raw_requestline.decode("latin-1").split(), "", ""]
        reply = Reply(code, redacted_text(message or "").encode(), self.error_content_type)
        no_request(self.server.world, self.server.region, words[0], words[1], reply)

    def run_wsgi(self) -> None:
        """Answer one request and leave the connection ready for the next."""
        try:
            self.environ = environ = self.make_environ()
        except ValueError:
            self.close_connection = True
            self.send_error(400, "The address is none")
            return
        chunked = bool(environ.get("wsgi.input_terminated"))
        body = Body(self.rfile, self.headers.get("Content-Length", ""), chunked=chunked)
        environ["wsgi.input"], environ["wsgi.input_terminated"] = body, True
        environ[REGION_KEY] = self.server.region
        cuts: list[str] = []
        environ[CUT_KEY] = cuts.append
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        content = b"".join(chunks)
        if not body.drained(DRAIN_BYTES):
            self.close_connection = True
        if "before" not in cuts:
            self._send(status, headers, content, cut_short="during" in cuts)
        if cuts:
            self.close_connection = True

    def _send(
        self, status: str, headers: Headers, content: bytes, *, cut_short: bool = False
    ) -> None:
        if self.request_version == "HTTP/0.9":
            self.wfile.write(content)
            return
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in headers and code != "204":
            self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        buffered = b"" if self.command == "HEAD" else content
        if cut_short:
            buffered = buffered[: len(buffered) // 2]
        # One write: an answer in two pieces waits for the client's acknowledgement.
        self._headers_buffer.append(b"\r\n" + buffered)
        self.flush_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """One line; unlike werkzeug's, also for an address that is none."""
        line = self.requestline.encode("unicode_escape").decode()
        self.log("info", '"%s" %s', line, getattr(code, "value", code))

    def log(self, type: str, message: str, *args: Any) -> None:
        if not self.server.quiet:
            super().log(type, "%s", redacted_text(message % args if args else message))
