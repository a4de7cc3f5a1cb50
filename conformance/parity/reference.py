"""The mock that another Mixpanel is compared with."""

from collections.abc import Sequence

from conformance.errors import EngineError
from conformance.parity.access import ProjectAccess
from conformance.parity.observation import Observation, Run, observe
from conformance.parity.probe import Probe
from conformance.parity.service import Service
from mock_mixpanel import Config, Server


def observe_mock(
    probes: Sequence[Probe], access: ProjectAccess, run: Run
) -> dict[str, Observation]:
    """The observations of all probes at a fresh mock. Raises EngineError if one fails.

    As in Mixpanel, a token that is not the project's makes no project.
    """
    config = Config(projects=(access.mock_project(),), strict_projects=True)
    with Server(config, eu_port=0, in_port=0) as server:
        # The dates of a run that passes midnight are then the same for both.
        server.backend.clock.change(now=run.now)
        service = Service.at(server.urls[access.region], access)
        try:
            found = observe(service, probes, run)
        finally:
            service.close()
    for probe_id, observation in found.items():
        if observation.failure:
            raise EngineError(f"the mock failed at probe {probe_id}: {observation.failure}")
    return found
