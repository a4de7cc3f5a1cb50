"""Every page that the project writes has a policy that allows no script but the page's own."""

import re
from pathlib import Path

import pytest

import conformance
from conformance.reports.templates import script

PACKAGE = Path(conformance.__file__).parent
TEMPLATES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for pattern in ("*.html", "*.j2")
    for path in PACKAGE.rglob(pattern)
)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')


def test_all_pages_are_found() -> None:
    """The test below looks at the pages of a run, a comparison and a migration."""
    assert TEMPLATES == [
        "migration/report.html.j2",
        "regression/report.html.j2",
        "reports/report.html",
    ]


@pytest.mark.parametrize("name", TEMPLATES)
def test_policy(name: str) -> None:
    """The policy forbids everything and allows the page's styles and its one script, by hash."""
    page = (PACKAGE / name).read_text()
    [policy] = POLICY.findall(page)
    assert policy.split("; ") == [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "script-src 'sha256-{{ script.hash }}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert re.findall(r"<script[^>]*>.*?</script>", page, re.DOTALL) == [
        "<script>{{ script.text | safe }}</script>"
    ]
    assert page.index("Content-Security-Policy") < page.index("<style")
    assert re.findall(r"\son\w+=|javascript:", page) == []


def test_hash_of_a_script() -> None:
    """The hash is that of the text as it stands in the page, as browsers compute it."""
    found = script("reports", "report.js")
    assert len(found.hash) == 44
    assert "</script" not in found.text.lower()
