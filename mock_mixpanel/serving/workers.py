"""Running it in several processes, with uvicorn: for speed, and for many connections.

Every worker listens on the port of each region. All share one store, so together they answer as one
server.
"""

import gc
import http.client
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess
from typing import Self

import uvicorn

from mock_mixpanel.backend import World
from mock_mixpanel.log.stores import open_store
from mock_mixpanel.projects.config import Config
from mock_mixpanel.serving.asgi import Application
from mock_mixpanel.serving.http_protocol import Protocol
from mock_mixpanel.serving.tls import Certificate

START_SECONDS = 60
ASK_SECONDS = 1
"""How long to wait for an answer before looking whether the workers are still there."""
STOP_SECONDS = 3
"""How long a worker has to finish what it is doing before it is ended."""
KILL_SECONDS = 2
"""How much longer than that it may take to end."""
POLL_SECONDS = 0.05
PAUSE_SECONDS = 1
"""Between one replacing of workers and the next: one that cannot start must not keep us busy."""
IDLE_SECONDS = 120
"""How long a connection may say nothing."""
BACKLOG = 1024
"""How many connections may wait to be accepted."""
SPREADS = sys.platform == "linux"
"""Whether the system spreads connections over several sockets of one port. Of one that they share,
the first worker to wake often takes all."""


class WorkersError(Exception):
    """The workers did not start; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What every worker has to know; `ports` are by region."""

    config: Config
    store_url: str
    keep: int | None
    host: str
    ports: Mapping[str, int]
    workers: int
    certificate: Certificate | None
    quiet: bool


class Workers:
    """Worker processes that are started and stopped like a `Server`.

    A worker that ends by itself is replaced. The store must be one that can be shared. A port of 0
    is a free one. Starting raises OSError if a port is taken, TlsError if the certificate cannot be
    used, WorkersError.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._listening: list[list[socket.socket]] = [[] for _ in range(plan.workers)]
        """What each worker listens on."""
        self._processes: list[SpawnProcess] = []
        self._keeper: threading.Thread | None = None
        self._told, self._tell = get_context("spawn").Pipe(duplex=False)
        """What the keeper hears when it is to stop."""

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each region that has a port."""
        host, scheme = self._plan.host, "https" if self._plan.certificate else "http"
        shown = f"[{host}]" if ":" in host else host
        return {region: f"{scheme}://{shown}:{port}" for region, port in self._plan.ports.items()}

    def start(self) -> Self:
        """Listen; requests are taken when this returns."""
        if self._plan.certificate:
            self._plan.certificate.context()
        try:
            ports = {}
            for region, port in self._plan.ports.items():
                sockets = _listen(self._plan.host, port, self._plan.workers)
                ports[region] = sockets[0].getsockname()[1]
                for listening, each in zip(self._listening, sockets, strict=True):
                    listening.append(each)
            self._plan = replace(self._plan, ports=ports)
            self._processes = [self._started(listening) for listening in self._listening]
            self._wait(ports["us"])
        except BaseException:
            self.stop()
            raise
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        return self

    def stop(self) -> None:
        """End all workers and their connections."""
        if self._keeper:
            self._tell.send(None)
            self._keeper.join()
            self._keeper = None
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

    def _started(self, listening: list[socket.socket]) -> SpawnProcess:
        arguments = (self._plan, listening)
        process = get_context("spawn").Process(target=_serve, args=arguments, daemon=True)
        process.start()
        return process

    def _keep(self) -> None:
        """Replace each worker that ends, until told to stop."""
        told = False
        while not told:
            connection.wait([self._told, *(each.sentinel for each in self._processes)])
            self._processes = [
                each if each.is_alive() or self._told.poll() else self._started(listening)
                for each, listening in zip(self._processes, self._listening, strict=True)
            ]
            told = self._told.poll(PAUSE_SECONDS)
        self._told.recv()

    def _wait(self, port: int) -> None:
        """Until the port answers."""
        deadline = time.monotonic() + START_SECONDS
        while not _healthy(self._plan.host, port, tls=bool(self._plan.certificate)):
            if not all(process.is_alive() for process in self._processes):
                raise WorkersError("a worker ended at once; what it said is above")
            if time.monotonic() > deadline:
                raise WorkersError(f"no worker answers after {START_SECONDS} seconds")
            time.sleep(POLL_SECONDS)


def _listen(host: str, port: int, workers: int) -> list[socket.socket]:
    """A socket for each worker, or the same for all. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # First one that shares the port with nobody: others might be willing to.
    only = socket.create_server((host, port), family=family, backlog=BACKLOG)
    if workers == 1 or not SPREADS:
        return [only] * workers
    with only:
        taken = only.getsockname()[:2]
    return [
        socket.create_server(taken, family=family, backlog=BACKLOG, reuse_port=True)
        for _ in range(workers)
    ]


def _healthy(host: str, port: int, *, tls: bool) -> bool:
    asked: http.client.HTTPConnection
    if tls:
        # Whose certificate it is does not matter: nothing is said or believed here.
        anyone = ssl._create_unverified_context()  # noqa: S323
        asked = http.client.HTTPSConnection(host, port, timeout=ASK_SECONDS, context=anyone)
    else:
        asked = http.client.HTTPConnection(host, port, timeout=ASK_SECONDS)
    try:
        asked.request("GET", "/_mock/health")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _serve(plan: Plan, listening: list[socket.socket]) -> None:
    """Be a worker."""
    _end_with_parent()
    world = World(plan.config, open_store(plan.store_url, plan.keep))
    regions = {port: region for region, port in plan.ports.items()}
    certificate = plan.certificate
    config = uvicorn.Config(
        Application(world, regions, quiet=plan.quiet),
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    config.load()
    # What there is by now stays, and a request makes no cycles: garbage is looked for less often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    with suppress(KeyboardInterrupt):  # it ends in the way it was told to
        uvicorn.Server(config).run(listening)


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers; no port shall be held by orphans."""

    def wait() -> None:
        parent = parent_process()
        if parent:
            connection.wait([parent.sentinel])
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
