"""A local Mixpanel: accepts requests, validates each record, and shows the resulting state."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_mixpanel.app import create_app
    from mock_mixpanel.projects.config import Config
    from mock_mixpanel.serving.server import Server

__version__ = "0.1.0"

__all__ = ["Config", "Server", "create_app"]

_HOMES = {
    "Config": "mock_mixpanel.projects.config",
    "Server": "mock_mixpanel.serving.server",
    "create_app": "mock_mixpanel.app",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: pytest imports this package in every run."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
