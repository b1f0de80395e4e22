"""Which modules hold no doctests here: those that only real MindSpore can import, where it is missing."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("mindspore") else ["src/calando/migrate/assigned.py"]
