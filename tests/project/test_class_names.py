"""A public class name has one meaning in the repository."""

import ast
from collections import defaultdict

from tests.project.paths import PACKAGES, ROOT

ALLOWED = {
    "Certificate": "the packages do not import each other; both serve https",
    "Operation": "the inspector shows operations of the translator, which it must not import",
    "TlsError": "the packages do not import each other; both serve https",
}
"""Names of classes in several modules, each with the reason."""


def test_public_class_names() -> None:
    """A public class name is defined in one module of the packages, except for a few names."""
    modules = defaultdict(list)
    for path in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].append(path.relative_to(ROOT).as_posix())
    repeated = {name: paths for name, paths in modules.items() if len(paths) > 1}
    assert sorted(repeated) == sorted(ALLOWED), f"rename a class: {repeated}"
