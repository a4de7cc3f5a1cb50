"""A model of mixpanel-js: it turns calls into the requests that the browser would send.

It uses no network, clock or randomness: the time, the random ids and the facts about the browser
are arguments. Source: docs/facts/device-mode.md#web-requests-of-mixpanel-js;
`tests/clients` compares it with the genuine library. Not modelled: opt-out, Do Not Track,
crawlers, autocapture, recordings, flags.
"""

from translator.device.sdk.browser import Browser
from translator.device.sdk.client import MixpanelJs
from translator.device.sdk.entropy import Entropy
from translator.device.sdk.wire import WireRequest

__all__ = ["Browser", "Entropy", "MixpanelJs", "WireRequest"]
