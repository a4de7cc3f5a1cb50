"""The guard of the control API and of read-back, request by request."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mock_mixpanel import Server, create_app
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.serving.guard import Access, is_loopback
from tests.mock_mixpanel.wire import event, http, send

GUARDED = [
    ("GET", "/_mock/requests"),
    ("GET", "/_mock/health"),
    ("GET", "/_mock/ui/"),
    ("GET", "/_mock"),
    ("GET", "//_mock/events"),
    ("POST", "/_mock/reset"),
    ("POST", "/_mock/clock"),
    ("POST", "/_mock/faults"),
    ("DELETE", "/_mock/faults"),
    ("PUT", "/_mock/projects/T"),
    ("GET", "/api/2.0/export"),
    ("GET", "/api/query/engage"),
    ("POST", "/api/2.0/engage"),
    ("POST", "/api/app/data-deletions/v3.0"),
    ("PUT", "/lookup-tables/t"),
    ("GET", "/api/app/me"),
]
FOREIGN = {
    "fetch": {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another port": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "old browser": {"Origin": "http://evil.example"},
    "sandboxed frame": {"Origin": "null"},
    "image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "img"},
    "frame": {
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "iframe",
    },
    "rebinding": {"Host": "evil.example"},
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_foreign_pages(mock_mixpanel: MockMixpanel, method: str, path: str, kind: str) -> None:
    """What a page of another origin sends is refused, and no page may read the response."""
    send(mock_mixpanel, "/track", event(mock_mixpanel))
    address = mock_mixpanel.url + path
    answer = http(method, address, data='{"advance": 9}', headers=FOREIGN[kind])
    assert (answer.status_code, answer.json()["status"]) == (403, "error")
    assert [name for name in answer.headers if name.startswith("Access-Control")] == []
    assert len(mock_mixpanel.events()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
    ],
)
def test_own_pages_and_programs(mock_mixpanel: MockMixpanel, headers: dict[str, str]) -> None:
    """Programs, the mock's own pages, the address bar and a link that is followed may read."""
    answer = http("GET", f"{mock_mixpanel.url}/_mock/clock", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site(mock_mixpanel: MockMixpanel, site: str) -> None:
    """A form of another site that navigates may not write."""
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert http("POST", f"{mock_mixpanel.url}/_mock/reset", headers=headers).status_code == 403


def test_own_page_of_an_old_browser(mock_mixpanel: MockMixpanel) -> None:
    """The page's own origin may write, also where a browser sends no Sec-Fetch-Site."""
    url = f"{mock_mixpanel.url}/_mock/clock"
    answer = http("POST", url, json={"advance": 1}, headers={"Origin": mock_mixpanel.url})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/track", "/engage/", "/import", "/groups"])
@pytest.mark.parametrize("kind", [kind for kind in FOREIGN if "Origin" in FOREIGN[kind]])
def test_ingestion_stays_open(mock_mixpanel: MockMixpanel, path: str, kind: str) -> None:
    """Pages of any origin may send data and read the response, as with Mixpanel."""
    record = {"$token": mock_mixpanel.token, "$distinct_id": "a", "$set": {}}
    answer = send(mock_mixpanel, path, [event(mock_mixpanel) | record], headers=FOREIGN[kind])
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == FOREIGN[kind]["Origin"]
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"


@pytest.mark.parametrize("path", ["/flags/", "/record/", "/settings", "/decide"])
def test_sdk_start_stays_open(mock_mixpanel: MockMixpanel, path: str) -> None:
    """Pages of any origin may call what SDKs call at start-up."""
    method = "POST" if path == "/record/" else "GET"
    url = f"{mock_mixpanel.url}{path}?token={mock_mixpanel.token}"
    answer = http(method, url, headers=FOREIGN["fetch"])
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "http://evil.example"


@pytest.mark.parametrize("origin", ["a\tb", "http://\xe9.test", "x" * 400, ""])
def test_strange_origins(mock_mixpanel: MockMixpanel, origin: str) -> None:
    """An Origin that no browser sends is not repeated, and the data is taken."""
    headers = {"Origin": origin.encode("latin-1")}
    answer = send(mock_mixpanel, "/track", event(mock_mixpanel), headers=headers)
    assert (answer.status_code, answer.content) == (200, b"1")
    assert "Access-Control-Allow-Origin" not in answer.headers


TRUSTED = [
    *("localhost", "LOCALHOST:8080", "a.localhost", "127.0.0.1:80", "[::1]:8080", "10.1.2.3"),
    *("mock", "mock_1:9000", "my-mock", "api.mixpanel.com", "eu.mixpanel.com:443"),
    *("mock.internal", "MOCK.internal:1", "a.team.test", "team.test"),
]
UNTRUSTED = [
    *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:80"),
    *("mixpanel.com.evil.example", "evilmixpanel.com", "evil.", "a b", "", "[::1", "x@localhost"),
    *("a.mock.internal", "evilteam.test", "localhost:99999999", "-.-", "\xe9"),
]


@pytest.mark.parametrize("host", [*TRUSTED, *UNTRUSTED])
def test_hosts(host: str) -> None:
    """Trusted are names that a foreign page cannot have, and those that are allowed."""
    access = Access(("mock.internal", ".team.test"))
    assert access.trusts(host) == (host in TRUSTED)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("mock", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    """Only an address that other machines cannot reach needs no token."""
    assert is_loopback(host) is expected
    assert (Access.of(host).token is None) is expected


def test_made_up_tokens_differ() -> None:
    """Every start makes a token that cannot be guessed."""
    tokens = {Access.of("0.0.0.0").token or "" for _ in range(10)}
    assert len(tokens) == 10
    assert min(map(len, tokens)) >= 32


@pytest.fixture
def open_to_the_network() -> Iterator[Server]:
    """A server that other machines could reach."""
    with Server(host="0.0.0.0", access=Access.of("0.0.0.0", token="s3cret")) as server:
        yield server


def get(url: str, **headers: str) -> requests.Response:
    return http("GET", url, headers=headers)


@pytest.mark.parametrize("path", ["requests", "ui/", "ui/requests", "", "faults", "openapi.json"])
def test_token(open_to_the_network: Server, path: str) -> None:
    """All of /_mock asks for the token; a wrong one is refused."""
    url = f"{open_to_the_network.url}/_mock/{path}"
    plain = get(url)
    assert (plain.status_code, plain.headers["WWW-Authenticate"]) == (401, "Bearer")
    for wrong in ("Bearer wrong", "Bearer", "Basic s3cret", "s3cret", "Bearer s3cret2"):
        assert get(url, Authorization=wrong).status_code == 401
    assert get(f"{url}?control_token=wrong").status_code == 401
    assert get(url, Authorization="Bearer s3cret").status_code in (200, 404)


def test_link_with_the_token(open_to_the_network: Server) -> None:
    """The printed link sets a cookie that scripts cannot read and other sites do not send."""
    url = open_to_the_network.url
    answer = get(f"{url}/_mock/events?control_token=s3cret&token=T&raw=1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/_mock/events?token=T&raw=1")
    cookie, *flags = answer.headers["Set-Cookie"].split("; ")
    assert sorted(flags) == ["HttpOnly", "Path=/_mock", "SameSite=Strict"]
    assert get(f"{url}/_mock/events", Cookie=cookie).json() == []
    assert get(f"{url}/_mock/events", Cookie=cookie.replace("s3", "s4")).status_code == 401


def test_a_link_does_not_write(open_to_the_network: Server) -> None:
    """The token in an address is good for reading only: addresses end up in logs."""
    url = f"{open_to_the_network.url}/_mock/reset?control_token=s3cret"
    assert http("POST", url).status_code == 401


def test_cookie_and_foreign_page(open_to_the_network: Server) -> None:
    """A token does not help a foreign page."""
    url = open_to_the_network.url
    bearer = {"Authorization": "Bearer s3cret"}
    for kind, headers in FOREIGN.items():
        answer = http("POST", f"{url}/_mock/reset", headers=headers | bearer)
        assert answer.status_code == 403, kind


@pytest.mark.parametrize(
    "path", ["/track", "/api/2.0/engage?token=T", "/_mock/health", "/flags?token=T"]
)
def test_routes_without_a_token(open_to_the_network: Server, path: str) -> None:
    """Mixpanel's own routes, and the health check, ask for no token of the mock."""
    url = open_to_the_network.url
    http("POST", f"{url}/track", json={"event": "E", "properties": {"token": "T"}})
    assert get(url + path).status_code == 200


def test_client_with_the_token(
    open_to_the_network: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control client sends a token that it is given, or that is in the environment."""
    url = open_to_the_network.url
    given = MockMixpanel(url, "T", control_token="s3cret")
    assert given.events() == []
    given.close()
    monkeypatch.setenv("MOCKPANEL_CONTROL_TOKEN", "s3cret")
    from_environment = MockMixpanel(url, "T")
    assert from_environment.events() == []
    from_environment.close()


def test_headers_of_the_control_api(mock_mixpanel: MockMixpanel) -> None:
    """What /_mock answers is neither embedded, sniffed nor kept by a browser."""
    headers = http("GET", f"{mock_mixpanel.url}/_mock/clock").headers
    wanted: dict[str, Any] = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
    assert {name: headers.get(name) for name in wanted} == wanted


def test_under_another_server() -> None:
    """The guard is the application's: it works without the mock's own server."""
    client = create_app(access=Access(token="s3cret")).test_client()
    assert client.get("/_mock/events").status_code == 401
    assert client.get("/_mock/events", headers={"Host": "evil.example"}).status_code == 403
    link = client.get("/_mock/events?control_token=s3cret")
    assert (link.status_code, link.headers["Location"]) == (303, "/_mock/events")
    assert client.get("/_mock/events").json == []  # The client keeps the cookie.
