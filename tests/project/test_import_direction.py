"""The direction of imports: each package has layers, and imports go down only."""

from pathlib import Path

import pytest

from tests.project.paths import ROOT
from tests.project.test_boundaries import imports, modules

LAYERS: dict[str, tuple[set[str], ...]] = {
    "translator": (
        {"__main__"},
        {"cli"},
        {"commands"},
        {"reference"},
        {"engage", "gateway", "spark"},
        {"sender"},
        {"options"},
        {"bulk", "__init__"},
        {"device"},
        {"cloud"},
        {"core"},
        {"bulk_workers", "compression", "garbage_collection", "standard_streams", "suggestions"}
        | {"terminal_text", "yaml_text"},
    ),
    "translator.core": (
        {"message"},
        {"message_shape"},
        {"message_fields"},
        {"compiled_settings"},
        {"properties"},
        {"residency", "rules", "schema", "settings"},
        {"device_rules"},
        {"rule"},
        {"values"},
        {"errors"},
        {"__init__", "bounded_cache", "operations"},
    ),
    "translator.gateway": (
        {"__init__", "cli"},
        {"run"},
        {"shutdown", "startup"},
        {"http"},
        {"sources"},
        {"intake"},
        {"delivery"},
        {"translation"},
        {"messages"},
    ),
    "mock_mixpanel": (
        {"__main__"},
        {"cli", "pytest_plugin"},
        {"__init__", "client"},
        {"serving"},
        {"app"},
        {"inspector"},
        {"control", "readback"},
        {"ingest"},
        {"backend"},
        {"state"},
        {"simulation"},
        {"projects"},
        {"log"},
        {"garbage_collection", "json_values", "suggestions"},
    ),
    "conformance": (
        {"mockpanel"},
        {"__main__"},
        {"cli", "pytest_plugin"},
        {"migration", "parity"},
        {"commands", "mutants", "regression"},
        {"corpus"},
        {"reports"},
        {"runner"},
        {"targets"},
        {"spec", "__init__"},
        {"command_errors", "output_files"},
        {"errors", "lazy_group"},
    ),
}
"""The folders and top-level modules of each package, from the top layer to the bottom layer; also
those of a folder that has stages of its own. A module imports only from layers below its own."""

EXCEPTIONS = {
    ("mock_mixpanel.app", "serving"): "the application adds the same CORS headers as the server",
    ("mock_mixpanel.control.calls", "__init__"): "reports the version",
    ("mock_mixpanel.simulation.fault_actions", "ingest"): "a fault answers with a reply",
    ("mock_mixpanel.simulation.scheduler", "state"): "a pending link is what takes effect later",
    ("conformance.runner.command", "reports"): "the command writes the reports",
    ("conformance.runner.output", "reports"): "the files of the command `run` are reports",
    ("conformance.spec.scenarios.selection", "runner"): "selects captures as well as scenarios",
    ("conformance.targets.servers.black_box", "runner"): "waits until the mock got everything",
    ("conformance.targets.target", "runner"): "a target gets the address of the mock",
}
"""(module, folder or module that it imports) -> why this import goes up."""


def _folder(package: str) -> Path:
    return ROOT.joinpath(*package.split("."))


def unit(package: str, name: str) -> str | None:
    """The folder or top-level module of the package that a dotted name is in."""
    if name != package and not name.startswith(f"{package}."):
        return None
    part = name[len(package) + 1 :].partition(".")[0]
    folder = _folder(package)
    return part if (folder / part).is_dir() or (folder / f"{part}.py").is_file() else "__init__"


def layer_of(package: str) -> dict[str, int]:
    return {name: index for index, layer in enumerate(LAYERS[package]) for name in layer}


def upward_imports(package: str) -> set[tuple[str, str]]:
    """Every import of a layer that is not below that of the importing module."""
    layers = layer_of(package)
    found = set()
    for path in modules(package.replace(".", "/")):
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        module = dotted.removesuffix(".__init__")
        own = unit(package, module) if module != package else "__init__"
        for name in imports(path):
            imported = unit(package, name)
            if own not in layers or imported not in layers or imported == own:
                continue  # test_every_folder_has_a_layer reports units without a layer
            if layers[imported] <= layers[own]:
                found.add((module, imported))
    return found


@pytest.mark.parametrize("package", LAYERS)
def test_every_folder_has_a_layer(package: str) -> None:
    """Every folder and top-level module has a layer."""
    units = {
        path.relative_to(_folder(package)).parts[0].removesuffix(".py")
        for path in modules(package.replace(".", "/"))
    }
    assert units - set(layer_of(package)) == set()


@pytest.mark.parametrize("package", LAYERS)
def test_imports_go_down(package: str) -> None:
    """A folder imports only from the layers below it, with the listed exceptions."""
    assert upward_imports(package) - set(EXCEPTIONS) == set()


def test_the_scan_sees_an_import_that_goes_up() -> None:
    """The scan finds the listed exceptions, so it would find others."""
    everything = {each for package in LAYERS for each in upward_imports(package)}
    assert everything & set(EXCEPTIONS) != set()
