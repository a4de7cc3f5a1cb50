"""All pages of the inspector as one blueprint."""

from flask import Blueprint

from mock_mixpanel.backend import Backend
from mock_mixpanel.inspector.control_pages import ControlPages
from mock_mixpanel.inspector.pages import RecordPages
from mock_mixpanel.inspector.people_pages import PeoplePages
from mock_mixpanel.inspector.site import Site, blueprint


def inspector_pages(backend: Backend) -> Blueprint:
    """The pages of a server, to be registered under `/_mock/ui`."""
    site = Site(backend)
    control = ControlPages(site)
    views = RecordPages(site).views() | PeoplePages(site).views() | control.views()
    return blueprint(site, views, control.actions())
