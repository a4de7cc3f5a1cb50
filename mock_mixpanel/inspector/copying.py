"""Copies of a request in other forms: curl, Python, a test, a scenario.

Secrets are not in the journal; a copy reads them from the environment variable MIXPANEL_SECRET.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import yaml

from mock_mixpanel.inspector.wording import visible

HIDDEN = "***"
SECRET = "MIXPANEL_SECRET"  # noqa: S105 - the name of a variable
LONGEST_ARGUMENT = 100_000
"""Characters; Linux takes at most 128 KB in one argument of a command."""

KEPT_PARAMETERS = ("ip", "verbose", "strict", "project_id", "callback", "img", "test", "redirect")
"""Parameters of a query that change how the same records are handled."""


class Copy(NamedTuple):
    """One form of a request: its name, and the text."""

    name: str
    text: str


def copies(request: Mapping[str, Any], base_url: str) -> list[Copy]:
    """All forms of a request, as `GET /_mock/requests/<id>` shows it.

    A test finds a request by its project; without one there is no form for pytest.
    """
    named = _tokens(request) or _is_import(request)
    return [
        Copy("curl", as_curl(request, base_url)),
        Copy("Python", as_python(request, base_url)),
        *([Copy("pytest", as_pytest(request))] if named else []),
        Copy("scenario", as_scenario(request)),
        Copy("JSON", json.dumps(request["payload"], indent=2, ensure_ascii=False)),
    ]


def as_curl(request: Mapping[str, Any], base_url: str) -> str:
    """A curl command that sends the same records to the same endpoint."""
    words = ["curl", "-X", "POST", _url(request, base_url)]
    body = _body(request)
    long = len(body) > LONGEST_ARGUMENT
    words += ["-H", "Content-Type: application/json", "--data-binary", "@-" if long else body]
    text = " ".join(map(shlex.quote, words))
    if _has_credential(request):
        text += f' -u "${SECRET}:"'
    return f"{text} <<'END'\n{body}\nEND\n" if long else text


def as_python(request: Mapping[str, Any], base_url: str) -> str:
    """A Python program that sends the same records to the same endpoint."""
    auth = f', auth=(os.environ["{SECRET}"], "")' if _has_credential(request) else ""
    imports = "import json\n" + ("import os\n" if auth else "") + "\nimport requests\n"
    return (
        f"{imports}\n"
        f"records = json.loads({_body(request)!r})\n"
        f"response = requests.post({_url(request, base_url)!r}, json=records{auth}, timeout=30)\n"
        "print(response.status_code, response.text)\n"
    )


def as_pytest(request: Mapping[str, Any]) -> str:
    """A test with the fixture `mock_mixpanel` that asserts these records.

    It sends the recorded records itself; replace `send` by a call of the code under test.
    """
    tokens = _tokens(request)
    auth = "" if tokens else ', auth=(token, "")'
    body = json.dumps(request["payload"], ensure_ascii=True)
    path = _target(request)
    replaced = f".replace({json.dumps(tokens[0])!r}, json.dumps(token))" if tokens else ""
    return (
        "import json\n\nimport requests\n\n\n"
        "def send(url, token):\n"
        '    """Replace this by a call of the code under test."""\n'
        f"    requests.post(url + {path!r}, json=expected(token){auth}, timeout=30)\n\n\n"
        "def expected(token):\n"
        f"    return json.loads({body!r}{replaced})\n\n\n"
        "def test_records(mock_mixpanel):\n"
        f'    """The code sends the records of request {request["id"]}."""\n'
        "    send(mock_mixpanel.url, mock_mixpanel.token)\n"
        "    [request] = mock_mixpanel.requests()\n"
        f"    assert request['path'] == {request['path']!r}\n"
        "    assert request['payload'] == expected(mock_mixpanel.token)\n"
    )


def as_scenario(request: Mapping[str, Any]) -> str:
    """A conformance scenario that expects these records; its steps are left to fill in.

    It is `unsourced`, because the behaviour of a translator is not a source for a rule.
    """
    requests = [
        {"endpoint": request["path"].rstrip("/"), "record": record} for record in request["payload"]
    ]
    scenario = {
        "id": f"own/request-{request['id']}",
        "title": "Describe the behaviour in one sentence",
        "why": "Say what goes wrong without it.",
        "level": "must",
        "source": ["unsourced"],
        "settings": {"token": _first_token(request["payload"]) or "T"},
        "clock": request["received_at"],
        "steps": [{"messages": [{"type": "track", "messageId": "FILL IN the Segment message"}]}],
        "expect": {"requests": requests},
    }
    shown = json.dumps(scenario, ensure_ascii=False)
    # A page prints control characters as escapes, which plain YAML texts do not have.
    plain = visible(shown) == shown
    text: str = yaml.safe_dump(scenario, sort_keys=False, allow_unicode=plain, width=100)
    return "# Fill in title, why and steps: the mock never saw the Segment message.\n" + text


def _url(request: Mapping[str, Any], base_url: str) -> str:
    return base_url + _target(request)


def _target(request: Mapping[str, Any]) -> str:
    """The path with the parameters that matter, without secrets."""
    query = {
        name: value
        for name, value in request["query"].items()
        if name in KEPT_PARAMETERS and value != HIDDEN
    }
    return str(request["path"]) + (f"?{urlencode(query)}" if query else "")


def _body(request: Mapping[str, Any]) -> str:
    return json.dumps(request["payload"], ensure_ascii=True)


def _has_credential(request: Mapping[str, Any]) -> bool:
    names = {name.lower() for name in request["headers"]}
    return "authorization" in names or HIDDEN in request["query"].values()


def _is_import(request: Mapping[str, Any]) -> bool:
    return bool(request["path"].rstrip("/") == "/import")


def _tokens(request: Mapping[str, Any]) -> list[str]:
    """The tokens in the records, sorted."""
    return sorted(set(filter(None, map(_token, request["payload"]))))


def _token(record: Any) -> str | None:
    if not isinstance(record, dict):
        return None
    properties = record.get("properties")
    inner = properties.get("token") if isinstance(properties, dict) else None
    token = record.get("$token", inner)
    return token if isinstance(token, str) else None


def _first_token(records: Sequence[Any]) -> str | None:
    return next((token for token in map(_token, records) if token), None)
