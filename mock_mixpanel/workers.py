"""Running it in several processes, with granian: for speed, and for many connections.

There is one granian for each region's port, each with so many workers. All of them share one store,
so together they answer as one server.
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
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import connection, get_context, parent_process, set_start_method
from multiprocessing.context import SpawnProcess
from typing import Any, Self

from mock_mixpanel.config import Config
from mock_mixpanel.tls import Certificate

START_SECONDS = 60
STOP_SECONDS = 3
"""How long a worker has to finish what it is doing before it is ended."""
POLL_SECONDS = 0.05


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
        self._processes: list[SpawnProcess] = []

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
        ports = {region: _free(self._plan.host, port) for region, port in self._plan.ports.items()}
        self._plan = replace(self._plan, ports=ports)
        context = get_context("spawn")
        try:
            for region in ports:
                process = context.Process(target=_serve, args=(self._plan, region))
                process.start()
                self._processes.append(process)
            for process, port in zip(self._processes, ports.values(), strict=True):
                self._wait(process, port)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all workers and their connections."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        self._processes = []

    def _wait(self, process: SpawnProcess, port: int) -> None:
        """Until a port answers."""
        deadline = time.monotonic() + START_SECONDS
        while not _healthy(self._plan.host, port, tls=bool(self._plan.certificate)):
            if not process.is_alive():
                raise WorkersError("a worker ended at once; what it said is above")
            if time.monotonic() > deadline:
                raise WorkersError(f"no worker answers after {START_SECONDS} seconds")
            time.sleep(POLL_SECONDS)


def _free(host: str, port: int) -> int:
    """The port, or a free one for 0. Raises OSError if it is taken: granian would share it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listening:
        number: int = listening.getsockname()[1]
        return number


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


def _serve(plan: Plan, region: str) -> None:
    """Be the master process of a region's workers."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, SSLProtocols

    _end_with_parent()
    # Not fork: there is a thread already.
    set_start_method("spawn", force=True)
    certificate = plan.certificate
    Granian(
        "mock_mixpanel",
        plan.host,
        plan.ports[region],
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=plan.workers,
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
        log_enabled=False,
        ssl_cert=certificate.chain if certificate else None,
        ssl_key=certificate.key if certificate else None,
        ssl_protocol_min=SSLProtocols.tls12,
    ).serve(target_loader=partial(_application, plan), wrap_loader=False)


def _application(plan: Plan) -> Any:
    """Be a worker."""
    from mock_mixpanel.rsgi import Application
    from mock_mixpanel.stores import open_store
    from mock_mixpanel.world import World

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
