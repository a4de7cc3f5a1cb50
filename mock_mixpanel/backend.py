"""The state of one server, shared by its ports, threads and workers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from mock_mixpanel.log.change_watch import ChangeWatch, Position
from mock_mixpanel.log.journal import Log
from mock_mixpanel.log.retention import Retention
from mock_mixpanel.log.shared_settings import SharedSettings
from mock_mixpanel.log.stores import Store
from mock_mixpanel.log.stores.memory import MemoryStore
from mock_mixpanel.projects.config import Config, ConfigError, Project
from mock_mixpanel.projects.registry import Projects
from mock_mixpanel.simulation.clock import Clock
from mock_mixpanel.simulation.faults import Faults
from mock_mixpanel.simulation.rate_limits import Rates
from mock_mixpanel.state.projections import Projections


class Backend:
    """The clock, the log and its projections, the projects and the faults.

    All persistent state is in the store, so several workers with the same store are one server.
    """

    def __init__(
        self,
        config: Config | None = None,
        store: Store | None = None,
        keep_for: float | None = None,
    ) -> None:
        """`keep_for` is the retention of requests in virtual seconds; None: no limit."""
        self.config = config or Config()
        self._store = store or MemoryStore()
        self._shared = SharedSettings(self._store)
        self.clock = Clock(shared=self._shared)
        retention = keep_for and Retention(self._store, keep_for, self.clock.now)
        self.log = Log(self._store, retention or None)
        self.projects = Projects(self.config, self._shared)
        self.projections = Projections(
            self.log, self.projects.limits, self.projects.group_keys, self.clock.now
        )
        self.faults = Faults(self._shared)
        self.rates = Rates(self._shared)
        self.changes = ChangeWatch(self._position, self._store.subscribe)
        self.sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
        """The function that delays a late response, in real seconds; tests replace it."""

    @property
    def version(self) -> int:
        """The version of clock, projects, faults and rates that this worker knows."""
        return self._shared.version

    @property
    def memo(self) -> dict[Any, Any]:
        """A cache for values that depend only on this version; its users limit its size."""
        return self._shared.memo

    @property
    def counts(self) -> bool:
        """Whether requests are counted, so that their order across all workers matters."""
        return self.projects.rated or bool(self.faults.rules)

    def refresh(self) -> None:
        """Read the changes of other workers."""
        self._shared.refresh()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Read the changes of other workers, and lock the store for this worker.

        A reader of the projections locks them and then the store. Code in this block that reads
        the projections must lock them before this block, or both wait for each other.
        """
        with self._shared.exclusive():
            yield

    def _position(self) -> Position:
        self.refresh()
        return Position(self.log.last(), self.version)

    def reset(self, token: str | None = None) -> None:
        """Restore the state at start; with a token, only of that project."""
        with self.exclusive():
            self.log.forget(token)
            self.faults.forget(token)
            self.rates.forget(token)
            self.projects.forget(token)
            if token is None:
                self.clock.reset()

    def change_project(self, token: str, options: Mapping[str, Any]) -> Project:
        """Set options of a project; those not named keep their value (choice).

        Raises ConfigError for a bad option, and for another identity mode once there is data.
        """
        with self.projections.held(), self.exclusive():
            project = self.projects.options(token)
            if options.get("token", token) != token:
                raise ConfigError("project.token: differs from the path; a token cannot be changed")
            changed = project.changed(options)
            if changed.identity != project.identity and self.projections.has_data(token):
                raise ConfigError(
                    "project.identity: can be changed only before there is data; reset"
                )
            self.projects.put(changed)
        return changed

    def remember(self, name: str, pages: Sequence[bytes]) -> None:
        """Store the pages of a response for all workers; see `Store`."""
        self._store.remember(name, pages)

    def recall(self, name: str, page: int) -> bytes | None:
        """A stored page of a response."""
        return self._store.recall(name, page)

    def close(self) -> None:
        """End waiting calls and close the store."""
        self.changes.wake()
        self._store.close()
