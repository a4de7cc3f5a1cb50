"""A visit: the chosen project and region, and addresses of pages that keep them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

UI = "/_mock/ui/"
"""Where the pages are."""
LISTED = 50
"""Rows of a list, and records of a request, on one page."""

SECTIONS = {"person": "people", "identity": "people", "group": "groups", "source": "rejected"}
"""The list to which a page of another name belongs."""


@dataclass(frozen=True)
class Visit:
    """The project and region that a page is about, and its address.

    `token` and `region` are None for all projects and all regions. `query` is the rest of the
    address's query.
    """

    token: str | None = None
    region: str | None = None
    page: str = ""
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def section(self) -> str:
        """The list that this page belongs to."""
        first = self.page.partition("/")[0]
        return SECTIONS.get(first, first)

    def url(self, page: str = "", /, **query: object) -> str:
        """The address of a page with the same project and region, unless the query names others.

        A value of None leaves a name out. Ids stand in the query, so they may hold any text.
        """
        both = {"token": self.token, "region": self.region} | query
        given = {name: str(value) for name, value in both.items() if value is not None}
        text = urlencode(given, errors="surrogatepass")
        return UI + page + (f"?{text}" if text else "")

    def here(self, **query: object) -> str:
        """The address of this page with some of its query changed."""
        return self.url(self.page, **(dict(self.query) | query))

    def person(self, distinct_id: str, **query: object) -> str:
        """The address of a person."""
        return self.url("person", id=distinct_id, **query)

    def record(self, number: int, **query: object) -> str:
        """The address of a record."""
        return self.url(f"events/{number}", **query)

    def request(self, number: int, record: int | None = None, **query: object) -> str:
        """The address of a request, or of one of its records by index."""
        first = record // LISTED * LISTED if record else 0
        query |= {"first": first} if first else {}
        return self.url(f"requests/{number}", **query) + ("" if record is None else f"#r{record}")
