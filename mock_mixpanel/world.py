"""All that one server holds, whatever its ports and threads."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from mock_mixpanel.clock import Clock
from mock_mixpanel.config import Config, ConfigError, Limits, Project
from mock_mixpanel.faults import Faults
from mock_mixpanel.log import Log
from mock_mixpanel.projections import Projections
from mock_mixpanel.rates import Rates


class World:
    """The clock, the log and what is computed from it, the projects and the faults."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()
        self.clock = Clock()
        self.log = Log()
        self.projects = Projects(self.config)
        self.projections = Projections(self.log, self.projects.limits, self.clock.now)
        self.faults = Faults()
        self.rates = Rates()
        self.sleep: Callable[[float], object] = time.sleep
        """How a late answer waits, in real seconds; tests put something that does not."""

    def reset(self, token: str | None = None) -> None:
        """As freshly started; with a token, only what concerns that project."""
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
        project = self.projects.options(token)
        if options.get("token", token) != token:
            raise ConfigError("project.token: differs from the path; a token cannot be changed")
        changed = project.changed(options)
        if changed.identity != project.identity and self.projections.has_data(token):
            raise ConfigError("project.identity: can be changed only before there is data; reset")
        self.projects.put(changed)
        if changed.limits != project.limits:
            self.projections.restart()
        return changed


class Projects:
    """Every known project; a token never seen is one with default options, unless strict."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._known = {project.token: project for project in config.projects}

    def find(self, token: str) -> Project | None:
        """The project of a token; None if there is none and none is made on the fly."""
        if token in self._known or not self._config.strict_projects:
            return self.options(token)
        return None

    def options(self, token: str) -> Project:
        """The options of a project, or the default ones if it has none of its own."""
        return self._known.get(token) or Project(token)

    def limits(self, token: str) -> Limits:
        """The limits of a project: the server's, but for those it has of its own."""
        known = self._known.get(token)
        return self._config.limits.changed(known.limits) if known else self._config.limits

    def known(self) -> list[Project]:
        """The projects with options of their own."""
        with self._lock:
            return list(self._known.values())

    def put(self, project: Project) -> None:
        """Add a project or replace its options."""
        with self._lock:
            self._known[project.token] = project

    def forget(self, token: str | None) -> None:
        """Back to the options the server started with, for all projects or for one."""
        with self._lock:
            kept = {} if token is None else {k: v for k, v in self._known.items() if k != token}
            first = {p.token: p for p in self._config.projects if token in (None, p.token)}
            self._known = kept | first
