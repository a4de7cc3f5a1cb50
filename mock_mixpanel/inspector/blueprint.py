"""All pages of the inspector as one blueprint."""

from flask import Blueprint

from mock_mixpanel.backend import World
from mock_mixpanel.inspector.pages import RecordPages
from mock_mixpanel.inspector.site import Site, blueprint


def inspector_pages(world: World) -> Blueprint:
    """The pages of a server, to be registered under `/_mock/ui`."""
    site = Site(world)
    return blueprint(site, RecordPages(site).views(), {})
