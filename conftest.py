"""Which modules hold no doctests here: those that only real MindSpore can import, where it is missing."""

from importlib.util import find_spec

REAL = ["src/calando/migrate/assigned.py", "src/calando/migrate/prove/loans.py"]
collect_ignore = [] if find_spec("mindspore") else REAL
