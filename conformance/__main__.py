"""`python -m conformance`."""

from conformance.cli import main

if __name__ == "__main__":  # not in worker processes that import it anew
    main(prog_name="python -m conformance")
