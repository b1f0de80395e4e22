"""Metrics of drawn batches beside those of live MindSpore."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="PyTorch is not installed: metrics read its Tensors")

OURS, THEIRS = "calando.mindspore", "mindspore"


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([(), (3,), (2, 3)]))
def test_metrics_of_drawn_batches(mindspore, seed, batches, rest):
    ours, theirs = (importlib.import_module(f"{name}.train") for name in (OURS, THEIRS))
    rng = np.random.default_rng(seed)
    for name in ("Accuracy", "MAE", "MSE", "Loss"):
        here, there = getattr(ours, name)(), getattr(theirs, name)()
        for _ in range(batches):
            outputs = rng.standard_normal((5, 4, *rest)).astype("f4")
            labels = rng.integers(0, 4, (5, *rest)) if name == "Accuracy" else outputs + rng.random(outputs.shape)
            inputs = (rng.standard_normal(5),) if name == "Loss" else (outputs, labels)
            here.update(*inputs), there.update(*inputs)
        assert here.eval() == pytest.approx(float(there.eval()), rel=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans())
def test_metrics_of_classes_of_drawn_batches(mindspore, seed, batches, encoded):
    """Also where a class is never there, and with one-hot labels."""
    ours, theirs = (importlib.import_module(f"{name}.train") for name in (OURS, THEIRS))
    rng = np.random.default_rng(seed)
    for name, given_ in (
        ("Precision", ()), ("Recall", ()), ("F1", ()), ("Fbeta", (0.5,)), ("TopKCategoricalAccuracy", (2,)),
        ("Top1CategoricalAccuracy", ()), ("Top5CategoricalAccuracy", ()),
    ):  # fmt: skip
        here, there = getattr(ours, name)(*given_), getattr(theirs, name)(*given_)
        for _ in range(batches):
            outputs, labels = rng.standard_normal((5, 6)).astype("f4"), rng.integers(0, 4, 5)
            inputs = (outputs, np.eye(6)[labels] if encoded else labels)
            here.update(*inputs), there.update(*inputs)
        np.testing.assert_allclose(here.eval(), there.eval(), rtol=1e-12)
        if hasattr(here, "shares"):
            assert here.eval(average=True) == pytest.approx(there.eval(True))
