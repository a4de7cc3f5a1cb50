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
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import connection, get_context, parent_process
from multiprocessing.context import SpawnProcess
from typing import Self

import uvicorn
from uvicorn.supervisors import Multiprocess

from mock_mixpanel.asgi import Application
from mock_mixpanel.config import Config
from mock_mixpanel.protocol import Protocol
from mock_mixpanel.stores import open_store
from mock_mixpanel.tls import Certificate
from mock_mixpanel.world import World

START_SECONDS = 60
STOP_SECONDS = 3
"""How long a worker has to finish what it is doing before it is ended."""
POLL_SECONDS = 0.05
IDLE_SECONDS = 120
"""How long a connection may say nothing."""
BACKLOG = 1024
"""How many connections may wait to be accepted."""


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

    The store must be one that can be shared. A port of 0 is a free one. Starting raises OSError if
    a port is taken, TlsError if the certificate cannot be used, WorkersError.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._master: SpawnProcess | None = None

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
        with ExitStack() as stack:
            listening = {
                region: stack.enter_context(_listen(self._plan.host, port))
                for region, port in self._plan.ports.items()
            }
            ports = {region: each.getsockname()[1] for region, each in listening.items()}
            self._plan = replace(self._plan, ports=ports)
            sockets = list(listening.values())
            self._master = get_context("spawn").Process(target=_serve, args=(self._plan, sockets))
            self._master.start()
            try:
                self._wait(self._master, ports["us"])
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self) -> None:
        """End all workers and their connections."""
        if self._master:
            self._master.terminate()
            self._master.join()
        self._master = None

    def _wait(self, process: SpawnProcess, port: int) -> None:
        """Until the port answers."""
        deadline = time.monotonic() + START_SECONDS
        while not _healthy(self._plan.host, port, tls=bool(self._plan.certificate)):
            if not process.is_alive():
                raise WorkersError("the workers ended at once; what they said is above")
            if time.monotonic() > deadline:
                raise WorkersError(f"no worker answers after {START_SECONDS} seconds")
            time.sleep(POLL_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that all workers share. Raises OSError if the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _healthy(host: str, port: int, *, tls: bool) -> bool:
    asked: http.client.HTTPConnection
    if tls:
        # Whose certificate it is does not matter: nothing is said or believed here.
        anyone = ssl._create_unverified_context()  # noqa: S323
        asked = http.client.HTTPSConnection(host, port, timeout=START_SECONDS, context=anyone)
    else:
        asked = http.client.HTTPConnection(host, port, timeout=START_SECONDS)
    try:
        asked.request("GET", "/_mock/health")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _serve(plan: Plan, listening: list[socket.socket]) -> None:
    """Be the master process: keep so many workers running until it is told to end."""
    _end_with_parent()
    certificate = plan.certificate
    config = uvicorn.Config(
        partial(_application, plan),
        factory=True,
        workers=plan.workers,
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
        timeout_worker_healthcheck=START_SECONDS,
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.key if certificate else None,
    )
    Multiprocess(config, listening).run()


def _application(plan: Plan) -> Application:
    """Be a worker."""
    _end_with_parent()
    world = World(plan.config, open_store(plan.store_url, plan.keep))
    regions = {port: region for region, port in plan.ports.items()}
    application = Application(world, regions, quiet=plan.quiet)
    # What there is by now stays, and a request makes no cycles: garbage is looked for less often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    return application


def _end_with_parent() -> None:
    """A parent that was killed cannot end its children; no port shall be held by orphans."""

    def wait() -> None:
        parent = parent_process()
        if parent:
            connection.wait([parent.sentinel])
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
