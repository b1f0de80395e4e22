"""Makes ``torch_pairs`` importable; skips the folder where PyTorch is not installed."""

import sys
from pathlib import Path

import pytest

# "torch.optim", not "torch": a folder of this name beside the tests can be imported as an empty package.
pytest.importorskip("torch.optim", reason="PyTorch is not installed: nothing to compare with")
sys.path.insert(0, str(Path(__file__).parent))
