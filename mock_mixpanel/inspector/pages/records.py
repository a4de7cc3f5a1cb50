"""The pages about requests and records: overview, requests, events and rejected records."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from flask import Response, request

from mock_mixpanel.control.lists import Query
from mock_mixpanel.control.parameters import ControlError, whole_number
from mock_mixpanel.control.search import read_search
from mock_mixpanel.control.search_terms import SearchError
from mock_mixpanel.control.views import RECORD_FIELDS, REQUEST_FIELDS
from mock_mixpanel.ingest.regions import home_in
from mock_mixpanel.inspector.copying import copies
from mock_mixpanel.inspector.pages.messages import MessagePages
from mock_mixpanel.inspector.pages.saved import POLICY, saved_values
from mock_mixpanel.inspector.requests_chart import chart
from mock_mixpanel.inspector.site import Site, View
from mock_mixpanel.inspector.sources import section
from mock_mixpanel.inspector.visit import LISTED, Visit
from mock_mixpanel.inspector.wording import counted

LATEST = 10
"""Requests on the overview."""
FRAMES = "form-action 'none'; frame-ancestors 'none'"
CHARTED, CHART_SECONDS = 500, 0.01
"""Limits of the overview's chart: number of latest requests, and seconds of processor time."""
MOST_COPIED = 20_000
"""Characters of all forms of a request that its page shows at once; else each has a page."""
MOST_REASONS = 8
"""Reasons that the overview shows."""


class OverviewProblem(NamedTuple):
    """A line of the overview: the count, the kind of problem, and the page that lists it."""

    number: str
    text: str
    url: str
    style: str = "bad"
    help: str = ""


