"""Describing costs no framework."""

import subprocess
import sys

import calando.schedules


def test_importing_schedules_loads_neither_torch_nor_mindspore_nor_numba():
    code = (
        "import sys, calando.schedules; print(*(set(sys.modules) & {'torch', 'mindspore', 'numba', 'click', 'scipy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_is_visible_is_what_is_announced():
    from types import ModuleType

    visible = [
        name
        for name, value in vars(calando.schedules).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    ]
    assert calando.schedules.__all__ == sorted(visible)


def test_a_module_may_be_loaded_anew():
    """As notebooks do it; a class of that name from elsewhere is refused."""
    code = (
        "import importlib, calando.schedules.linear as module; old = module.Linear; importlib.reload(module); "
        "new = module.Linear(0.0, 1.0, steps=2); print(new.to_dict()['schedule'], type(new) is not old)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["Linear", "True"]
