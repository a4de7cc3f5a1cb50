"""A mock with something on every page of the inspector."""

from typing import Any
from urllib.parse import quote

from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, NOW_SECONDS, http

GATEWAY = "gateway-web/1.2"


class Project:
    """A project of a mock, with every text that a client controls made from one text."""

    def __init__(self, url: str, eu_url: str, token: str, text: str = "") -> None:
        self.url, self.eu_url, self.token, self.text = url, eu_url, token, text

    def named(self, plain: str) -> str:
        """A name: a plain one, or the text that stands in for all names."""
        return self.text or plain

    def event(self, name: str, who: str, **properties: Any) -> dict[str, Any]:
        own = {"token": self.token, "distinct_id": self.named(who), "time": NOW_SECONDS}
        more = {self.named(key): value for key, value in properties.items() if key[0] != "$"}
        reserved = {key: value for key, value in properties.items() if key[0] == "$"}
        return {"event": self.named(name), "properties": own | more | reserved}

    def update(self, who: str, **operations: Any) -> dict[str, Any]:
        named = {f"${name}": value for name, value in operations.items()}
        return {"$token": self.token, "$distinct_id": who, "$ignore_time": True} | named

    def send(self, path: str, *records: Any, base: str = "", agent: str = GATEWAY) -> None:
        agent = "".join(each for each in self.named(agent) if " " <= each <= "~")
        headers = {"User-Agent": agent}
        http("POST", (base or self.url) + path, json=list(records), headers=headers)


def fill(mock: MockMixpanel, token: str = "", text: str = "") -> Project:
    """Events with every fate, a split person, a group, a leak, a fault; the clock stands still.

    `text` replaces all names, ids and values that a client chooses.
    """
    project = Project(mock.url, mock.eu_url, token or mock.token, text)
    options = {"region": "us", "group_keys": [project.named("company")], "alias_delay": 1}
    where = f"{mock.url}/_mock/projects/{quote(project.token, safe='')}"
    http("POST", f"{mock.url}/_mock/clock", json={"now": NOW, "freeze": True})
    http("PUT", where, json=options)
    first = project.event("Signed Up", "anon-7f2e", plan="pro", company="acme")
    first["properties"]["$insert_id"] = project.named("3f9c2b7d-1")
    old = project.event("Page Viewed", "anon-7f2e", path="/pricing")
    old["properties"]["time"] = 1
    project.send("/track", first, old)
    project.send("/track", first)
    person, anonymous = project.named("ann"), project.named("anon-7f2e")
    project.send("/engage", project.update(anonymous, set={project.named("plan"): text or "free"}))
    names = {"$name": text or "Ann Smith", "$email": text or "ann@example.com"}
    if text:
        person = f"{text} too"
    alias = {"token": project.token, "distinct_id": anonymous, "alias": person}
    project.send("/track", {"event": "$create_alias", "properties": alias})
    project.send("/engage", project.update(person, set=names | {project.named("plan"): "pro"}))
    project.send("/engage", project.update(person, add={project.named("visits"): 1}))
    project.send("/engage", project.update(person, set={project.named("plan"): text or "team"}))
    group: dict[str, Any] = {"$token": project.token, "$group_key": project.named("company")}
    group |= {"$group_id": project.named("acme"), "$set": {project.named("seats"): text or 12}}
    project.send("/groups", group)
    project.send("/track", project.event("Order Completed", "bob", total=42), base=mock.eu_url)
    mock.advance(60)
    for number in range(12):
        paid = project.event("Order Completed", person, total=10 + number, company="acme")
        project.send("/track", paid, project.event("Page Viewed", person, path="/cart"))
    project.send("/track", project.event("x" * 300, "carl"), {"event": 7}, "no record")
    later = {"token": project.token, "distinct_id": anonymous, "alias": f"{person}-2"}
    project.send("/track", {"event": "$create_alias", "properties": later})
    rule = {"match": {"path": "/track", "token": project.token, "nth": 50, "times": 2}}
    http("POST", f"{mock.url}/_mock/faults", json={**rule, "action": {"status": 503}})
    return project


def pages(project: Project) -> dict[str, str]:
    """The address of every page below `/_mock/ui/`, by a name for each."""
    token, text = quote(project.token, safe=""), project.text
    person = quote(f"{text} too" if text else "ann", safe="")
    anonymous = quote(project.named("anon-7f2e"), safe="")
    group = f"key={quote(project.named('company'))}&id={quote(project.named('acme'))}"
    return {
        "overview": f"?token={token}",
        "overview of all": "",
        "requests": f"requests?token={token}",
        "request": "requests/1",
        "events": f"events?token={token}&raw=1",
        "event": "events/1",
        "rejected": f"rejected?token={token}",
        "rejected by reason": "rejected?reason=time: older than 5 days",
        "people": f"people?token={token}",
        "person": f"person?token={token}&id={person}",
        "groups": f"groups?token={token}",
        "group": f"group?token={token}&{group}",
        "identities": f"identity?token={token}",
        "identity": f"identity?token={token}&id={anonymous}",
        "faults": "faults",
        "clock": "clock",
        "leaks": f"leaks?token={token}",
        "project": f"project?token={token}",
        "projects": "project",
        "messages": "messages",
        "message": "messages/1",
        "source": "source?of=docs/facts/mixpanel-http-api.md%23track",
        "saved": f"saved?token={token}",
        "not found": "requests/99999",
        "search": f"requests?token={token}&q={quote(project.named('verdict:rejected'))}",
        "wrong search": f"events?q={quote('evnt:' + project.named('x'))}",
    }


EMPTY_PAGES = (
    *("", "requests", "events", "rejected", "people", "groups", "identity", "faults", "clock"),
    *("leaks", "project", "messages", "events?q=nothing", "saved"),
)
"""Pages of a mock without data."""


def gateway_messages(text: str = "") -> Any:
    """A function that reads a gateway's messages: one delivered, one skipped."""

    def message(number: int, fate: str, operations: Any, skipped: Any) -> dict[str, Any]:
        return {
            "number": number,
            "receivedAt": NOW_SECONDS * 1000,
            "source": text or "web",
            "messageId": text or f"message-{number}",
            "type": text or "track",
            "fate": fate,
            "skipped": skipped,
            "error": None,
            "losses": [],
            "operations": operations,
        }

    properties = {"token": "[redacted]", "distinct_id": text or "anon-7f2e"}
    payload = {
        "event": text or "Signed Up",
        "properties": {**properties, "$insert_id": text or "3f9c2b7d-1"},
    }
    sent = {"endpoint": "/track", "host": "https://api.mixpanel.com", "payload": payload}
    kept = [
        message(
            2, "skipped", [], [{"code": text or "page_off", "reason": text or "pages are off"}]
        ),
        message(1, "delivered", [{**sent, "fate": "delivered", "reason": text or None}], []),
    ]

    def read(limit: int, before: int | None) -> dict[str, Any]:
        older = [each for each in kept if before is None or each["number"] < before]
        return {"messages": older[:limit], "next": None}

    return read
