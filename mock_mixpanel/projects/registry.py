"""The projects of a server: those of its configuration, and those that were changed since."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mock_mixpanel.log.shared_settings import SharedSettings
from mock_mixpanel.projects.config import Config, MixpanelLimits, Project

PREFIX = "project/"
"""The setting of a project is named after its token, so that a change writes one project only."""
KNOWN, RATED = "projects known", "projects rated"


class _Known(NamedTuple):
    project: Project
    limits: MixpanelLimits


class Projects:
    """Every known project. A token never seen has default options, unless projects are strict."""

    def __init__(self, config: Config, shared: SharedSettings) -> None:
        self._config = config
        self._shared = shared
        self._first = {project.token: self._with_limits(project) for project in config.projects}

    def find(self, token: str) -> Project | None:
        """The project of a token; None if it is unknown and projects are strict."""
        if self._config.strict_projects and not self._own(token):
            return None
        return self.options(token)

    def options(self, token: str) -> Project:
        """The project with its own options, or one with default options."""
        own = self._own(token)
        return own.project if own else Project(token, alias_delay=self._config.alias_delay)

    def limits(self, token: str) -> MixpanelLimits:
        """The limits of a project: its own ones, and the server's for all others."""
        own = self._own(token)
        return own.limits if own else self._config.limits

    def group_keys(self, token: str) -> tuple[str, ...]:
        """The group keys of a project."""
        return self.options(token).group_keys

    @property
    def rated(self) -> bool:
        """Whether any project has a rate limit."""
        memo = self._shared.memo
        if RATED not in memo:
            limits = (self.limits(project.token) for project in self.known())
            memo[RATED] = self._config.limits.rated or any(each.rated for each in limits)
        return bool(memo[RATED])

    def known(self) -> list[Project]:
        """The projects with options of their own; the caller must not change the list."""
        memo = self._shared.memo
        if KNOWN not in memo:
            put = [name.removeprefix(PREFIX) for name in self._shared.names(PREFIX)]
            memo[KNOWN] = [self.options(token) for token in dict.fromkeys([*self._first, *put])]
        found: list[Project] = memo[KNOWN]
        return found

    def put(self, project: Project) -> None:
        """Add a project or replace its options."""
        with self._shared.changing(PREFIX + project.token) as options:
            options.clear()
            options |= project.options()

    def forget(self, token: str | None) -> None:
        """Restore the options that the server started with, for all projects or for one."""
        if token is None:
            self._shared.remove(self._shared.names(PREFIX))
        else:
            self._shared.remove([PREFIX + token])

    def _own(self, token: str) -> _Known | None:
        name = PREFIX + token
        if not self._shared.has(name):
            return self._first.get(token)

        def made(options: Mapping[str, Any]) -> _Known:
            return self._with_limits(Project(token).changed(options))

        return self._shared.view(name, made)

    def _with_limits(self, project: Project) -> _Known:
        return _Known(project, self._config.limits.changed(project.limits))
