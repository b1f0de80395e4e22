"""Optimizers of MindSpore's model zoo (``zoo/``) and what they import: the same files in MindSpore and in calando."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from mindspore_front.kinds import PARAMS, SLOTS, distance, noises, started

ZOO = {
    "adam_weight_decay_op": "AdamWeightDecayOp", "adan": "Adan", "lamb": "Lamb", "lion": "Lion", "warm_sgd": "WarmSGD",
}  # fmt: skip
SHAPES = {"fc.weight": (4, 3), "bn.gamma": (5,), "fc.bias": (4,)}
FRESH = count()
LISTED = [0.05, 0.04, 0.03, 0.02]
SETTINGS = {
    "plain": lambda params, nn: (params, {"weight_decay": 0.1}),
    "cell": lambda params, nn: (params, {"learning_rate": nn.ExponentialDecayLR(0.05, 0.5, 2)}),
    "list": lambda params, nn: (params, {"learning_rate": LISTED}),
    "groups": lambda params, nn: ([{"params": params[:1], "weight_decay": 0.1}, {"params": params[1:]}], {}),
    "rates": lambda params, nn: ([{"params": params[1:]}, {"params": params[:1], "lr": 0.02}], {}),
}


def zoo(stem, ours, folder):
    """A file of the zoo; MindSpore compiles functions by their source, so it is one on disk."""
    text = (Path(__file__).parent / "zoo" / f"{stem}.py").read_text(encoding="utf-8")
    path = folder / f"{stem}_{'calando' if ours else 'mindspore'}.py"
    path.write_text(text.replace("mindspore", "calando.mindspore") if ours else text, encoding="utf-8")
    module = sys.modules[path.stem] = module_from_spec(spec_from_file_location(path.stem, path))
    module.__spec__.loader.exec_module(module)
    return getattr(module, ZOO[stem])


def played(stem, setting, library, ours, prefix, folder):
    """Everything that is in the optimizer's checkpoint after four steps."""
    params = [library.Parameter(library.Tensor(a), name=prefix + n) for n, a in started(3, shapes=SHAPES).items()]
    given, options = SETTINGS[setting](params, library.nn)
    optimizer = zoo(stem, ours, folder)(given, **options)
    for noise in noises(4, shapes=SHAPES):
        optimizer(tuple(library.Tensor(noise[p.name.removeprefix(prefix)]) for p in optimizer.parameters))
    return {name: np.array(p.asnumpy()) for name, p in optimizer.parameters_dict().items()}


@pytest.mark.parametrize(
    "stem, setting",
    [
        (stem, setting)
        for stem in ZOO
        for setting in (SETTINGS if stem == "adam_weight_decay_op" else ("plain", "rates"))
    ],
)
def test_the_same_file_on_both(stem, setting, mindspore, torch, tmp_path):
    import calando.mindspore as ms

    prefix = f"zoo{next(FRESH)}."
    theirs = played(stem, setting, mindspore, False, prefix, tmp_path)
    ours = played(stem, setting, ms, True, prefix, tmp_path)
    assert list(ours) == list(theirs)
    for name, there in theirs.items():
        assert ours[name].shape == there.shape
        assert distance(ours[name], there) <= (PARAMS if name.startswith(prefix) else SLOTS), name


CHECKS = [
    *[f"check_float_range({x}, 0.0, 1.0, v.{rel}, 'beta1', 'Own')" for x in (0.0, 0.5, 1.0, 1, True)
      for rel in ("INC_NEITHER", "INC_LEFT", "INC_RIGHT", "INC_BOTH")],
    *[f"check_{word}({x}, 'eps', 'Own')" for x in ("1.0", "-1.0", "0.0", "1", "0", "-1", "True", "'x'", "float('inf')")
      for word in ("positive_float", "non_negative_float", "positive_int", "non_negative_int", "is_float", "bool")],
    *[f"check_value_type('b', {x}, {types}, 'Own')" for x in ("1", "1.0", "True", "None")
      for types in ("float", "[int, float]", "[bool]", "(int,)")],
    *[f"check_number_range({x}, 0, 3, v.INC_LEFT, int, 'k', 'Own')" for x in (0, 3, 1.0)],
    *[f"check_int_range({x}, 0, 3, v.INC_RIGHT, 'k', 'Own')" for x in (0, 3, 1.0)],
    *[f"check_{kind}({x}, 2, v.{rel}, 'k', 'Own')" for kind in ("int", "float") for x in (1, 2.5, 2)
      for rel in ("EQ", "NE", "LT", "LE", "GT", "GE")],
    *[f"check_string({x}, ['a', 'b'], 'k', 'Own')" for x in ("'a'", "'c'", "1")],
]  # fmt: skip


def outcome(check, v):
    try:
        return eval(f"v.{check}", {"v": v})
    except Exception as problem:
        return type(problem).__name__


def test_their_checks_of_arguments(mindspore):
    """Values and types of errors."""
    from calando.mindspore import _checkparam as ours

    theirs = __import__("mindspore._checkparam")._checkparam
    different = {check for check in CHECKS if repr(outcome(check, ours)) != repr(outcome(check, theirs))}
    assert different == set()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_ones_own(reduction, mindspore, torch):
    """The example of MindSpore's documentation, weighted too."""
    import calando.mindspore as ms

    def found(library):
        class Distance(library.nn.LossBase):
            def construct(self, logits, labels):
                x = library.ops.Abs()(logits - labels)
                return self.get_loss(x), self.get_loss(x, library.Tensor(np.array([1, 2, 0.5], "f4"))), self.get_axis(x)

        shapes = np.array([[1, 2, 3], [4, 5, 6]], "f4"), np.array([[1, 4, 3], [4, 0.5, 6]], "f4")
        plain, weighted, axes = Distance(reduction)(*map(library.Tensor, shapes))
        return np.array(plain.asnumpy()), np.array(weighted.asnumpy()), axes

    (plain, weighted, axes), (real, heavy, all_axes) = found(ms), found(mindspore)
    assert axes == all_axes and plain.shape == real.shape
    np.testing.assert_allclose(plain, real, rtol=1e-6)
    np.testing.assert_allclose(weighted, heavy, rtol=1e-6)


def test_seeds_and_constants(torch):
    from calando.mindspore.ops.primitive import constexpr

    import calando.mindspore as ms

    ms.set_seed(7)
    assert ms.get_seed() == 7
    for seed, error in ((-1, ValueError), ("x", TypeError), (True, TypeError), (1.0, TypeError)):
        with pytest.raises(error, match="For 'set_seed': 'seed' must be a whole number from 0 on, but got"):
            ms.set_seed(seed)
    assert ms.get_seed() == 7
    assert constexpr(len)([1]) == constexpr(reuse_result=False)(len)([1]) == 1
