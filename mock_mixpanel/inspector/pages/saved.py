"""One project as a single HTML file without scripts, for a bug report or a failed test."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from mock_mixpanel.control.lists import Query
from mock_mixpanel.inspector.pages.people import advice
from mock_mixpanel.inspector.site import Site
from mock_mixpanel.inspector.visit import Visit

MOST = 200
"""Maximum number of requests, records, people and groups that are saved, the latest ones."""


_SHEET = (files("mock_mixpanel.inspector") / "static") / "inspector.css"
STYLE = Markup(_SHEET.read_text(encoding="utf-8"))  # noqa: S704 - our own file, as CSS has to be
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)
"""The content security policy of the file: only its style sheet is allowed."""


def saved_values(site: Site, visit: Visit) -> dict[str, Any]:
    """The values of the file. Secrets are hidden in the journal already."""
    query = Query(visit.token, visit.region, limit=MOST, paged=True)
    identity = site.backend.projections.identities(visit.token, visit.region, most=MOST)
    return {
        "style": STYLE,
        "policy": POLICY,
        "groups": site.reading.reasons(Query(visit.token, visit.region)),
        "requests": site.reading.requests(query, summary=True),
        "records": site.reading.records(query),
        "people": site.reading.stored("profiles", query)["items"],
        "company": site.reading.stored("groups", query)["items"],
        "links": identity["links"],
        "splits": advice(identity["split_profiles"]),
        "totals": site.totals(visit),
    }
