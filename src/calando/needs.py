"""What is not installed, and how to install it."""

from importlib.util import find_spec

PACKAGES = {"sklearn": "scikit-learn"}  # module → package, where the names differ


def need(*modules: str, what: str, extra: str) -> None:
    """Raise ModuleNotFoundError, saying what to install, unless all modules are there; none is loaded.

    Args:
        what: what is in need of them: ``"calando train"``.
        extra: of calando's own, with which they come: ``"train"``.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        packages = ", ".join(PACKAGES.get(name, name) for name in missing)
        told = f"{what} needs {packages}; install it with: pip install 'calando[{extra}]'"
        raise ModuleNotFoundError(told, name=missing[0])
