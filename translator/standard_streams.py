"""The standard streams of a process that was started without one of them."""

import os
import sys


def open_closed_streams() -> None:
    """Open the null device in place of each standard stream that was closed (`<&-`, `>&-`).

    So reading gives an empty input, and no other file gets the descriptor of a standard stream.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
