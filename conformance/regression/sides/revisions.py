"""The translator of a git revision, in a temporary folder of its own."""

import io
import shlex
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conformance.errors import UsageError
from conformance.regression.sides.git import commit_of, run_git
from conformance.regression.sides.refs import Ref

PACKAGE = "translator"
DRIVER = Path(__file__).with_name("revision_driver.py")


@contextmanager
def checked_out(ref: Ref) -> Iterator[Ref]:
    """A REF that can be started: `git:REV` becomes the command of a driver in the context.

    The repository is that of the working folder; nothing in it is changed. Raises UsageError if the
    repository or revision does not exist, or has no translator.
    """
    if ref.git is None:
        yield ref
        return
    commit = commit_of(ref.git, ref=ref.name)
    root = run_git("rev-parse", "--show-toplevel", ref=ref.name).decode().strip()
    with tempfile.TemporaryDirectory(prefix="revision-") as folder:
        _extract(root, commit, Path(folder), ref)
        # -P: only the revision's folder and the installed packages can be imported.
        command = shlex.join([sys.executable, "-P", str(DRIVER), folder])
        yield replace(ref, command=command)


def _extract(root: str, commit: str, folder: Path, ref: Ref) -> None:
    if not run_git("-C", root, "ls-tree", commit, f"{PACKAGE}/__init__.py", ref=ref.name):
        raise UsageError(
            f"{ref.name}: this revision has no folder {PACKAGE!r}, so it is not a revision of this "
            "project; to compare a mapping file of your own repository write git:REV:PATH"
        )
    archive = run_git("-C", root, "archive", "--format=tar", commit, PACKAGE, ref=ref.name)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