class RecordPages:
    """The views, by path."""

    def __init__(self, site: Site, gateway: MessagePages | None = None) -> None:
        self._site, self._gateway = site, gateway

    def views(self) -> dict[str, View]:
        """The view of each page, by the path below `/_mock/ui/`."""
        number = "<int(max=999999999999999999):number>"
        return {
            "": self.start,
            "requests": self.requests,
            f"requests/{number}": self.request,
            "events": self.events,
            f"events/{number}": self.event,
            "rejected": self.rejected,
            "source": self.source,
            "saved": self.saved,
        }

    def start(self) -> Response:
        """Problems first, then the last requests."""
        site, visit = self._site, self._site.visit()
        query = replace(site.query(visit, limit=CHARTED), seconds=CHART_SECONDS)
        found = site.reading.requests(query, summary=True)
        totals = site.totals(visit)
        attention = site.attention(visit)
        return site.render(
            "start.html",
            visit,
            total=found["total"],
            sentence=overview(totals, attention.get("split_profiles")),
            problems=self._problems(visit, attention),
            minutes=chart(found["items"]),
            latest=found["items"][:LATEST],
        )

    def requests(self) -> Response:
        """The journal, newest first."""
        visit = self._site.visit()
        query, problem = self._query(visit, REQUEST_FIELDS)
        found = self._site.reading.requests(query, summary=True)
        return self._site.render("requests.html", visit, found=found, problem=problem, q=_q())

    def request(self, number: int) -> Response:
        """One request with its records."""
        found = self._site.reading.request(number)
        if found is None:
            raise ControlError(f"there is no request {number}; it may have been forgotten", 404)
        texts = copies(found, request.host_url.rstrip("/"))
        form = request.args.get("copy")
        if form or sum(len(each.text) for each in texts) > MOST_COPIED:
            texts = [each._replace(text=each.text if each.name == form else "") for each in texts]
        first = min(whole_number("first") or 0, len(found["records"]))
        records = found["records"][first : first + LISTED]
        messages = self._gateway.of_request(found["payload"]) if self._gateway else {}
        return self._site.render(
            "request.html",
            self._site.visit(),
            request=found,
            first=first,
            records=records,
            copies=texts,
            messages=messages,
        )

    def events(self) -> Response:
        """Every arrival with its status, newest first."""
        visit = self._site.visit()
        raw = request.args.get("raw", "0") not in ("", "0")
        query, problem = self._query(visit, RECORD_FIELDS, "" if raw else "kind:event")
        found = self._site.reading.records(query)
        return self._site.render("events.html", visit, found=found, problem=problem, raw=raw)

    def event(self, number: int) -> Response:
        """One record: what was sent, and its status."""
        found = self._site.reading.event(number)
        if found is None:
            raise ControlError(f"there is no record {number}; it may have been forgotten", 404)
        who = found["distinct_id"]
        known = bool(who) and self._site.knows_person(who, found["token"], found["region"])
        return self._site.render("event.html", self._site.visit(), record=found, known=known)

    def rejected(self) -> Response:
        """Reasons with counts, or the records of one reason."""
        visit, reason = self._site.visit(), request.args.get("reason")
        query, _ = self._query(visit, ())
        if reason is None:
            groups = self._site.reading.reasons(query)
            return self._site.render("rejected.html", visit, reason=None, groups=groups)
        found = self._site.reading.rejected(query, reason=reason)
        return self._site.render("rejected.html", visit, reason=reason, found=found)

    def source(self) -> Response:
        """The section of the documentation that a reason cites."""
        source = request.args.get("of", "")
        text = section(source)
        if text is None:
            raise ControlError(f"there is no section {source!r}", 404)
        return self._site.render("source.html", self._site.visit(), source=source, text=text)

    def saved(self) -> Response:
        """All of a project as one HTML file."""
        visit = self._site.visit()
        answer = self._site.render("saved.html", visit, **saved_values(self._site, visit))
        answer.headers["Content-Security-Policy"] = f"{POLICY}; base-uri 'none'; {FRAMES}"
        return answer

    def _query(
        self, visit: Visit, fields: Sequence[str], always: str = ""
    ) -> tuple[Query, str | None]:
        """The query of a list page, and the error of its search; then all rows are shown."""
        now, problem = self._site.backend.clock.now(), None
        search = read_search(always, now, fields)
        try:
            search &= read_search(_q(), now, fields)
        except SearchError as error:
            problem = str(error)
        return self._site.query(visit, search), problem

    def _problems(self, visit: Visit, attention: Mapping[str, str]) -> list[OverviewProblem]:
        site = self._site
        counts = site.backend.projections.reasons(visit.token, visit.region)
        leaks = sum(each.count for reason, each in counts.items() if home_in([reason]))
        found = [
            OverviewProblem(
                attention.get("split_profiles", ""),
                "data stored under an id that is not linked to its person (yet)",
                visit.url("identity"),
            ),
            OverviewProblem(
                counted(leaks, "record"),
                "sent to a region that is not the project's",
                visit.url("leaks"),
            ),
            OverviewProblem(
                attention.get("duplicate_profiles", ""),
                "profiles of people who have more than one",
                visit.url("identity"),
            ),
            OverviewProblem(
                attention.get("pending_aliases", ""),
                "aliases that take effect later; advance the clock to their due time",
                visit.url("clock"),
                "warn",
            ),
            OverviewProblem(
                counted(len(site.backend.faults.rules), "fault rule"),
                "responses that the mock changes on purpose",
                visit.url("faults"),
                "warn",
            ),
        ]
        frequent = sorted(counts.items(), key=lambda each: -each[1].count)
        reasons = [
            OverviewProblem(
                counted(each.count, "record"), reason, visit.url("rejected", reason=reason)
            )
            for reason, each in frequent
            if not home_in([reason])
        ][:MOST_REASONS]
        return reasons + [
            each for each in found if each.number and not each.number.startswith("0 ")
        ]


def overview(totals: Mapping[str, int], splits: str | None) -> str:
    """Two sentences: the number of records and requests, and their problems."""
    arrived = f"{counted(totals['records'], 'record')} in {counted(totals['requests'], 'request')}"
    noted = totals["noted"]
    problems = []
    if noted:
        have = counted(noted, "record was rejected or has", "records were rejected or have")
        problems.append(f"{have} a note")
    if splits:
        problems.append(f"there {'is' if splits.startswith('1 ') else 'are'} {splits}")
    told = ", and ".join(problems) or "nothing went wrong"
    return f"{arrived}. {told[0].upper()}{told[1:]}."


def _q() -> str:
    return request.args.get("q", "")
