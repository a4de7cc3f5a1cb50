"""A local Mixpanel as a process, and a project in it, read as Mixpanel is read."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

SERVE = [sys.executable, "-m", "mock_mixpanel", "serve", "--port", "0", "--alias-delay", "0"]

SERVER_ADDS = ("mp_processing_time_ms", "$mp_api_endpoint", "$mp_api_timestamp_ms")
"""What Mixpanel itself adds to an exported event (docs/facts/mixpanel-http-api.md#raw-export)."""

WAIT_SECONDS = 20
"""How long a client that sends in the background may take."""


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """The base URL of `mock_mixpanel serve`, which runs until the block ends."""
    process = subprocess.Popen([*SERVE, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        region, url = process.stdout.readline().split()
        assert region == "us"
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=30)


def http() -> requests.Session:
    """A session that no proxy or netrc of this machine changes."""
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass(frozen=True)
class Project:
    """A project of one test: its credentials, and what Mixpanel's own API answers about it.

    `ca_file` is the certificate authority to trust if `url` is https, `host` the Host header to
    read with, which gives the region.
    """

    url: str
    token: str
    started: float
    ca_file: str | None = None
    host: str | None = None
    account: str = "robot"
    account_secret: str = "robot-secret"

    @property
    def secret(self) -> str:
        """The project's secret."""
        return f"{self.token}-secret"

    @property
    def project_id(self) -> str:
        """The project's number."""
        return str(int(self.token, 16) % 10**8)

    def create(self, **options: Any) -> None:
        """Make the project known to the mock."""
        self._json(
            "PUT",
            f"/_mock/projects/{self.token}",
            json={
                "secret": self.secret,
                "project_id": self.project_id,
                "group_keys": ["company"],
                "service_accounts": [{"username": self.account, "secret": self.account_secret}],
                **options,
            },
        )

    def exported(self, **query: str) -> list[dict[str, Any]]:
        """The lines of the raw export; times in milliseconds, of all days until today."""
        dates = {"from_date": "1971-01-01", "to_date": f"{datetime.now(UTC):%Y-%m-%d}"}
        answer = self._ask(
            "GET",
            "/api/2.0/export",
            params={**dates, "time_in_ms": "true", **query},
            auth=(self.secret, ""),
        )
        return [json.loads(line) for line in answer.content.splitlines()]

    def events(self, count: int | None = None) -> list[dict[str, Any]]:
        """The exported events, by time and name, less what Mixpanel adds to them.

        Waits until there are `count` of them, for a client that sends in the background.
        """
        lines = self.exported() if count is None else self._wait(self.exported, count)
        for line in lines:
            for name in SERVER_ADDS:
                del line["properties"][name]
        return sorted(lines, key=lambda line: (line["properties"]["time"], line["event"]))

    def people(self, count: int | None = None) -> dict[str, dict[str, Any]]:
        """The people by distinct id, less `$last_seen`, which must be of this test."""
        return self._profiles({}, count)

    def groups(self, key: str, count: int | None = None) -> dict[str, dict[str, Any]]:
        """The groups of a key by id, less `$last_seen`, which must be of this test."""
        return self._profiles({"data_group_id": key}, count)

    def journal(self) -> list[dict[str, Any]]:
        """The journal: the requests with records of this project."""
        found: list[dict[str, Any]] = self._json(
            "GET", "/_mock/requests", params={"token": self.token}
        )
        return found

    @property
    def port(self) -> int:
        """The port of the mock."""
        port = urlsplit(self.url).port
        assert port
        return port

    def journal_of_all(self) -> list[dict[str, Any]]:
        """The journal of all projects: for records that have lost their token."""
        found: list[dict[str, Any]] = self._json("GET", "/_mock/requests")
        return found

    def forget_all(self) -> None:
        """Make the mock forget everything, other projects included."""
        self._json("POST", "/_mock/reset", json={})

    def asked(self, origin: str) -> set[tuple[str, str]]:
        """Method and path of all requests from a page, those without records included."""
        found = self._json("GET", "/_mock/requests")
        return {
            (each["method"], each["path"])
            for each in found
            if each["headers"].get("Origin") == origin
        }

    def distinct(self) -> list[dict[str, Any]]:
        """The events as reports count them: each once."""
        found: list[dict[str, Any]] = self._json(
            "GET", "/_mock/events", params={"token": self.token}
        )
        return found

    def undelivered(self) -> list[Any]:
        """What the mock refused, dropped, or found without effect."""
        found: list[Any] = self._json("GET", "/_mock/rejected", params={"token": self.token})
        return found

    def leaks(self) -> list[Any]:
        """What was sent to another region than the project's."""
        found: list[Any] = self._json("GET", "/_mock/leaks", params={"token": self.token})
        return found

    def _profiles(self, query: dict[str, str], count: int | None) -> dict[str, dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            return list(self._pages(query))

        found = {}
        for each in read() if count is None else self._wait(read, count):
            properties = each["$properties"]
            seen = properties.pop("$last_seen", None)
            if seen is not None:
                # Written in whole seconds.
                at = datetime.fromisoformat(seen).replace(tzinfo=UTC).timestamp()
                assert int(self.started) <= at <= time.time()
            found[each["$distinct_id"]] = properties
        return found

    def _pages(self, query: dict[str, str]) -> Iterator[dict[str, Any]]:
        paging: dict[str, Any] = {}
        while True:
            page = self._json(
                "POST", "/api/query/engage", data=query, params=paging, auth=(self.secret, "")
            )
            yield from page["results"]
            if len(page["results"]) < page["page_size"]:
                return
            paging = {"session_id": page["session_id"], "page": page["page"] + 1}

    def _wait(self, read: Callable[[], list[Any]], count: int) -> list[Any]:
        attempts = Retrying(
            retry=retry_if_result(lambda found: len(found) < count),
            stop=stop_after_delay(WAIT_SECONDS),
            wait=wait_fixed(0.05),
            retry_error_callback=lambda last: last.outcome.result() if last.outcome else [],
        )
        found: list[Any] = attempts(read)
        return found

    def _json(self, method: str, path: str, **more: Any) -> Any:
        return self._ask(method, path, **more).json()

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        with http() as session:
            session.verify = self.ca_file or True
            if self.host:
                session.headers["Host"] = self.host
            answer = session.request(method, self.url + path, timeout=30, **more)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer


def sent(event: str, time_ms: int, **properties: Any) -> dict[str, Any]:
    """An event as the export shows it."""
    return {"event": event, "properties": {"time": time_ms, **properties}}
