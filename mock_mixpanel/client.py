"""A client of the control API of a running mock, for one project."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 30
SHOWN = 10
"""Records that the error of a wait shows."""


class ControlCallError(RuntimeError):
    """The mock refused a control call; the message is the mock's error."""


class MockMixpanel:
    """A project in a running mock.

    `url`, `eu_url` and `in_url` are the base URLs to send to, `token` is the project. Lists hold
    this project's items only. `ca_file` is the certificate authority to trust, for https.
    `control_token` is required by a mock on another machine; by default it is taken from the
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
        """The records that were refused, silently dropped or have no effect, each with reasons."""
        return self._list("rejected")

    def leaks(self) -> list[dict[str, Any]]:
        """The records that were sent to another region than this project's, which is `home`."""
        return self._list("leaks")

    def identities(self) -> dict[str, list[Any]]:
        """Clusters, pending aliases, split and duplicate profiles, and what is queued."""
        found: dict[str, list[Any]] = self._call("GET", "identities", {"token": self.token})
        return found

    def records(self, q: str = "") -> list[dict[str, Any]]:
        """Every record that arrived, with verdict and status (`fate`); `q` is a search."""
        return self._list("records", q=q)

    def person(self, distinct_id: str) -> dict[str, Any]:
        """A person by any id: properties, the record that set each, history, events, identity."""
        query = {"token": self.token, "id": distinct_id}
        found: dict[str, Any] = self._call("GET", "person", query)
        return found

    def wait_for(
        self, what: str | Callable[[], Any] = "", *, count: int = 1, timeout: float = 5
    ) -> Any:
        """Wait until something has arrived, for at most `timeout` real seconds.

        `what` is a search, such as `event:"Order Completed" id:ann`; then the answer is the list of
        the matching records, at least `count`. Or it is a function: then the answer is its first
        true result. Raises TimeoutError; its text lists what has arrived so far.
        """
        end = time.monotonic() + timeout
        known: Mapping[str, Any] = self._call("GET", "changes")
        while True:
            found = what() if callable(what) else self.records(what)
            if found if callable(what) else len(found) >= count:
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(self._missed(what, found, count, timeout))
            query = {"after": known["last"], "version": known["version"], "wait": min(left, 20)}
            known = self._call("GET", "changes", query)
            if not known["waited"]:
                time.sleep(min(left, 0.2))

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
        token = quote(self.token, safe="", errors="surrogatepass")
        self._call("PUT", f"projects/{token}", body=options)

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """Add rules for failing responses; each applies to requests of this project."""
        rules_of_project = [
            {**rule, "match": {"token": self.token, **rule.get("match", {})}} for rule in rules
        ]
        self._call("POST", "faults", body=rules_of_project)

    def reset(self) -> None:
        """Delete all data of this project: records, options, faults."""
        self._call("POST", "reset", body={"token": self.token})

    def saved_page(self) -> bytes:
        """This project as one HTML file: records, verdicts, identity; secrets are hidden."""
        answer = self._session.get(
            f"{self.url}/_mock/ui/saved", params={"token": self.token}, timeout=TIMEOUT_SECONDS
        )
        answer.raise_for_status()
        return answer.content

    def close(self) -> None:
        """Close the kept connection."""
        self._session.close()

    def _missed(self, what: Any, found: Any, count: int, timeout: float) -> str:
        """The error of a wait that timed out: the condition, and the records that arrived."""
        shown = [
            f"{each['kind']} {each['name']} of {each['distinct_id']}: {each['fate']['state']}"
            + (f" ({'; '.join(each['reasons'])})" if each["reasons"] else "")
            for each in self.records()[-SHOWN:]
        ]
        arrived = "; ".join(shown) or "nothing"
        if callable(what):
            return f"the condition did not hold within {timeout:g} s; arrived: {arrived}"
        matched = f"{len(found)} of {count} records match {what!r} after {timeout:g} s"
        return f"{matched}; arrived: {arrived}"

    def _list(self, name: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", name, {"token": self.token, **query})
        return found

    def _call(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        answer = self._session.request(
            method, f"{self.url}/_mock/{path}", params=query, json=body, timeout=TIMEOUT_SECONDS
        )
        if not answer.ok:
            raise ControlCallError(f"{method} /_mock/{path}: {answer.json()['error']}")
        return answer.json()
