"""The generators of several threads' savings are asked in turn."""

import subprocess
import sys

import pytest

pytest.importorskip("mindspore", reason="MindSpore is not installed: its generator cannot be asked")

ASKING = """
import threading
import mindspore
from calando import random_state
before = random_state.taken()
def ask():
    for _ in range(150):
        random_state.taken()
        random_state.put(before)
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("whole")
"""


def test_mindspores_generator_is_asked_by_one_thread_at_a_time():
    """Two at once wait for each other for ever: in a process of its own, which can be ended."""
    told = subprocess.run([sys.executable, "-c", ASKING], capture_output=True, text=True, timeout=120)
    assert told.stdout.strip().endswith("whole"), told.stderr
