"""The guide's eleven MindSpore blocks run as they are printed, with ``import mindspore`` read as ``calando.mindspore``.

Slips of the guide's own (``opt``, ``optimizer``, ``step_per_epoch`` and ``self.learning_rate`` that nobody defines,
``nn.Dense(x)``) give the error that is quoted here, and the mended blocks run. Numbers are the guide's formulas.
"""

import sys
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest

from guide.blocks import BLOCKS, batch, mindspore_names, read_as, values

OURS, THEIRS = "calando.mindspore", "mindspore"
MENDED = {
    5: [("opt,", "optimizer,")],
    6: [("(opt,", "(optimizer,")],
    7: [("optim =", "optimizer =")],
    9: [("// step_per_epoch", "// self.step_per_epoch"), ("self.learning_rate *", "self.lr *")],
    10: [("out = nn.Dense(x)", "out = self.fc(x)")],
}

pytestmark = pytest.mark.usefixtures("torch")


def mended(number):
    code = BLOCKS["mindspore", number]
    for slip, meant in MENDED.get(number, []):
        assert code.count(slip) == 1
        code = code.replace(slip, meant)
    return code


def run(code, library=OURS, **names):
    """Everything that is defined after a block has run."""
    room = {**mindspore_names(library, names.pop("optimizer", None)), **names}
    exec(read_as(library, code), room)
    return room


def momentum(names):
    return names["nn"].Momentum(names["params"], learning_rate=0.1, momentum=0.9)


def trained(room, steps):
    """Losses of the block's own train_step, over fixed batches."""
    tensor = room["mindspore"].Tensor
    return [float(room["train_step"](*map(tensor, batch(step))).asnumpy()) for step in range(steps)]


def test_there_are_eleven():
    assert [number for side, number in BLOCKS if side == "mindspore"] == [*range(1, 12)]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 8, 10, 11])
def test_runs_as_printed(number):
    run(BLOCKS["mindspore", number])


@pytest.mark.parametrize("number", [5, 7])
def test_runs_as_printed_with_an_optimizer_on_the_table(number):
    run(BLOCKS["mindspore", number], optimizer=momentum)


@pytest.mark.parametrize("number, name", [(5, "opt"), (6, "opt"), (7, "optimizer"), (9, "step_per_epoch")])
def test_a_name_that_nobody_defines(number, name):
    run(mended(5), save_path="opt.ckpt")
    with pytest.raises(NameError, match=f"name '{name}' is not defined"):
        run(BLOCKS["mindspore", number])


@pytest.mark.parametrize("number", range(1, 12))
def test_the_mended_block_runs(number):
    run(mended(5), save_path="opt.ckpt")
    run(mended(number))


def test_an_attribute_that_nobody_assigned():
    with pytest.raises(AttributeError, match="'DynamicDecayLR' has no attribute 'learning_rate'; it has lr, step_per_"):
        run(BLOCKS["mindspore", 9], step_per_epoch=10)


def test_a_property_that_fails_keeps_its_own_error():
    names = mindspore_names(OURS)

    class Halved(names["nn"].LearningRateSchedule):
        @property
        def rate(self):
            return self.other

    with pytest.raises(AttributeError, match="'Halved' has no attribute 'other'"):
        _ = Halved().rate


# What the blocks do.


@pytest.mark.parametrize("number, options", [(1, "SGD"), (7, "Momentum")])
def test_training_steps_are_those_of_mindspore(mindspore, number, options):
    ours, theirs = run(mended(number)), run(mended(number), THEIRS)
    assert trained(ours, 4) == pytest.approx(trained(theirs, 4), rel=1e-5)
    mine, told = values(ours["net"].trainable_params()), values(theirs["net"].trainable_params())
    assert np.abs(mine - told).max() <= 1e-5 * np.abs(told).max()
    assert type(ours["optimizer"]).__name__ == options


def test_the_rate_of_block_7():
    optimizer = run(mended(7))["optimizer"]
    formula = [0.09 * (1 - step / 4) ** 0.5 + 0.01 for step in range(4)] + [0.01]
    assert optimizer.trace("lr", range(5), group=0) == pytest.approx(formula, rel=1e-12)


def test_groups_of_block_3():
    room = run(BLOCKS["mindspore", 3])
    first, rest = room["optim"].current()
    assert (first["lr"], first["weight_decay"]) == (0.02, 0.01)
    assert (rest["lr"], rest["weight_decay"]) == (0.1, 0.0)
    assert [p.name for p in room["conv_params"]] == ["conv.weight", "conv.bias"]
    assert [p.name for p in room["no_conv_params"]] == ["fc.weight", "fc.bias"]


def test_weight_decay_of_block_4():
    """MindSpore's SGD refuses it. 10000 steps divide it by ten; the gradient of 0 leaves the decay alone."""
    room = run(BLOCKS["mindspore", 4])
    optimizer, net = room["optimizer"], room["net"]
    steps = [0, 1, 5000, 10000]
    formula = [0.1 * 0.1 ** (step / 10000) for step in steps]
    assert optimizer.trace("weight_decay", steps, group=0) == pytest.approx(formula, rel=1e-6)
    before = values(net.trainable_params())
    optimizer(tuple(room["ops"].zeros_like(p) for p in optimizer.parameters))
    optimizer(tuple(room["ops"].zeros_like(p) for p in optimizer.parameters))
    after = before * (1 - 0.1 * formula[0]) * (1 - 0.1 * formula[1])
    assert values(net.trainable_params()) == pytest.approx(after, rel=1e-6)


