"""`python -m mock_mixpanel`."""

from mock_mixpanel.cli import main

main(prog_name="mock-mixpanel")
