"""The host of a project, which its data residency decides.

doc#sending-data-to-mixpanels-european-union-endpoint. The classic integration had one host.
The EU setting holds under every rule set all the same, because data of an EU project that is sent
to the US host is lost (decision:residency).
"""

HOSTS = {"us": "https://api.mixpanel.com", "eu": "https://api-eu.mixpanel.com"}
"""Ingestion host of each residency that the settings can express."""


def host(*, european_union: bool) -> str:
    """Base URL for every endpoint of the project."""
    return HOSTS["eu" if european_union else "us"]
