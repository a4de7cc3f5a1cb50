"""What can go wrong beside a scenario that fails, and the exit code of each.

loader.py, sources.py   DataError     a scenario or capture file is wrong          2
target.py, select.py    UsageError    what was asked for does not exist            2
replay.py               EngineError   the suite itself broke, nobody's fault       3
driver.py, protocol.py  DriverBroken  what connects a target to the suite broke    3
"""

EXIT_CONFORMANT, EXIT_FAILURES, EXIT_USAGE, EXIT_ENGINE = 0, 1, 2, 3
EXIT_INTERRUPTED = 130
"""As shells tell it of a program that Ctrl-C ended."""


class DataError(Exception):
    """A data file is wrong. The text names the file, the place and what to do."""


class UsageError(Exception):
    """The command line asks for something that is not there."""


class EngineError(Exception):
    """The engine failed, so nothing can be said about the translator."""


class DriverBroken(EngineError):
    """What connects a target to the suite is broken, so nothing can be said about its translator.

    The text says what was asked, what came instead, and what the driver wrote to its error stream.
    """
