"""Without PyTorch only calando's own file can be tested."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_saving_*.py", "test_store_resume.py"]
