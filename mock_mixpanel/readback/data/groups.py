"""Data group ids, by which readers name group keys."""

import hashlib

from mock_mixpanel.projects.config import Project
from mock_mixpanel.readback.calls import ReadbackCall


def data_groups(call: ReadbackCall, project: Project) -> dict[str, int]:
    """The group keys of a project, from its options and from its data, with their ids."""
    stored = [
        item.value["group_key"]
        for item in call.backend.projections.items("groups", project.token)
        if item.value["region"] == call.envelope.region
    ]
    return {key: data_group_id(project.token, key) for key in (*project.group_keys, *stored)}


def data_group_id(token: str, key: str) -> int:
    """A number that is always the same for a project's key.

    Real ones can be large and negative; these stay within 53 bits, which every JSON reader keeps.
    """
    digest = hashlib.sha256(f"{token}\0{key}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big", signed=True) * 16 + 1
