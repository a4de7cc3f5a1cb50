"""The translator of a git revision, in a folder of its own."""

import io
import shlex
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from conformance.errors import EngineError, UsageError
from conformance.regression.refs import Ref

PACKAGE = "translator"
DRIVER = Path(__file__).with_name("revision_driver.py")


@contextmanager
def checked_out(ref: Ref) -> Iterator[Ref]:
    """A REF that can be asked: `git:REV` becomes the command of a driver, until the context ends.

    The repository is that of the working folder; nothing in it is touched. Raises UsageError if
    there is no such repository or revision, or no translator in it.
    """
    if ref.git is None:
        yield ref
        return
    commit = _git("rev-parse", "--verify", "--end-of-options", f"{ref.git}^{{commit}}", of=ref)
    root = _git("rev-parse", "--show-toplevel", of=ref)
    with tempfile.TemporaryDirectory(prefix="revision-") as folder:
        _extract(root.decode().strip(), commit.decode().strip(), Path(folder), ref)
        # -P: nothing but the revision's folder and what is installed can be imported.
        command = shlex.join([sys.executable, "-P", str(DRIVER), folder])
        yield replace(ref, command=command)


def _extract(root: str, commit: str, folder: Path, ref: Ref) -> None:
    archive = _git("-C", root, "archive", "--format=tar", commit, PACKAGE, of=ref)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def _git(*arguments: str, of: Ref) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise EngineError(f"{of.name}: git cannot be started: {error}") from error
    if done.returncode:
        raise UsageError(f"{of.name}: git says: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
