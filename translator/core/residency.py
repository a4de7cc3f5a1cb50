"""Where a project's data lives decides which host everything goes to.

doc#sending-data-to-mixpanels-european-union-endpoint. The classic integration knew one host only;
the EU setting is nevertheless honoured under every rule set, because data of an EU project that is
sent to the US host is lost (decision:residency).
"""

HOSTS = {"us": "https://api.mixpanel.com", "eu": "https://api-eu.mixpanel.com"}
"""Ingestion host of each residency that the settings can express."""


def host(*, european_union: bool) -> str:
    """Base URL for every endpoint of the project."""
    return HOSTS["eu" if european_union else "us"]
