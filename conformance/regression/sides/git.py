"""Run git in the working folder's repository."""

import subprocess

from conformance.errors import EngineError, UsageError


def run_git(*arguments: str, ref: str) -> bytes:
    """Standard output of a git command; `ref` is the REF it is run for, to name in errors.

    Raises UsageError with git's own text if git fails, EngineError if git cannot be started.
    """
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise EngineError(f"{ref}: git cannot be started: {error}") from error
    if done.returncode:
        raise UsageError(f"{ref}: git says: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def commit_of(revision: str, *, ref: str) -> str:
    """The commit id of a branch, tag or commit. Raises like `run_git`."""
    name = f"{revision}^{{commit}}"
    found = run_git("rev-parse", "--verify", "--end-of-options", name, ref=ref)
    return found.decode().strip()


def file_at(revision: str, path: str, *, ref: str) -> str:
    """The text of a file in a revision. `path` starts at the repository's root, as for git.

    A path that starts with `./` starts at the working folder. Raises UsageError if the revision or
    the file does not exist, or the file is not text in UTF-8.
    """
    commit = commit_of(revision, ref=ref)
    try:
        data = run_git("cat-file", "blob", f"{commit}:{path}", ref=ref)
    except UsageError as error:
        hint = "a path starts at the root of the repository; write ./NAME for the working folder"
        raise UsageError(f"{error} ({hint})") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{ref}: the file is not text in UTF-8: {error}") from error
