"""The mock in several worker processes, for speed.

Every worker listens on the port of each region. All workers share one store, so together they
answer as one server.
"""

import gc
import http.client
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, get_all_start_methods, get_context, parent_process
from multiprocessing.process import BaseProcess
from typing import Self

from mock_mixpanel.backend import Backend
from mock_mixpanel.garbage_collection import in_own_process
from mock_mixpanel.log.stores import open_store
from mock_mixpanel.projects.config import Config
from mock_mixpanel.serving.asgi import Application
from mock_mixpanel.serving.guard import Access
from mock_mixpanel.serving.http_server import HttpServer
from mock_mixpanel.serving.sockets import base_url, listen, port_of
from mock_mixpanel.serving.tls import Certificate

START_SECONDS = 60
ASK_SECONDS = 1
"""Seconds to wait for a health response before checking that the workers are still alive."""
STOP_SECONDS = 3
"""Seconds that requests may take to finish after a stop request."""
KILL_SECONDS = 2
"""Further seconds that a worker may take to end before it is killed."""
POLL_SECONDS = 0.05
PAUSE_SECONDS = 1
"""The pause between two replacements, so that workers that cannot start do not keep us busy."""

CONTEXT = (
    get_context("forkserver") if "forkserver" in get_all_start_methods() else get_context("spawn")
)
"""The start method of processes. A fork server imports the mock once for all workers; see
`preload`."""


def preload() -> None:
    """Let the fork server of this process import the mock, unless it already runs.

    Without it each worker imports the mock, which takes a third of a second of a core.
    """
    CONTEXT.set_forkserver_preload([__name__])


class WorkersError(Exception):
    """The workers did not start; the message gives the reason."""


@dataclass(frozen=True)
class WorkerSettings:
    """The settings of every worker.

    `ports` are by region; `keep` is a number of records, `keep_for` a number of virtual seconds.
    """

    config: Config
    store_url: str
    keep: int | None
    host: str
    ports: Mapping[str, int]
    workers: int
    certificate: Certificate | None
    access: Access
    quiet: bool
    keep_for: float | None = None


class Workers:
    """Worker processes that are started and stopped like a `Server`.

    A worker that crashes is replaced. The store must be one that processes can share. A port
    of 0 is a free one. Starting raises OSError if a port is taken, TlsError if the certificate
    cannot be used, and WorkersError.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._listening: list[list[socket.socket]] = [[] for _ in range(settings.workers)]
        """The sockets of each worker, one for each port."""
        self._processes: list[BaseProcess] = []
        self._supervisor: threading.Thread | None = None
        self._stop_receiver, self._stop_sender = CONTEXT.Pipe(duplex=False)
        """Tell the supervisor to stop."""

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each region that has a port."""
        host, tls = self._settings.host, self._settings.certificate is not None
        ports = self._settings.ports.items()
        return {region: base_url(host, port, tls=tls) for region, port in ports}

    def start(self) -> Self:
        """Listen; requests are taken when this returns."""
        if self._settings.certificate:
            self._settings.certificate.context()
        try:
            ports = {}
            for region, port in self._settings.ports.items():
                sockets = listen(self._settings.host, port, self._settings.workers)
                ports[region] = port_of(sockets[0])
                for listening, each in zip(self._listening, sockets, strict=True):
                    listening.append(each)
            self._settings = replace(self._settings, ports=ports)
            self._processes = [self._started(listening) for listening in self._listening]
            self._wait(ports["us"])
        except BaseException:
            self.stop()
            raise
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()
        return self

    def stop(self) -> None:
        """End all workers and their connections."""
        if self._supervisor:
            self._stop_sender.send(None)
            self._supervisor.join()
            self._supervisor = None
        for listening in self._listening:
            while listening:
                listening.pop().close()
        for process in self._processes:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS + KILL_SECONDS
        for process in self._processes:
            process.join(max(0, deadline - time.monotonic()))
            process.kill()
            process.join()
        self._processes = []

    def _started(self, listening: list[socket.socket]) -> BaseProcess:
        arguments = (self._settings, listening)
        process = CONTEXT.Process(target=_serve, args=arguments, daemon=True)
        process.start()
        return process

    def _supervise(self) -> None:
        """Replace each worker that ends, until a stop is requested."""
        stopping = False
        while not stopping:
            connection.wait([self._stop_receiver, *(each.sentinel for each in self._processes)])
            self._processes = [
                each if each.is_alive() or self._stop_receiver.poll() else self._started(listening)
                for each, listening in zip(self._processes, self._listening, strict=True)
            ]
            stopping = self._stop_receiver.poll(PAUSE_SECONDS)
        self._stop_receiver.recv()

    def _wait(self, port: int) -> None:
        """Wait until the port answers. Raises WorkersError."""
        deadline = time.monotonic() + START_SECONDS
        while not _healthy(self._settings.host, port, tls=bool(self._settings.certificate)):
            if not all(process.is_alive() for process in self._processes):
                raise WorkersError("a worker ended at once; its error is printed above")
            if time.monotonic() > deadline:
                raise WorkersError(f"no worker answers after {START_SECONDS} seconds")
            time.sleep(POLL_SECONDS)


def _healthy(host: str, port: int, *, tls: bool) -> bool:
    """Whether the mock answers at a port."""
    client: http.client.HTTPConnection
    if tls:
        # The certificate need not be trusted: no data is sent, and no answer is used but 200.
        unverified = ssl._create_unverified_context()  # noqa: S323
        client = http.client.HTTPSConnection(host, port, timeout=ASK_SECONDS, context=unverified)
    else:
        client = http.client.HTTPConnection(host, port, timeout=ASK_SECONDS)
    try:
        client.request("GET", "/_mock/health")
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


def _serve(settings: WorkerSettings, listening: list[socket.socket]) -> None:
    """Run one worker process."""
    _end_with_parent()
    in_own_process()
    store = open_store(settings.store_url, settings.keep, check=False)
    backend = Backend(settings.config, store, settings.keep_for)
    regions = {port: region for region, port in settings.ports.items()}
    server = HttpServer(
        Application(backend, regions, settings.access, quiet=settings.quiet),
        settings.certificate,
        grace=STOP_SECONDS,
    )
    # The objects made so far stay, and a request makes no cycles: collect garbage less often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again that stopped it.
        server.run(listening)


def _end_with_parent() -> None:
    """End this process when its parent ends: a killed parent cannot stop its workers."""

    def wait() -> None:
        parent = parent_process()
        if parent:
            connection.wait([parent.sentinel])
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
