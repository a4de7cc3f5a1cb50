"""The tools of `mockpanel mcp`, used by the SDK's own client."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.memory import create_connected_server_and_client_session
from mcp.types import CallToolResult, TextContent

from conformance.mockpanel.assistant import ControlApi, assistant_server
from conformance.mockpanel.cli import main
from mock_mixpanel.client import MockMixpanel
from tests.mock_mixpanel.wire import NOW, event, send, update

PROGRAM = "from conformance.mockpanel.cli import main; main()"
READING = {
    *("search_requests", "get_request", "search_records", "rejected_reasons", "explain_rejection"),
    *("show_person", "explain_split", "list_projects", "show_clock", "run_scenarios"),
    "diff_mapping",
}
WRITING = {"advance_clock", "add_fault", "remove_faults"}

Call = tuple[str, dict[str, Any]]


Told = tuple[set[str], list[Any]]
"""The names of the tools, and the answer to each call: JSON, text, or the error's text."""


def talk_to_process(mock: MockMixpanel, *calls: Call) -> Told:
    """What the command answers over standard input and output."""
    words = ["-c", PROGRAM, "mcp", "--url", mock.url]

    async def run() -> Told:
        parameters = StdioServerParameters(command=sys.executable, args=words)
        async with (
            stdio_client(parameters) as (read, written),
            ClientSession(read, written) as session,
        ):
            await session.initialize()
            return await told(session, *calls)

    return asyncio.run(run())


def talk(mock: MockMixpanel, *calls: Call, write: bool = False) -> Told:
    """What the command's server answers in this process."""

    async def run() -> Told:
        server = assistant_server(ControlApi(mock.url), write=write)
        async with create_connected_server_and_client_session(server) as session:
            return await told(session, *calls)

    return asyncio.run(run())


async def told(session: ClientSession, *calls: Call) -> Told:
    tools = {tool.name for tool in (await session.list_tools()).tools}
    return tools, [answer(await session.call_tool(*call)) for call in calls]


def answer(result: CallToolResult) -> Any:
    [content] = result.content
    assert isinstance(content, TextContent)
    if result.isError:
        return content.text
    try:
        return json.loads(content.text)
    except ValueError:
        return content.text


@pytest.fixture
def mock(mock_mixpanel: MockMixpanel) -> MockMixpanel:
    """A project with a rejected event and a profile that an alias splits."""
    mock_mixpanel.project(alias_delay=1)
    mock_mixpanel.freeze(NOW)
    send(mock_mixpanel, "/track", [event(mock_mixpanel, "Old", time=1)])
    alias = event(mock_mixpanel, "$create_alias", distinct_id="anon-1", alias="u-1")
    send(mock_mixpanel, "/track", [alias])
    send(mock_mixpanel, "/engage", [{**update(mock_mixpanel, set={"a": 1}), "$distinct_id": "u-1"}])
    return mock_mixpanel


def test_reading_tools_answer_questions(mock: MockMixpanel) -> None:
    """Why was it rejected, who is it, why is it split: each is one call."""
    token = mock.token
    tools, (requests, reasons, person, split, missing) = talk_to_process(
        mock,
        ("search_requests", {"q": "verdict:rejected", "token": token}),
        ("rejected_reasons", {"token": token}),
        ("show_person", {"distinct_id": "u-1", "token": token}),
        ("explain_split", {"distinct_id": "u-1", "token": token}),
        ("get_request", {"request_id": 999_999}),
    )
    assert tools == READING
    assert [each["marks"] for each in requests["items"]] == ["r"]
    assert [(each["reason"], each["count"]) for each in reasons] == [("time: older than 5 days", 1)]
    assert person["properties"]["a"] == 1
    assert [each["alias"] for each in split["split_profiles"]] == ["u-1"]
    assert "there is no request 999999" in missing


def test_a_rejection_is_explained(mock: MockMixpanel) -> None:
    """An explanation has the reason's meaning, what to do, and the source."""
    [rejected] = mock.rejected()
    _, [found] = talk(mock, ("explain_rejection", {"record_id": rejected["id"]}))
    [explanation] = found["explanations"]
    assert (explanation["reason"], explanation["do"]) == (
        "time: older than 5 days",
        "Send older events to /import.",
    )


def test_writing_tools_need_permission(mock: MockMixpanel) -> None:
    """Without --write nothing can be changed; with it clock and faults can."""
    calls: list[Call] = [
        ("advance_clock", {"seconds": 5}),
        ("add_fault", {"match": {"token": mock.token}, "action": {"status": 503}}),
        ("add_fault", {"match": {}, "action": {"staus": 503}}),
        ("remove_faults", {}),
    ]
    before = mock.now()
    _, refused = talk(mock, *calls)
    assert [text.startswith("Unknown tool") for text in refused] == [True] * 4
    assert mock.now() == before
    tools, (clock, [rule], problem, _) = talk(mock, *calls, write=True)
    assert tools == READING | WRITING
    assert clock == {"now": "2026-06-15T12:00:05.000Z", "frozen": True}
    assert rule["action"] == {"status": 503}
    assert "staus: unknown" in problem


def test_scenarios_and_mappings(mock: MockMixpanel, tmp_path: Path) -> None:
    """Scenarios are run and mappings compared; no program is started for exec:."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"type": "track", "messageId": "m", "event": "A", "userId": "u"}\n')
    both = {"corpus": str(corpus), "old": "rules:documented", "new": "rules:documented"}
    _, (ran, compared, refused) = talk(
        mock,
        ("run_scenarios", {"keyword": "alias/direction"}),
        ("diff_mapping", both),
        ("diff_mapping", {**both, "new": "exec:touch /tmp/x"}),
    )
    assert "1 passed, 0 failed" in ran
    assert compared.endswith("exit status 0")
    assert "exec: starts any program" in refused


@pytest.mark.parametrize("url", ["http://example.com", "http://127.0.0.1@evil.example"])
def test_only_this_machine_is_read(url: str) -> None:
    """The mock's address must be on this machine, or allowed by name."""
    result = CliRunner().invoke(main, ["mcp", "--url", url])
    assert (result.exit_code, "--url" in result.output) == (2, True)
