"""Which modules hold no doctests here: those that only real MindSpore can import, where it is missing."""

from importlib.util import find_spec

REAL = [f"src/calando/migrate/{name}.py" for name in ("assigned", "prove/loans", "scaler_state")]
collect_ignore = [] if find_spec("mindspore") else REAL
