"""Data deletions and retrievals (docs/facts/mixpanel-http-api.md#data-deletion-and-retrieval).

A task is an entry of the log that is processed the project's `gdpr_delay` virtual seconds later,
and passes the documented stages on its way. Choices: the stages take a third of the delay each;
the answer to a new task has the members of both documented shapes in one object; any OAuth token
is taken, and so is a Basic credential that may read the project; a retrieval's link leads to
the data as it is when the link is followed; one request a second is not enforced.
"""

import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mock_mixpanel.ingest.replies import Reply
from mock_mixpanel.log.records import LogEntry
from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.access import CallError, readable_project, shown_id
from mock_mixpanel.readback.calls import ReadbackCall, ReadbackResponse
from mock_mixpanel.state import deletions

DELETIONS = deletions.ENDPOINT
RETRIEVALS = deletions.RETRIEVALS
MOST_IDS = 2000
"""People of one task. A deletion also spends one for each data group of a person."""
COMPLIANCE = ("GDPR", "CCPA")
DISCLOSURE = ("DATA", "CATEGORIES", "SOURCES")

STAGES = ("PENDING", "STAGING", "STARTED", "SUCCESS")


class Task(NamedTuple):
    """A task with its log entry, at a time (virtual seconds)."""

    entry: LogEntry
    canceled: bool
    now: float

    @property
    def status(self) -> str:
        """One of the stages, or REVOKED."""
        if self.canceled:
            return "REVOKED"
        delay = self.entry.verdict.effective_at - self.entry.verdict.received_at
        passed = self.now - self.entry.verdict.received_at
        return STAGES[3 if passed >= delay else max(0, int(3 * passed / delay))]


def create_deletion(call: ReadbackCall) -> ReadbackResponse:
    """Request the deletion of people. Raises CallError 400, 401."""
    return _create(call, DELETIONS)


def create_retrieval(call: ReadbackCall) -> ReadbackResponse:
    """Request the data of people. Raises CallError 400, 401."""
    return _create(call, RETRIEVALS)


def deletion(call: ReadbackCall, task_id: str) -> ReadbackResponse:
    """The state of a deletion. Raises CallError 401."""
    project = _project(call)
    return _state(_task(call, project, DELETIONS, task_id), project)


def retrieval(call: ReadbackCall, task_id: str) -> ReadbackResponse:
    """The state of a retrieval, with the link to the data when it is done."""
    project = _project(call)
    link = f"{call.host_url}{RETRIEVALS}/{task_id}/data?token={project.token}"
    return _state(_task(call, project, RETRIEVALS, task_id), project, link)


def cancel_deletion(call: ReadbackCall, task_id: str) -> ReadbackResponse:
    """Cancel a deletion. Raises CallError 401, 404, and 405 once it has started."""
    project = _project(call)
    task = _task(call, project, DELETIONS, task_id)
    if task is None:
        raise CallError(404, f"no deletion {task_id}")
    if task.status not in STAGES[:2]:
        raise CallError(405, "the deletion can no longer be canceled")
    record = {"tracking_id": task_id, "cancel": True}
    return ReadbackResponse(Reply(204, b"", ""), [call.draft(project, DELETIONS, record)])


def retrieved(call: ReadbackCall, task_id: str) -> ReadbackResponse:
    """The events and profiles of a retrieval. Raises CallError 401, and 404 before it is done."""
    project = _project(call, by_link=True)
    task = _task(call, project, RETRIEVALS, task_id)
    if task is None or task.status != "SUCCESS":
        raise CallError(404, f"no data of a retrieval {task_id}")
    people = task.entry.record["distinct_ids"]
    found = {
        kind: [
            {name: item.value[name] for name in names}
            for item in call.backend.projections.items(kind, project.token, raw=kind == "events")
            if item.value["region"] == call.envelope.region and item.value["distinct_id"] in people
        ]
        for kind, names in (
            ("events", ("event", "distinct_id", "time", "properties")),
            ("profiles", ("distinct_id", "properties")),
        )
    }
    return ReadbackResponse.json(found)


