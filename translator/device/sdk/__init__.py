"""A model of mixpanel-js: calls in, the requests that the browser would send out.

It knows no network, clock or randomness: the moment, the random ids and what the page knows of its
browser are arguments. Source: docs/facts/device-mode.md#web-requests-of-mixpanel-js;
`tests/clients` compares it with the genuine library. Not modelled: opting out, Do Not Track,
crawlers, autocapture, recordings, flags.
"""

from translator.device.sdk.browser import Browser
from translator.device.sdk.client import MixpanelJs
from translator.device.sdk.entropy import Entropy
from translator.device.sdk.wire import WireRequest

__all__ = ["Browser", "Entropy", "MixpanelJs", "WireRequest"]
