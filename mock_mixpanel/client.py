"""A client of a running mock for one project: what tests read and steer, over HTTP."""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 30


class ControlCallError(RuntimeError):
    """The mock refused a call of its own API; the message is what it said."""


class MockMixpanel:
    """A project in a running mock.

    `url`, `eu_url` and `in_url` are the base URLs to send to, `token` the project. Everything that
    is read is this project's alone. `ca_file` is the certificate authority to trust, for https.
    `control_token` is what a mock on another machine asks for; by default it is taken from the
    environment variable MOCKPANEL_CONTROL_TOKEN.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        eu_url: str = "",
        in_url: str = "",
        ca_file: str = "",
        control_token: str | None = None,
    ) -> None:
        self.url, self.eu_url, self.in_url, self.token = url, eu_url, in_url, token
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ca_file or True
        control_token = control_token or os.environ.get("MOCKPANEL_CONTROL_TOKEN")
        if control_token:
            self._session.headers["Authorization"] = f"Bearer {control_token}"

    def requests(self) -> list[dict[str, Any]]:
        """The requests with records of this project, oldest first, with verdicts."""
        return self._list("requests")

    def events(self, *, raw: bool = False) -> list[dict[str, Any]]:
        """The events as queries see them; `raw` includes duplicates."""
        return self._list("events", raw="1" if raw else "0")

    def profiles(self) -> dict[str, dict[str, Any]]:
        """The properties of each person, by distinct id, in all regions together."""
        return {item["distinct_id"]: item["properties"] for item in self._list("profiles")}

    def groups(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The properties of each group, by group key and group id, in all regions together."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for item in self._list("groups"):
            found.setdefault(item["group_key"], {})[item["group_id"]] = item["properties"]
        return found

    def rejected(self) -> list[dict[str, Any]]:
        """The records refused, dropped in silence or without effect, each with reasons."""
        return self._list("rejected")

    def leaks(self) -> list[dict[str, Any]]:
        """The records that were sent to another region than this project's, which is `home`."""
        return self._list("leaks")

    def identities(self) -> dict[str, list[Any]]:
        """Clusters, pending aliases, split and duplicate profiles, and what is queued."""
        found: dict[str, list[Any]] = self._call("GET", "identities", {"token": self.token})
        return found

    def now(self) -> str:
        """The virtual time, ISO 8601."""
        return str(self._call("GET", "clock")["now"])

    def advance(self, seconds: float) -> None:
        """Move the virtual clock forward."""
        self._call("POST", "clock", body={"advance": seconds})

    def freeze(self, at: str | None = None) -> None:
        """Stop the virtual clock, now or at an ISO 8601 time."""
        self._call("POST", "clock", body={"freeze": True} | ({"now": at} if at else {}))

    def project(self, **options: Any) -> None:
        """Set options of this project, such as alias_delay or secret."""
        self._call("PUT", f"projects/{quote(self.token, safe='')}", body=options)

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Add rules for answers that go wrong; each is for this project's requests."""
        ours = [{**rule, "match": {"token": self.token, **rule.get("match", {})}} for rule in rules]
        self._call("POST", "faults", body=ours)

    def reset(self) -> None:
        """Forget what this project has: records, options, faults."""
        self._call("POST", "reset", body={"token": self.token})

    def close(self) -> None:
        """Close the kept connection."""
        self._session.close()

    def _list(self, name: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", name, {"token": self.token, **query})
        return found

    def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None
    ) -> Any:
        answer = self._session.request(
            method, f"{self.url}/_mock/{path}", params=query, json=body, timeout=TIMEOUT_SECONDS
        )
        if not answer.ok:
            raise ControlCallError(f"{method} /_mock/{path}: {answer.json()['error']}")
        return answer.json()