def test_block_4_in_mindspore(mindspore):
    with pytest.raises(TypeError, match="dynamic weight decay is currently not supported"):
        run(BLOCKS["mindspore", 4], THEIRS)


def test_blocks_5_and_6_carry_the_state_over():
    saved = run(mended(5), param_groups=mindspore_names(OURS)["params"])
    assert set(saved["state_dict"]) >= {"global_step", "learning_rate", "conv.weight", "fc.bias"}
    trained_first = run(BLOCKS["mindspore", 1])
    trained(trained_first, 3)
    run(BLOCKS["mindspore", 5], opt=trained_first["optimizer"])
    fresh = run(mended(6))
    assert fresh["optimizer"].global_step.asnumpy().tolist() == [3]
    assert np.array_equal(values(fresh["params"]), values(trained_first["params"]))


@pytest.mark.parametrize("number", [8, 9])
def test_rates_of_blocks_8_and_9(number):
    optimizer = run(mended(number))["optim"]
    formula = [0.01 * (step // 10 // 5) for step in range(200)]
    assert optimizer.trace("lr", range(200), group=0) == pytest.approx(formula, rel=1e-6)
    assert [round(optimizer.at(step)["lr"], 7) for step in (0, 49, 50, 199)] == [0, 0, 0.01, 0.03]


@pytest.mark.parametrize(
    "address",
    [
        "from calando.mindspore.nn import LearningRateSchedule",
        "from calando.mindspore.nn.learning_rate_schedule import LearningRateSchedule",
    ],
)
@pytest.mark.parametrize(
    "types", ["from calando.mindspore.common import dtype as mstype", "from calando.mindspore import dtype as mstype"]
)
@pytest.mark.parametrize("operations", ["from calando.mindspore.ops import operations as P", "P = mindspore.ops"])
def test_block_9_with_its_names_from_where_people_import_them(address, types, operations):
    code = "\n".join(["import calando.mindspore as mindspore", address, types, operations, mended(9)])
    names = {key: mindspore_names(OURS)[key] for key in ("nn", "params")}
    room = run(code, **names)
    assert room["optim"].at(50)["lr"] == pytest.approx(0.01, rel=1e-6)


@pytest.mark.parametrize("divide", ["ops.cast(global_step, mstype.float32) / 2", "ops.div(global_step, 2)"])
def test_ops_in_a_schedule(divide):
    code = f"""
class Halving(nn.LearningRateSchedule):
    def construct(self, global_step):
        return 0.1 * ops.pow(0.5, {divide})

optimizer = nn.Adam(params, Halving(), weight_decay=Halving())
"""
    room = run(code)
    formula = [0.1 * 0.5 ** (step / 2) for step in range(6)]
    for name in ("lr", "weight_decay"):
        assert room["optimizer"].trace(name, range(6), group=0) == pytest.approx(formula, rel=1e-6)


def test_groups_of_block_10():
    room = run(mended(10))
    optimizer = room["opt"]
    assert [len(room[name]) for name in ("conv_weight", "bn_weight", "dense_weight", "other_param")] == [2, 4, 1, 1]
    assert [p.name for p in optimizer.parameters] == [p.name for p in room["trainable_param"]]
    cosine = [1e-3 * (1 + np.cos(np.pi * min(step // 100, 10) / 10)) / 2 for step in (0, 500, 999)]
    assert optimizer.trace("lr", (0, 500, 999), group=0) == pytest.approx(cosine, rel=1e-12)
    shown = [(group["lr"], group["weight_decay"]) for group in optimizer.current()]
    assert shown == [(1e-3, 1e-4), (1e-4, 0.0), (1e-3, 1e-5), (1e-3, 0.0)]
    x = np.random.default_rng(0).standard_normal((2, 3, 24, 24)).astype("f4")
    assert tuple(room["net"](mindspore_tensor(x)).shape) == (2, 10)


def mindspore_tensor(array):
    import calando.mindspore

    return calando.mindspore.Tensor(array)


def test_the_slip_of_block_10():
    net = run(BLOCKS["mindspore", 10])["net"]
    sentence = r"nn.Dense\(…\) makes a layer, it does not apply one. Did you mean .* self.fc\(x\)"
    with pytest.raises(TypeError, match=sentence):
        net(mindspore_tensor(np.ones((2, 3, 24, 24), "f4")))


def test_block_11_prints_what_the_guide_says(capsys):
    run(BLOCKS["mindspore", 11])
    assert capsys.readouterr().out == "0.1\n0.01\n"


# What MindSpore 2.10 does with them: docs/guide.md says so.

REFUSED = {4: TypeError, 5: TypeError, 6: TypeError}


@pytest.mark.parametrize("number", range(1, 12))
def test_the_mended_blocks_in_mindspore(mindspore, number):
    if number in REFUSED:
        with pytest.raises(REFUSED[number], match="dynamic weight decay" if number == 4 else "'lr'"):
            run(mended(number), THEIRS)
    else:
        run(mended(number), THEIRS)


def test_mindspore_finds_the_slips_of_block_9_in_the_first_step(mindspore, tmp_path, monkeypatch):
    """It compiles the step, and so reads the block's source from a file."""
    file = tmp_path / "block_9.py"
    file.write_text(BLOCKS["mindspore", 9], encoding="utf-8")
    spec = spec_from_file_location("block_9", file)
    room = module_from_spec(spec)
    vars(room).update(mindspore_names(THEIRS))
    monkeypatch.setitem(sys.modules, "block_9", room)
    spec.loader.exec_module(room)
    grads = tuple(mindspore.ops.zeros_like(p) for p in room.params)
    with pytest.raises(Exception, match="step_per_epoch"):
        room.optim(grads)
