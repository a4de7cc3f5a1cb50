"""Opens output files before the work begins, so that a path that cannot be written fails at
once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.errors import UsageError


def prepare_file(option: str, path: Path) -> None:
    """Make sure that a file can be written, without changing it. Raises UsageError."""
    with writing(option, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()


def prepare_folder(option: str, path: Path) -> None:
    """Make sure that files can be made in a folder, which is made. Raises UsageError."""
    with writing(option, path):
        path.mkdir(parents=True, exist_ok=True)
        probe = path / ".mockpanel"
        probe.open("ab").close()
        probe.unlink()


@contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Turn an OSError of the block, such as a full disk, into a UsageError that names the option.

    `path` is the file or folder of the option.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(f"{option} {path} cannot be written: {error.strerror}") from error
