"""The pages of facts as part of the report, so that a source can be read without a network."""

from collections.abc import Iterable
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from conformance.spec.citations.facts import PREFIX, anchor, fact_headings, fact_pages


def link(source: str) -> str | None:
    """The link to a fact inside the report, for a source that cites a fact."""
    page, _, heading = source.partition("#")
    if heading in fact_headings().get(page, {}):
        return "#" + _id(page, heading)
    return None


def cited_pages(sources: Iterable[str]) -> list[Markup]:
    """All pages of facts as HTML, or nothing if no source cites one."""
    if not any(link(source) for source in sources):
        return []
    return [_html(path, text) for path, text in fact_pages().items()]


def _id(page: str, heading: str) -> str:
    name = page.removeprefix(PREFIX).removesuffix(".md")
    return f"facts/{name}/{heading}"


def _html(path: str, text: str) -> Markup:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    for token, inner in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _id(path, anchor(inner.content)))
        _link_inside(token, path)
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704  # our own pages


def _link_inside(token: Token, path: str) -> None:
    """Links between the pages lead to their places in the report."""
    for child in token.children or ():
        href = child.attrGet("href")
        if child.type == "link_open" and isinstance(href, str):
            page, _, heading = href.partition("#")
            page = PREFIX + page if page else path
            known = fact_headings().get(page, {})
            child.attrSet("href", "#" + _id(page, heading or next(iter(known), "")))
