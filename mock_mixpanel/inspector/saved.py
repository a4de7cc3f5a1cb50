"""One project as a single HTML file without scripts, for a bug report or a failed test."""

from pathlib import Path
from typing import Any

from mock_mixpanel.control.lists import Query
from mock_mixpanel.inspector.people_pages import advice
from mock_mixpanel.inspector.site import Site
from mock_mixpanel.inspector.visit import Visit

MOST = 200
"""The latest requests, records, people and groups that are saved."""


def saved_values(site: Site, visit: Visit) -> dict[str, Any]:
    """What the file shows. Secrets are hidden in the journal already."""
    query = Query(visit.token, visit.region, limit=MOST, paged=True)
    identity = site.backend.projections.identities(visit.token, visit.region)
    return {
        "style": Path(__file__).with_name("static").joinpath("inspector.css").read_text("utf-8"),
        "groups": site.reading.reasons(Query(visit.token, visit.region)),
        "requests": site.reading.requests(query, summary=True),
        "records": site.reading.records(query),
        "people": site.reading.stored("profiles", query)["items"],
        "company": site.reading.stored("groups", query)["items"],
        "links": identity["links"][:MOST],
        "splits": advice(identity["split_profiles"][:MOST]),
        "totals": site.totals(visit),
    }
