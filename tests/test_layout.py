"""The rooms of the app; test_project.py checks their order with `lint-imports`."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import maintenance_windows

pytestmark = pytest.mark.any_database

APP = Path(maintenance_windows.__file__).parent
MOST_FLAT = 18


def test_app_has_at_most_eighteen_flat_modules():
    flat = {file.stem for file in APP.glob("*.py")} - {"__init__"}
    assert len(flat) <= MOST_FLAT, sorted(flat)


def test_imports_form_no_circle():
    """Imports for type checking count, because readers follow them too."""
    graph = grimp.build_graph(
        "maintenance_windows", exclude_type_checking_imports=False, cache_dir=None
    )
    imports = {
        module: graph.find_modules_directly_imported_by(module)
        for module in graph.modules
        if not module.startswith("maintenance_windows.migrations")
    }
    assert len(imports) > MOST_FLAT
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def test_module_names_are_specific():
    names = {file.stem for file in APP.rglob("*")}
    assert names.isdisjoint({"common", "helpers", "misc", "utils"})
