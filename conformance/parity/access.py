"""The project that probes write to, its credentials, and the redaction of them."""

import base64
import re
from dataclasses import dataclass
from typing import Any

from mock_mixpanel.projects.config import Project, ServiceAccount

WRONG_SECRET = "parity-wrong-secret"  # noqa: S105, it opens nothing
SHORT_CHARACTERS = 8
"""A credential that is shorter may be a part of ordinary texts."""


@dataclass(frozen=True)
class ProjectAccess:
    """A project of Mixpanel: the credentials given by the user, and its settings.

    `account` is a service account, `user:secret`; with it `project_id` is required.
    """

    token: str
    secret: str | None = None
    account: str | None = None
    project_id: str | None = None
    identity: str = "simplified"
    group_key: str | None = None
    region: str = "us"

    @property
    def can_read(self) -> bool:
        """Whether there is a credential that imports and reads."""
        return self.secret is not None or self.account is not None

    def authorization(self, kind: str) -> dict[str, str]:
        """The header for one of the kinds of a probe."""
        if kind == "none":
            return {}
        best = self.account or f"{self.secret or ''}:"
        pair = {
            "secret": best,
            "secret-without-colon": self.secret or best,
            "token": f"{self.token}:",
            "wrong": f"{WRONG_SECRET}:",
        }[kind]
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def project_parameter(self, kind: str) -> dict[str, str]:
        """The query parameter that a service account needs."""
        needed = self.account and self.project_id and kind == "secret"
        return {"project_id": str(self.project_id)} if needed else {}

    def mock_project(self) -> Project:
        """The project of the mock that corresponds to this one."""
        user, _, password = (self.account or "").partition(":")
        return Project(
            self.token,
            secret=self.secret,
            project_id=self.project_id,
            identity=self.identity,
            region=None,
            group_keys=(self.group_key,) if self.group_key else (),
            service_accounts=(ServiceAccount(user, password),) if user else (),
        )

    def redacted(self, value: Any) -> Any:
        """A copy of a JSON value without the credentials, wherever they occur.

        A credential of fewer than SHORT_CHARACTERS is only hidden where it is a word of its own.
        """
        if isinstance(value, dict):
            return {str(self.redacted(name)): self.redacted(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.redacted(each) for each in value]
        if type(value) is int and str(value) == self.project_id:
            return "<project_id>"
        if not isinstance(value, str):
            return value
        for secret, shown in self._secrets():
            pattern = re.escape(secret)
            if len(secret) < SHORT_CHARACTERS:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            value = re.sub(pattern, shown, value)
        return value

    def _secrets(self) -> list[tuple[str, str]]:
        user, _, password = (self.account or "").partition(":")
        given = {
            "<account>": self.account,
            "<secret>": self.secret,
            "<password>": password,
            "<user>": user,
            "<token>": self.token,
            "<project_id>": self.project_id,
        }
        packed = [
            (self.authorization(kind)["Authorization"].removeprefix("Basic "), "<credential>")
            for kind in ("secret", "secret-without-colon", "token")
            if self.can_read or kind == "token"
        ]
        found = [*packed, *((secret, shown) for shown, secret in given.items() if secret)]
        return sorted(found, key=lambda each: -len(each[0]))
