"""The list of scenarios that a target is known to fail: a YAML file of ids, each with its reason.

alias/direction: swaps the two ids; waits for release 2
time/old-page-without-secret: asks for no secret
"""

from collections.abc import Collection
from pathlib import Path

from conformance.errors import DataError
from conformance.spec.sources import nearest
from conformance.spec.yaml_text import YamlTextError, parse_yaml


def read_expected_failures(path: Path, known: Collection[str]) -> dict[str, str]:
    """Id -> reason. Raises DataError for a file that is wrong or names what is not there."""
    try:
        table = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, YamlTextError) as error:
        raise DataError(f"{path}: {error}") from error
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise DataError(f"{path}: must be a list of lines 'id: reason'")
    mistakes = []
    for scenario_id, reason in table.items():
        if scenario_id not in known:
            hint = nearest(scenario_id, known)
            mistakes.append(f"{path}: there is no scenario {scenario_id!r}{hint}")
        if not isinstance(reason, str) or not reason.strip():
            mistakes.append(f"{path}: {scenario_id}: say why it is expected to fail")
    if mistakes:
        raise DataError("\n".join(mistakes))
    return table
