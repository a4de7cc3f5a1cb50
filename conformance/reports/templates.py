"""Templates for untrusted values: everything is escaped."""

import base64
from hashlib import sha256
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined

from conformance.spec.data import read

_environment = Environment(
    autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


class Script(NamedTuple):
    """The script of a page, and its hash as a Content-Security-Policy names it."""

    text: str
    hash: str


def script(*path: str) -> Script:
    """The script in a data file, such as `script("reports", "report.js")`."""
    text = read(*path)
    return Script(text, base64.b64encode(sha256(text.encode()).digest()).decode())


def render(template: str, **values: Any) -> str:
    """The template with its values, each escaped for HTML and XML."""
    return _environment.from_string(template).render(**values)
