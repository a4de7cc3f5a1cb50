"""The suite catches senders that are broken on purpose, each with a bug that real ones had."""

from collections.abc import Callable
from typing import Any

import pytest

from conformance.runner.mock import Mock
from conformance.runner.replay.replay import replay
from conformance.spec.scenarios.loading import load_scenarios
from conformance.targets.builtin import Builtin
from translator.sender.dispatch.dispatch import Dispatch
from translator.sender.http import attempts
from translator.sender.http.responses import InterpretedResponse, Meaning
from translator.sender.http.transport import HttpTransport
from translator.sender.queue import preparation

SCENARIOS = {scenario.id: scenario for scenario in load_scenarios()}
post = HttpTransport.post
make = Dispatch.__init__


def ignores_status_0(patch: pytest.MonkeyPatch) -> None:
    """HTTP 200 is treated as success, whatever its body is (rudderlabs/rudder-transformer#5060)."""
    patch.setattr(attempts, "classify", lambda *answer: InterpretedResponse(Meaning.DELIVERED))


def changes_time_on_retry(patch: pytest.MonkeyPatch) -> None:
    """A repeated event has another time, so it counts as another event."""
    seen: set[bytes] = set()

    def changed(self: Any, url: str, endpoint: str, body: bytes) -> Any:
        if body in seen:
            body = body.replace(b"1781524800", b"1781524801")
        seen.add(body)
        return post(self, url, endpoint, body)

    patch.setattr(HttpTransport, "post", changed)


def resends_the_first(patch: pytest.MonkeyPatch) -> None:
    """After a failure everything is sent again from the start (mixpanel/mixpanel-python#191)."""
    first: list[Any] = []

    def repeated(self: Any, *request: Any) -> Any:
        first.append(request)
        answer = post(self, *request)
        if answer.status >= 500:
            post(self, *first[0])
        return answer

    patch.setattr(HttpTransport, "post", repeated)


def repeats_increments(patch: pytest.MonkeyPatch) -> None:
    """An increment whose answer is lost is sent again."""
    patch.setattr(preparation, "is_idempotent", lambda operation: True)


def trusts_every_record(patch: pytest.MonkeyPatch) -> None:
    """A bad record shares the answer of good ones."""
    patch.setattr(preparation, "may_be_dropped_silently", lambda *about: False)


def holds_nobody(patch: pytest.MonkeyPatch) -> None:
    """Calls follow their alias at once (mixpanel/mixpanel-js#57)."""

    def hasty(self: Any, limits: Any, retry: Any, alias: Any, hold: float) -> None:
        make(self, limits, retry, alias, 0.0)

    patch.setattr(Dispatch, "__init__", hasty)


@pytest.mark.parametrize(
    ("broken", "caught_by"),
    [
        (ignores_status_0, "delivery/temporary-failure"),
        (changes_time_on_retry, "delivery/lost-answer-to-event"),
        (resends_the_first, "delivery/second-request-fails"),
        (repeats_increments, "delivery/lost-answer-to-add"),
        (trusts_every_record, "delivery/bad-record-among-good"),
        (holds_nobody, "alias/held-track"),
    ],
)
def test_caught(
    broken: Callable[[pytest.MonkeyPatch], None],
    caught_by: str,
    mock: Mock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The scenario passes with ours and fails with the broken one."""
    assert replay(SCENARIOS[caught_by], Builtin(), mock) == []
    broken(monkeypatch)
    found = [each.path for each in replay(SCENARIOS[caught_by], Builtin(), mock)]
    assert found
    assert "target" not in found