def _create(call: ReadbackCall, endpoint: str) -> ReadbackResponse:
    project = _project(call)
    body = call.json_object()
    ids, most = body.get("distinct_ids"), _most_ids(project, endpoint)
    if not isinstance(ids, list) or not ids or not all(isinstance(each, str) for each in ids):
        raise CallError(400, "distinct_ids must be a list of strings that is not empty")
    if len(ids) > most:
        raise CallError(400, f"distinct_ids: more than {most}")
    task = {
        "tracking_id": str(uuid.uuid4()),
        "distinct_ids": ids,
        "compliance_type": _choice(body, "compliance_type", COMPLIANCE),
        "disclosure_type": _choice(body, "disclosure_type", DISCLOSURE),
    }
    draft = call.draft(project, endpoint, task, project.gdpr_delay)
    results = {
        "task_id": task["tracking_id"],
        "status": STAGES[0],
        **_described(task, project, call.now),
        "distinct_id_count": len(ids),
        "disclosure_type": task["disclosure_type"],
        "destination_url": None,
    }
    answer = ReadbackResponse.json({"status": "ok", "results": results}, 201)
    return ReadbackResponse(answer.reply, [draft])


def _most_ids(project: Project, endpoint: str) -> int:
    """Maximum number of people in one task (mixpanel/docs-legacy#2741)."""
    if endpoint == RETRIEVALS:
        return MOST_IDS
    return MOST_IDS // (len(project.group_keys) + 1)


def _choice(body: dict[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = body.get(name) or known[0]
    if not isinstance(value, str) or value.upper() not in known:
        raise CallError(400, f"{name} must be one of {', '.join(known)}")
    return value.upper()


def _project(call: ReadbackCall, *, by_link: bool = False) -> Project:
    """The project of `token=`; a link needs no credential, a call needs one."""
    token = call.envelope.query.get("token", "")
    if not token:
        raise CallError(401, "token is missing; it is the project token, in the query")
    authorization = call.envelope.header("Authorization")
    bearer = authorization.strip().lower().startswith("bearer ")
    if not authorization and not by_link:
        raise CallError(401, "Authorization is missing; it is Bearer and an OAuth token")
    found = call.backend.projects.find(token)
    if found is None:
        raise CallError(401, "no such project")
    if found.region not in (None, call.envelope.region):
        raise CallError(401, "no such project", home=found)
    if not (bearer or by_link):
        region, project_id = call.envelope.region, call.params.get("project_id", "")
        read = readable_project(call.backend, call.credential, project_id, token, region)
        if read.token != token:
            raise CallError(401, "the credential is for another project")
    call.tokens.add(token)
    return found


def _task(call: ReadbackCall, project: Project, endpoint: str, task_id: str) -> Task | None:
    """The task of an id; None if it is unknown or of another project."""
    ours = [
        entry
        for entry in call.backend.projections.tasks(project.token)
        if entry.verdict.endpoint == endpoint and entry.record["tracking_id"] == task_id
    ]
    if not ours:
        return None
    canceled = any(entry.record.get("cancel") for entry in ours)
    return Task(ours[0], canceled, call.now)


def _described(task: dict[str, Any], project: Project, requested: float) -> dict[str, Any]:
    """The members of a response that come from the project and the request."""
    moment = datetime.fromtimestamp(requested, UTC)
    return {
        "tracking_id": task["tracking_id"],
        "compliance_type": task["compliance_type"],
        "requesting_user": "",
        "project_id": shown_id(project),
        "date_requested": moment.replace(tzinfo=None).isoformat(timespec="seconds"),
    }


def _state(task: Task | None, project: Project, link: str = "") -> ReadbackResponse:
    """The response with the state of a task; the link is empty until the task is done."""
    if task is None:
        return ReadbackResponse.json(
            {"status": "ok", "results": {"status": "NOT_FOUND", "result": ""}}
        )
    done = link if task.status == "SUCCESS" else ""
    record = task.entry.record
    results = {
        "status": task.status,
        **_described(record, project, task.entry.verdict.received_at),
        "distinct_ids": record["distinct_ids"],
        "result": done,
        "results": done,
    }
    return ReadbackResponse.json({"status": "ok", "results": results})
