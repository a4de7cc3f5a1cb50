"""The errors of the suite, each with its exit code; a failed scenario has exit code 1.

spec/     DataError     a scenario or capture file is wrong                   2
spec/     UsageError    the command line names something that does not exist  2
runner/   EngineError   the suite itself failed                               3
targets/  DriverBroken  the driver between a target and the suite failed      3
"""

EXIT_CONFORMANT, EXIT_FAILURES, EXIT_USAGE, EXIT_ENGINE = 0, 1, 2, 3
EXIT_INTERRUPTED = 130
"""The status that shells use for a program that Ctrl-C ended."""


class DataError(Exception):
    """A data file is wrong. The text names the file, the place and what to do."""


class UsageError(Exception):
    """The command line names something that does not exist."""


class EngineError(Exception):
    """The engine failed, so nothing can be said about the translator."""


class DriverBroken(EngineError):
    """The connection to a target is broken, so its translator cannot be judged.

    The text has the request, the actual response, and the error stream of the driver.
    """
