"""Each copied form of a request does what it says."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient

from conformance.spec.scenarios.own_scenarios import load_own
from mock_mixpanel.app import create_app
from mock_mixpanel.client import MockMixpanel
from mock_mixpanel.inspector.copying import as_curl, as_pytest, as_python, as_scenario, copies
from mock_mixpanel.inspector.reasons import explanations
from mock_mixpanel.inspector.sources import section
from mock_mixpanel.inspector.wording import visible
from tests.forked_process import run_command, run_module
from tests.mock_mixpanel.inspector.pages.test_records import Text, shown
from tests.mock_mixpanel.wire import http
from tests.pytest_process import PYTEST

NAMES = ["Signed Up", 'it\'s; echo $HOME `id` "q" \\ \n 🌳', "'''\"\"\"'''"]


def sent(mock: MockMixpanel, name: str) -> dict[str, Any]:
    """A request that arrived, as the control API shows it."""
    record = {"event": name, "properties": {"token": mock.token, "distinct_id": "ann", name: name}}
    http("POST", f"{mock.url}/track?ip=1&verbose=1", json=[record])
    [request] = mock.requests()
    return request


def assert_sent_again(mock: MockMixpanel, request: dict[str, Any]) -> None:
    first, second = mock.requests()
    assert (second["payload"], second["path"]) == (request["payload"], request["path"])
    assert (second["query"], first["id"]) == (request["query"], request["id"])


@pytest.mark.parametrize("name", NAMES)
def test_curl_sends_the_same(mock_mixpanel: MockMixpanel, name: str) -> None:
    """The curl command, run by a shell, sends the same records."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    request = sent(mock_mixpanel, name)
    command = as_curl(request, mock_mixpanel.url)
    subprocess.run(["bash", "-c", command], check=True, capture_output=True, timeout=30)
    assert_sent_again(mock_mixpanel, request)


@pytest.mark.parametrize("name", NAMES)
def test_python_sends_the_same(mock_mixpanel: MockMixpanel, name: str) -> None:
    """The Python program sends the same records."""
    request = sent(mock_mixpanel, name)
    program = as_python(request, mock_mixpanel.url)
    assert run_command(["-c", program]).returncode == 0
    assert_sent_again(mock_mixpanel, request)


