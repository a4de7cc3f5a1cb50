"""All pages of the inspector as one blueprint."""

from flask import Blueprint

from mock_mixpanel.backend import Backend
from mock_mixpanel.inspector.pages.control import ControlPages
from mock_mixpanel.inspector.pages.messages import MessagePages
from mock_mixpanel.inspector.pages.people import PeoplePages
from mock_mixpanel.inspector.pages.records import RecordPages
from mock_mixpanel.inspector.site import MessageReader, Site, blueprint


def inspector_pages(backend: Backend, messages: MessageReader | None = None) -> Blueprint:
    """The pages of a server, to be registered under `/_mock/ui`.

    `messages` reads those of a gateway that runs in the same process.
    """
    site = Site(backend, messages)
    gateway = MessagePages(site, messages) if messages else None
    control = ControlPages(site)
    views = RecordPages(site, gateway).views() | PeoplePages(site).views() | control.views()
    if gateway:
        views |= gateway.views()
    return blueprint(site, views, control.actions())
