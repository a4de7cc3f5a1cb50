"""The pages as a Flask blueprint: addresses, templates, headers and errors."""

import re
from collections.abc import Callable, Mapping
from functools import cache, wraps
from heapq import nlargest
from importlib.resources import files
from typing import Any

from flask import Blueprint, Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined

from mock_mixpanel.backend import Backend
from mock_mixpanel.control.lists import EVERYTHING, Query
from mock_mixpanel.control.parameters import ControlError, region_asked, whole_number
from mock_mixpanel.control.people import PeopleReader
from mock_mixpanel.control.reading import LogReader
from mock_mixpanel.control.search import Search
from mock_mixpanel.inspector import wording
from mock_mixpanel.inspector.reasons import explain
from mock_mixpanel.inspector.visit import LISTED, UI, Visit
from mock_mixpanel.log.change_watch import KnownPosition
from mock_mixpanel.log.stores import StoreError
from mock_mixpanel.projects.config import REGIONS
from mock_mixpanel.simulation.clock import iso

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
STATIC = {
    "inspector.css": "text/css; charset=utf-8",
    "inspector.js": "text/javascript; charset=utf-8",
    "theme.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""The files that the pages use, and their types."""
NAVIGATION = (
    ("", "Overview"),
    ("requests", "Requests"),
    ("events", "Events"),
    ("rejected", "Rejected"),
    ("people", "People"),
    ("groups", "Groups"),
    ("faults", "Faults"),
    ("clock", "Clock"),
    ("leaks", "Leaks"),
)

MOST_PROJECTS = 100
"""Projects to choose from, and those that the page of projects lists."""
READING_SECONDS = 0.5
"""Seconds that a page reads new requests; the page shows how many are left to read."""
LIVE_READING_SECONDS = 0.01
"""The same for a page that reloads itself, which must not slow down ingestion."""
LIVE_HEADER = "X-Live"
"""The header that the page's script sends."""
LOOKING_SECONDS = 0.03
"""Seconds that a page searches for rows; the page shows how far it searched, and links further
back."""
MOST_COUNTED = 5000
"""Maximum number of split or duplicate profiles that a page counts; beyond it the page shows "at
least"."""
OF_EVERY_PAGE = ("token", "region")
QUERY_NAMES: Mapping[str, tuple[str, ...]] = {
    "requests": ("q", "before"),
    "requests/<number>": ("first", "copy"),
    "events": ("q", "raw", "before"),
    "rejected": ("reason", "before"),
    "source": ("of",),
    "people": ("q", "before"),
    "person": ("id", "before", "history_before"),
    "groups": ("q", "before"),
    "group": ("key", "id", "history_before"),
    "identity": ("id",),
    "leaks": ("before",),
    "clock": ("done",),
    "faults": ("path", "nth", "times", "status", "body", "error", "delay", "done"),
    "project": ("done",),
    "messages": ("fate", "before"),
}
"""Path of a page -> the names in a query that it reads, besides those of every page."""
MESSAGES = ("messages", "Messages")
"""The page that exists only if the process also runs a gateway."""

ATTENTION = {
    "split_profiles": ("split profile",),
    "duplicate_profiles": ("duplicate profile",),
    "pending_aliases": ("pending alias", "pending aliases"),
    "queued": ("waiting record",),
}
"""The singular nouns of the lists that may need attention, by list name."""

MessageReader = Callable[[int, int | None], Mapping[str, Any]]
"""Reads the latest messages of a gateway: `read(limit, before)` gives `{"messages": [...], "next":
number or None}`, the latest first, each with a lower `number` than `before`.

A message has `number`, `receivedAt` (milliseconds since 1970), `source`, `messageId`, `type`,
`fate`, `skipped`, `error`, `losses` and `operations`; an operation has `endpoint`, `host`,
`payload`, `fate` and `reason`.
"""


@cache
def _templates(navigation: tuple[tuple[str, str], ...]) -> Environment:
    """The templates of pages with this navigation; a process compiles each only once."""
    templates = Environment(
        loader=PackageLoader("mock_mixpanel.inspector"),
        autoescape=True,
        finalize=wording.visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals |= {
        "UI": UI,
        "explain": explain,
        "link_states": wording.LINK_STATES,
        "message_statuses": wording.MESSAGE_STATUSES,
        "navigation": navigation,
        "regions": REGIONS,
        "verdicts": wording.VERDICTS,
    }
    templates.filters |= {
        "brief": wording.brief,
        "clipped": wording.clipped,
        "counted": wording.counted,
        "exact": wording.exact,
        "fate": wording.fate,
        "json_text": wording.as_json,
        "moment": wording.moment,
        "moment_of_ms": wording.moment_of_ms,
        "runs": wording.runs,
        "shortened": wording.shortened,
        "verdict": wording.verdict,
    }
    return templates


class Site:
    """The common parts of all pages: the API's readers, the templates, and the visit."""

    def __init__(self, backend: Backend, messages: MessageReader | None = None) -> None:
        """`messages` reads those of a gateway, if there is one."""
        self.messages = messages
        self.backend, self.reading, self.people = backend, LogReader(backend), PeopleReader(backend)
        links = NAVIGATION if messages is None else (*NAVIGATION, MESSAGES)
        self._templates = _templates(links)

    def query(self, visit: Visit, search: Search = EVERYTHING, limit: int = LISTED) -> Query:
        """The query of a list page: the rows before the one in the address."""
        return Query(
            visit.token,
            visit.region,
            search,
            before=whole_number("before"),
            limit=limit,
            paged=True,
            seconds=LOOKING_SECONDS,
        )

    def visit(self) -> Visit:
        """The visit of the current request. Raises ControlError for an unknown region."""
        page = request.path.removeprefix(UI)
        rest = {k: v for k, v in request.args.items() if k not in ("token", "region")}
        region = region_asked() if request.args.get("region") else None
        return Visit(request.args.get("token") or None, region, page, rest)

    def knows_person(self, who: str, token: str | None, region: str | None) -> bool:
        """Whether a page of a person with this id exists."""
        return self.people.person(Query(token, region, limit=1), who) is not None

    def totals(self, visit: Visit) -> dict[str, int]:
        """The numbers of requests, records and records with a reason."""
        projections = self.backend.projections
        with projections.locked():
            projections.states(visit.token)
            return projections.totals(visit.token)

    def attention(self, visit: Visit, who: str | None = None) -> dict[str, str]:
        """The counts of identities that may need attention, in words; zero counts are left out."""
        read = self.backend.projections.identity_counts
        counts = read(visit.token, visit.region, who, MOST_COUNTED)
        return {
            name: ("at least " if number >= MOST_COUNTED else "") + wording.counted(number, *nouns)
            for name, nouns in ATTENTION.items()
            if (number := counts[name])
        }

    def tokens(self, visit: Visit) -> list[str]:
        """The projects to choose from: the one chosen, and those with the latest records."""
        projections, last = self.backend.projections, dict.fromkeys(self._known(), 0.0)
        with projections.locked():
            for state in projections.states():
                last[state.token] = max(state.last, last.get(state.token, 0))
        found = set(nlargest(MOST_PROJECTS, last, key=lambda token: last[token]))
        return sorted(found | ({visit.token} if visit.token else set()))

    def _known(self) -> list[str]:
        return [project.token for project in self.backend.projects.known()]

    def render(self, template: str, visit: Visit, status: int = 200, **values: Any) -> Response:
        """A page. Text that is not valid UTF-8 is shown with its escapes."""
        base_url, header = request.host_url.rstrip("/"), self._header(visit)
        return self._page(
            template, status, {"visit": visit, "header": header, "base_url": base_url, **values}
        )

    def render_store_error(self, error: StoreError) -> Response:
        """A page without anything of the store, which says why it does not work."""
        return self._page("no_store.html", 503, {"message": str(error)})

    def _page(self, template: str, status: int, values: Mapping[str, Any]) -> Response:
        html = self._templates.get_template(template).render(values)
        body = html.encode("utf-8", "backslashreplace")
        return Response(body, status, HEADERS, content_type="text/html; charset=utf-8")

    def _header(self, visit: Visit) -> dict[str, Any]:
        """The values of the header of each page."""
        clock = self.backend.clock
        position = self.backend.changes.now(KnownPosition(None, None, 0)).position
        return {
            "tokens": self.tokens(visit),
            "now": iso(clock.now()),
            "frozen": clock.frozen,
            "rejected": self.totals(visit)["noted"],
            "faults": len(self.backend.faults.rules),
            "behind": self.backend.projections.behind(),
            "last": position.last,
            "version": position.version,
        }


View = Callable[..., Response]


def blueprint(site: Site, views: dict[str, View], actions: dict[str, View]) -> Blueprint:
    """The pages: `views` answer GET, `actions` answer POST; both by the path below `/_mock/ui/`."""
    pages = Blueprint("inspector", __name__)

    @pages.get("/static/<name>")
    def static(name: str) -> Response:
        if name not in STATIC:
            raise ControlError(f"there is no file {name!r}", 404)
        content = ((files("mock_mixpanel.inspector") / "static") / name).read_bytes()
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(content, 200, headers, content_type=STATIC[name])

    def soon(path: str, view: View) -> View:
        """The view, based on the data that can be read in a short time. Raises ControlError."""
        known = (*QUERY_NAMES.get(re.sub(r"<.*>", "<number>", path), ()), *OF_EVERY_PAGE)

        @wraps(view)
        def answer(**names: Any) -> Response:
            # A misspelled filter would show everything.
            for name in request.args:
                if name not in known:
                    raise ControlError(
                        f"{name:.80}: this page does not have this name in its query; "
                        f"known: {', '.join(known)}"
                    )
            seconds = LIVE_READING_SECONDS if LIVE_HEADER in request.headers else READING_SECONDS
            with site.backend.projections.reading_within(seconds):
                return view(**names)

        return answer

    for path, view in views.items():
        pages.add_url_rule(f"/{path}", f"page {path}", soon(path, view), methods=["GET"])
    for path, action in actions.items():
        pages.add_url_rule(f"/{path}", f"action {path}", action, methods=["POST"])

    @pages.errorhandler(ControlError)
    def refuse(error: ControlError) -> Response:
        return site.render("error.html", Visit(page="error"), error.status, message=str(error))

    @pages.errorhandler(StoreError)
    def explain_store_error(error: StoreError) -> Response:
        return site.render_store_error(error)

    return pages
