"""How fast the conformance suite is, as ratios within one run on one machine.

    python benchmarks/suite.py [--full] [--rounds N]

- `read`: scenario files by PyYAML's own parser, against the same files by `parse_yaml` (libyaml)
  and all of them from the cache.
- `compare`: equal requests with a tree of differences (deepdiff), against `compare`.
- `mock`: control and reading of the mock through its HTTP interface in Flask's test client, against
  the same calls in process.
- `captures`: the rules that explain each capture by switching every rule, against halving.
- `one`: the command that runs one scenario, in seconds of the processor.
- `--full`: every scenario and capture with one process and with one for each core, in seconds.

Ratios are what counts; seconds depend on the machine and on what else it does.
"""

import argparse
import copy
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import yaml
from deepdiff import DeepDiff
from measured import ratio as record

from conformance.runner.captures.attribution import attribute
from conformance.runner.captures.cloud import load_captures
from conformance.runner.compare import compare
from conformance.runner.jobs import usable_cores
from conformance.runner.mock import running_mock
from conformance.spec.data import scenario_files
from conformance.spec.scenarios.loading import load_scenarios
from mock_mixpanel.app import create_app
from translator import Rules
from translator.core.rules import RULES
from translator.yaml_text import parse_yaml

RUN = (sys.executable, "-m", "conformance", "run")


def best(rounds: int, work: Callable[[], object]) -> float:
    """Seconds of the processor of the fastest round."""
    found = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def seconds_of(*arguments: str) -> tuple[float, float]:
    """Seconds of the clock and of the processor that a command takes; it must succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([*RUN, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - start, used


def reading(rounds: int) -> None:
    """Scenario files: slow parser, fast parser, cache."""
    texts = [file.read_text(encoding="utf-8") for _, file in scenario_files()][::5]
    slow = best(1, lambda: [yaml.load(text, yaml.BaseLoader) for text in texts])
    fast = best(rounds, lambda: [parse_yaml(text) for text in texts])
    load_scenarios()
    cached = best(rounds, load_scenarios.__wrapped__)
    print(f"read      libyaml {slow / fast:.1f} times as fast as PyYAML's parser")
    record("read scenarios with libyaml", slow / fast, "PyYAML's own parser")
    print(f"          all scenarios from the cache in {1000 * cached:.0f} ms")


def comparing(rounds: int) -> None:
    """Equal requests: a tree of differences, and `compare`."""
    expected = [each.expect.requests for each in load_scenarios() if each.expect.requests][:200]
    pairs = [(each, copy.deepcopy(each)) for each in expected]
    tree = best(1, lambda: [DeepDiff(one, other, view="tree") for one, other in pairs])
    ours = best(rounds, lambda: [compare("requests", one, other) for one, other in pairs])
    print(f"compare   {tree / ours:.0f} times as fast as building the differences")
    record("compare equal requests", tree / ours, "a tree of differences")


def repeated(work: Callable[[], object]) -> None:
    """Do the work as often as for 200 scenarios."""
    for _ in range(200):
        work()


def controlling(rounds: int) -> None:
    """What the engine asks of the mock for one scenario: by the control API, and in process."""
    options = {"secret": "S"}
    with running_mock() as mock:
        client = create_app().test_client()

        def by_http() -> None:
            client.post("/_mock/reset", json={})
            client.post("/_mock/clock", json={"now": "2026-06-15T12:00:00Z", "freeze": True})
            client.put("/_mock/projects/T", json=options)
            for name in ("requests", "rejected", "events?token=T"):
                json.loads(client.get(f"/_mock/{name}").data)

        def in_process() -> None:
            mock.reset()
            mock.freeze("2026-06-15T12:00:00Z")
            mock.set_project("T", options)
            mock.requests()
            mock.rejected()
            mock.state("events", "T")

        slow, fast = (best(rounds, partial(repeated, work)) for work in (by_http, in_process))
    print(f"mock      {slow / fast:.1f} times as fast in process as through its HTTP interface")


def explaining(rounds: int) -> None:
    """Captures: one translation for each rule, and halving."""
    captures = load_captures()[::10]

    def every_rule() -> None:
        for capture in captures:
            rules = Rules.observed()
            current = capture.outcome(rules)
            for rule in RULES:
                rules = rules.following(rule.name)
                following = capture.outcome(rules)
                capture.compare(current, following)
                current = following

    slow, fast = best(1, every_rule), best(rounds, lambda: [*map(attribute, captures)])
    print(f"captures  {slow / fast:.1f} times as fast as one translation for each rule")
    record("explain captures", slow / fast, "one translation for each rule")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    reading(options.rounds)
    comparing(options.rounds)
    controlling(options.rounds)
    explaining(options.rounds)
    runs = [seconds_of("track/minimal", "--no-captures") for _ in range(options.rounds)]
    clock, used = min(each[0] for each in runs), min(each[1] for each in runs)
    print(f"one       {used:.2f} s of the processor, {clock:.2f} s of the clock")
    if options.full:
        cores = usable_cores()
        one, _ = seconds_of("--jobs", "1")
        many, _ = seconds_of("--jobs", str(cores))
        print(
            f"full      {one:.1f} s with one process, {many:.1f} s with {cores}: {one / many:.1f}"
        )
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {usable_cores()} cores")


if __name__ == "__main__":
    main()
