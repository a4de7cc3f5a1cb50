"""Feature flags by Mixpanel's Python client, and by OpenFeature with Mixpanel's provider."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.clients.mixpanel import Project
from tests.clients.needs import python_client
from tests.clients.test_python_tls import home, sdk

__all__ = ["home"]

openfeature = python_client("openfeature.api")
contexts = python_client("openfeature.evaluation_context")
provider = python_client("mixpanel_openfeature")

PEOPLE = [f"user-{number}" for number in range(40)]

FLAGS: list[dict[str, Any]] = [
    {
        "key": "button",
        "experiment_id": "e-1",
        "is_experiment_active": True,
        "ruleset": {
            "variants": [
                {"key": "red", "value": "#f00", "split": 0.3},
                {"key": "blue", "value": "#00f", "split": 0.7},
            ],
            "rollout": [
                {
                    "rollout_percentage": 0.5,
                    "runtime_evaluation_definition": {"plan": "pro"},
                    "variant_override": {"key": "red"},
                },
                {"rollout_percentage": 0.6},
            ],
            "test": {"users": {"user-0": "red"}},
        },
    },
    {
        "key": "salted",
        "hash_salt": "s",
        "ruleset": {
            "variants": [{"key": f"v{n}", "value": n} for n in range(4)],
            "rollout": [{"rollout_percentage": 0.4}, {"rollout_percentage": 0.4}],
        },
    },
    {"key": "on", "ruleset": {"variants": [{"key": "on", "value": True}]}},
    {"key": "rate", "ruleset": {"variants": [{"key": "r", "value": 0.25}]}},
    {"key": "menu", "ruleset": {"variants": [{"key": "m", "value": {"items": ["a", 1]}}]}},
]


def test_remote_and_local_evaluation_agree(
    secure_project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    """For each person the mock chooses the variants that the client itself chooses."""
    secure_project.create(flags=FLAGS)
    mixpanel = sdk.Mixpanel(
        secure_project.token,
        remote_flags_config=sdk.RemoteFlagsConfig(),
        local_flags_config=sdk.LocalFlagsConfig(enable_polling=False),
    )
    seen: set[tuple[str, str]] = set()
    with mixpanel.remote_flags as remote, mixpanel.local_flags as local:
        local.start_polling_for_definitions()
        for person in PEOPLE:
            for plan in ("pro", "free"):
                context = {"distinct_id": person, "custom_properties": {"plan": plan}}
                by_mock, by_client = (
                    {key: chosen(each) for key, each in side.get_all_variants(context).items()}
                    for side in (remote, local)
                )
                assert by_mock == by_client
                seen |= {(key, each[0]) for key, each in by_mock.items()}
    assert caplog.messages == []
    assert {("button", "red"), ("button", "blue"), ("salted", "v0"), ("salted", "v3")} <= seen


def chosen(variant: Any) -> tuple[Any, ...]:
    """A variant without the side that chose it."""
    active = (variant.experiment_id, variant.is_experiment_active, variant.is_qa_tester)
    return (variant.variant_key, variant.variant_value, *active)


@contextmanager
def client(project: Project, side: str) -> Iterator[Any]:
    """An OpenFeature client whose flags are evaluated remotely or locally."""
    made = provider.MixpanelProvider
    if side == "remote":
        flags = made.from_remote_config(project.token, sdk.RemoteFlagsConfig())
    else:
        flags = made.from_local_config(project.token, sdk.LocalFlagsConfig(enable_polling=False))
    openfeature.set_provider(flags)
    try:
        yield openfeature.get_client()
    finally:
        openfeature.shutdown()


@pytest.mark.parametrize("side", ["remote", "local"])
def test_openfeature(secure_project: Project, side: str) -> None:
    """Each type of value arrives with its variant, and each evaluation is an exposure event."""
    secure_project.create(flags=FLAGS)
    ann = contexts.EvaluationContext(attributes={"distinct_id": "user-0"})
    with client(secure_project, side) as flags:
        found = [
            flags.get_string_details("button", "none", ann),
            flags.get_boolean_details("on", False, ann),
            flags.get_float_details("rate", 0.5, ann),
            flags.get_object_details("menu", {}, ann),
            flags.get_integer_details("on", 7, ann),
            flags.get_boolean_details("unknown", False, ann),
        ]
    assert [(each.value, each.variant, each.error_code) for each in found] == [
        ("#f00", "red", None),
        (True, "on", None),
        (0.25, "r", None),
        ({"items": ["a", 1]}, "m", None),
        (7, None, "TYPE_MISMATCH"),
        (False, None, "FLAG_NOT_FOUND"),
    ]
    exposures = [
        (
            event["event"],
            event["properties"]["Experiment name"],
            event["properties"]["Variant name"],
        )
        for event in secure_project.exported()
    ]
    assert sorted(exposures) == [
        ("$experiment_started", "button", "red"),
        ("$experiment_started", "menu", "m"),
        ("$experiment_started", "on", "on"),
        ("$experiment_started", "on", "on"),
        ("$experiment_started", "rate", "r"),
    ]
    assert secure_project.undelivered() == []


def test_openfeature_rollout(secure_project: Project) -> None:
    """A person outside of the rollout gets the default, which is not an error."""
    flag = {"key": "f", "ruleset": {"variants": [{"key": "on", "value": True}]}}
    flag["ruleset"]["rollout"] = [{"rollout_percentage": 0}]  # type: ignore[index]
    secure_project.create(flags=[flag])
    ann = contexts.EvaluationContext(attributes={"distinct_id": "ann"})
    with client(secure_project, "local") as flags:
        found = flags.get_boolean_details("f", False, ann)
    assert (found.value, found.reason, found.error_code) == (False, "DEFAULT", None)