def test_test_passes_and_fails_after_a_change(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """The copied test passes as it is, and fails when a record changes."""
    text = as_pytest(sent(mock_mixpanel, "".join(NAMES)))
    changed = text.replace("json=expected(token)", "json=[*expected(token), {'event': 'More'}]")
    assert changed != text
    codes = []
    for number, content in enumerate((text, changed)):
        file = tmp_path / f"test_copy_{number}.py"
        file.write_text(content)
        options = ("-q", "-p", "no:cacheprovider", str(file))
        env = {**os.environ, "PYTEST_ADDOPTS": ""}
        codes.append(run_module(*PYTEST[2:], *options, cwd=tmp_path, env=env).returncode)
    assert codes == [0, 1]


def test_scenario_loads_once_filled_in(mock_mixpanel: MockMixpanel, tmp_path: Path) -> None:
    """The scenario has the records, is unsourced, and is valid after its steps are filled in."""
    request = sent(mock_mixpanel, "Signed Up")
    scenario = yaml.safe_load(as_scenario(request))
    assert scenario["source"] == ["unsourced"]
    assert scenario["expect"]["requests"] == [
        {"endpoint": "/track", "record": request["payload"][0]}
    ]
    message = {"type": "track", "messageId": "m", "event": "Signed Up", "userId": "ann"}
    scenario["steps"] = [{"messages": [message]}]
    file = tmp_path / f"{scenario['id']}.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(scenario))
    assert [each.id for each in load_own(tmp_path)] == [scenario["id"]]


def test_secrets_come_from_the_environment() -> None:
    """A request with a credential is copied with a variable in place of the hidden secret."""
    client = create_app().test_client()
    client.put("/_mock/projects/T", json={"secret": "hush-hush"})
    record = {"event": "A", "properties": {"token": "T", "distinct_id": "a", "time": 1}}
    client.post("/import?strict=1&api_key=key-key", json=[record], auth=("hush-hush", ""))
    request = client.get("/_mock/requests/1").json or {}
    texts = [copy.text for copy in copies(request, "http://localhost")]
    assert texts[0].endswith('-u "$MIXPANEL_SECRET:"')
    assert 'auth=(os.environ["MIXPANEL_SECRET"], "")' in texts[1]
    assert [text for text in texts if "hush" in text or "key-key" in text or "***" in text] == []


@pytest.fixture
def client() -> FlaskClient:
    made = create_app().test_client()
    made.put("/_mock/projects/T", json={"secret": "hush-hush"})
    record = {"event": "A <b>", "properties": {"token": "T", "distinct_id": "a", "time": 1}}
    made.post("/track", json=[record])
    made.post("/import", json=[record], auth=("hush-hush", ""))
    return made


def test_page_offers_all_forms(client: FlaskClient) -> None:
    """The page of a request shows all forms as text, also without JavaScript."""
    text = Text(shown(client, "requests/1")).text
    assert all(name in text for name in ("curl", "Python", "pytest", "scenario", "JSON"))
    assert "curl -X POST http://localhost/track -H" in text


def test_saved_page_needs_nothing_else(client: FlaskClient) -> None:
    """The saved file has the records and reasons, no script, and no secret."""
    html = shown(client, "saved?token=T")
    assert "A &lt;b&gt;" in html
    assert "time: older than 5 days" in html
    assert ("<script" in html, "<link" in html, "hush" in html) == (False, False, False)


@pytest.mark.parametrize("source", sorted({row.source for row in explanations()}))
def test_every_source_is_shown(client: FlaskClient, source: str) -> None:
    """The source of each reason leads to a section that exists."""
    assert section(source)
    assert len(shown(client, f"source?of={source.replace('#', '%23')}")) > 1000


@pytest.mark.parametrize(
    "source", ["", "docs/" + "facts/none.md", "docs/facts/../../README.md", "/etc/passwd"]
)
def test_no_other_file_is_shown(client: FlaskClient, source: str) -> None:
    """Only pages of the documentation are shown."""
    assert "there is no section" in shown(client, f"source?of={source}", 404)
    assert json.dumps(section(source)) == "null"


def test_curl_of_a_long_body(mock_mixpanel: MockMixpanel) -> None:
    """A body that no argument of a command can hold is the input of curl."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    request = sent(mock_mixpanel, "it's " + "é" * 60_000)
    command = as_curl(request, mock_mixpanel.url)
    subprocess.run(["bash"], input=command.encode(), check=True, capture_output=True, timeout=30)
    assert_sent_again(mock_mixpanel, request)


def test_a_test_of_records_without_a_token(tmp_path: Path) -> None:
    """An import that names its project by its credential gets a test that passes."""
    record = {"event": "E", "properties": {"distinct_id": "ann", "time": 1, "$insert_id": "a"}}
    request = {
        "id": 3,
        "path": "/import",
        "query": {"strict": "1"},
        "headers": {"Authorization": "Basic ***"},
        "payload": [record],
    }
    file = tmp_path / "test_copied.py"
    file.write_text(as_pytest(request))
    done = run_module(*PYTEST[2:], str(file), cwd=tmp_path)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True)


def test_no_test_without_a_project(mock_mixpanel: MockMixpanel) -> None:
    """A request whose records have no token is in no project, where a test would look for it."""
    request = sent(mock_mixpanel, "E") | {"payload": [{"event": "E"}]}
    names = [copy.name for copy in copies(request, mock_mixpanel.url)]
    assert names == ["curl", "Python", "scenario", "JSON"]


@pytest.mark.parametrize("name", ["é 🌳", "\u202e\x9b"])
def test_scenario_as_a_page_prints_it(mock_mixpanel: MockMixpanel, name: str) -> None:
    """The scenario on the page holds the same records, with control characters as escapes."""
    request = sent(mock_mixpanel, name)
    printed = visible(as_scenario(request))
    assert (name in printed) is (visible(name) == name)
    [expected] = yaml.safe_load(printed)["expect"]["requests"]
    assert expected["record"] == request["payload"][0]
