"""What MindSpore's own functions make of an optimizer from here, which is no Cell of MindSpore's."""

import numpy as np
import pytest

from calando.mindspore import load_checkpoint, load_param_into_net, nn, save_checkpoint
from mindspore_front.checkpointed import fresh

pytestmark = pytest.mark.usefixtures("quiet")


def params_of(mindspore, shapes=((3,), (2, 4))):
    prefix = f"theirs{next(fresh)}"
    return [
        mindspore.Parameter(mindspore.Tensor(np.ones(shape, "f4")), name=f"{prefix}.{i}")
        for i, shape in enumerate(shapes)
    ]


def grads_of(mindspore, params, seed):
    rng = np.random.default_rng(seed)
    return tuple(mindspore.Tensor(rng.standard_normal(p.shape).astype("f4")) for p in params)


@pytest.mark.parametrize("way", ["save_checkpoint", "load_param_into_net", "load_checkpoint"])
def test_they_name_the_way_out_however_they_were_imported(mindspore, way, tmp_path):
    before = vars(mindspore)[way]  # as by ``from mindspore import …`` before any optimizer was built
    optimizer = nn.Adam(params_of(mindspore))
    path = str(tmp_path / "opt.ckpt")
    mindspore.save_checkpoint(optimizer.parameters_dict(), path)
    arguments = {"save_checkpoint": (optimizer, path), "load_param_into_net": (optimizer, {})}
    with pytest.raises(TypeError, match=r"^For 'Adam': mindspore\.\w+ .*calando\.mindspore\.\w+\(optimizer, …\)"):
        before(*arguments.get(way, (path, optimizer)))


def test_their_own_cells_go_on_as_before(mindspore, tmp_path):
    net = mindspore.nn.Dense(2, 1)
    nn.SGD(net.trainable_params())
    path = str(tmp_path / "net.ckpt")
    mindspore.save_checkpoint(net, path)
    assert mindspore.load_param_into_net(net, mindspore.load_checkpoint(path)) == ([], [])
    with pytest.raises(TypeError, match=r"must be nn\.Cell, list or dict, but got <class 'int'>"):
        mindspore.save_checkpoint(5, path)


def test_a_cell_that_holds_an_optimizer_is_filled_whole_or_not(mindspore, tmp_path):
    """MindSpore would fill the weights and leave the moments and the clock as they are, without a word."""
    params = params_of(mindspore)
    holder = whole_step(mindspore, nn.Momentum(params, 0.1, 0.9))
    holder.optimizer(grads_of(mindspore, params, 0))
    path = str(tmp_path / "step.ckpt")
    mindspore.save_checkpoint(holder, path)
    stored = mindspore.load_checkpoint(path)
    holder.optimizer(grads_of(mindspore, params, 1))
    later = params[0].asnumpy().copy()
    told = r"^For 'Momentum': mindspore\.load_param_into_net would fill TrainOneStepCell without .*'global_step' and"
    for loading in (
        lambda: mindspore.load_param_into_net(holder, stored),
        lambda: mindspore.load_checkpoint(path, holder),
    ):
        with pytest.raises(TypeError, match=told):
            loading()
    assert (params[0].asnumpy() == later).all()
    weights = {p.name: stored[p.name] for p in holder.trainable_params()}
    assert mindspore.load_param_into_net(holder, weights) == ([], [])  # of the weights alone it can
    load_param_into_net(holder, stored)
    assert (
        holder.optimizer.global_step.asnumpy() == 1 and (params[0].asnumpy() == stored[params[0].name].asnumpy()).all()
    )


def test_parameters_dict_makes_the_same_file(mindspore, tmp_path):
    params = params_of(mindspore)
    optimizer = nn.Momentum(params, 0.1, 0.9)
    optimizer(grads_of(mindspore, params, 0))
    mindspore.save_checkpoint(optimizer.parameters_dict(), str(tmp_path / "theirs.ckpt"))
    save_checkpoint(optimizer, tmp_path / "ours.ckpt")
    theirs, ours = (load_checkpoint(tmp_path / f"{name}.ckpt") for name in ("theirs", "ours"))
    assert list(theirs) == list(ours)
    assert all(theirs[name].asnumpy().tobytes() == ours[name].asnumpy().tobytes() for name in ours)


@pytest.mark.parametrize("beta1", [0.9, 0.0])
def test_compressed_means_are_float16_in_files_and_go_on_from_theirs(mindspore, tmp_path, beta1):
    options = {"compression": True, "beta1": beta1}
    mine, real, again = params_of(mindspore), params_of(mindspore), params_of(mindspore)
    for other in (real, again):
        for p, name in zip(other, [p.name for p in mine], strict=True):
            p.name = name
    ours, theirs = nn.AdaFactor(mine, **options), mindspore.nn.AdaFactor(real, **options)
    for seed in range(3):
        ours(grads_of(mindspore, mine, seed)), theirs(grads_of(mindspore, real, seed))
    held = {name: p.asnumpy() for name, p in theirs.parameters_dict().items()}
    told = {name: p.asnumpy() for name, p in ours.parameters_dict().items()}
    assert {name: array.dtype for name, array in told.items()} == {name: held[name].dtype for name in told}
    assert held[f"exp_avg_sq_{mine[0].name}"].dtype == np.float16
    mindspore.save_checkpoint(theirs, str(tmp_path / "theirs.ckpt"))
    resumed = nn.AdaFactor(again, **options)
    missing, _ = load_param_into_net(resumed, load_checkpoint(tmp_path / "theirs.ckpt"), strict_load=True)
    assert missing == []
    for seed in range(3, 6):
        ours(grads_of(mindspore, mine, seed)), resumed(grads_of(mindspore, again, seed))
    for p, q in zip(mine, again, strict=True):
        np.testing.assert_allclose(p.asnumpy(), q.asnumpy(), rtol=1e-6)


def trained(mindspore, room, made, tmp_path, level="O0"):
    """The weights, losses and rate after ``mindspore.train.Model`` has trained with an optimizer of a room."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((32, 3)).astype("f4")
    rows, losses = {"data": data, "label": data @ np.full((3, 2), 1.5, "f4")}, []
    net = mindspore.nn.Dense(3, 2, weight_init="ones", bias_init="zeros")
    optimizer = made(room, net.trainable_params())

    class Hear(mindspore.train.Callback):
        def on_train_step_end(self, run_context):
            losses.append(float(run_context.original_args().net_outputs.asnumpy()))

    saver = mindspore.train.ModelCheckpoint("net", str(tmp_path), mindspore.train.CheckpointConfig(12))
    callbacks = [Hear(), saver]
    if optimizer.learning_rate is not None and hasattr(optimizer.learning_rate, "asnumpy"):
        callbacks.append(mindspore.train.LearningRateScheduler(lambda lr, step: lr * 0.9))
    model = mindspore.train.Model(
        net, mindspore.nn.MSELoss(), optimizer, {"mse"}, amp_level=level, loss_scale_manager=None
    )
    batches = mindspore.dataset.NumpySlicesDataset(rows, shuffle=False).batch(8)
    model.train(3, batches, callbacks=callbacks, dataset_sink_mode=False)
    return net.weight.asnumpy(), losses, model.eval(batches, dataset_sink_mode=False)["mse"]


@pytest.mark.parametrize("level", ["O0", "O2"])
@pytest.mark.parametrize(
    "made",
    [
        lambda room, params: room.Adam(params, [0.1 / (1 + step) for step in range(12)]),
        lambda room, params: room.Momentum(params, 0.05, 0.9, weight_decay=0.01),
    ],
    ids=["Adam with a list", "Momentum that a callback slows"],
)
def test_their_model_trains_with_an_optimizer_from_here(mindspore, tmp_path, made, level):
    ours, theirs = (trained(mindspore, room, made, tmp_path, level) for room in (nn, mindspore.nn))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-3)
    assert ours[2] == pytest.approx(theirs[2], rel=1e-3)
    assert len(ours[1]) == 12 and ours[1][-1] < ours[1][0] / 5


def test_their_model_still_refuses_what_is_no_optimizer(mindspore):
    net = mindspore.nn.Dense(3, 2)
    nn.SGD(net.trainable_params())
    with pytest.raises(TypeError, match="'optimizer' should be"):
        mindspore.train.Model(net, mindspore.nn.MSELoss(), 3)


def model_of(mindspore, made):
    """A Model of MindSpore's, its optimizer, and data of four batches."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((32, 3)).astype("f4")
    net = mindspore.nn.Dense(3, 2, weight_init="ones", bias_init="zeros")
    optimizer = made(net.trainable_params())
    batches = mindspore.dataset.NumpySlicesDataset((data, data[:, :2] * 2), ["x", "y"], shuffle=False).batch(8)
    return mindspore.train.Model(net, mindspore.nn.MSELoss(), optimizer), optimizer, batches


def listed_in_a_group(params):
    return nn.Adam([{"params": params[:1], "lr": [0.1] * 12}, {"params": params[1:]}], 0.01)


@pytest.mark.parametrize("made", [lambda ps: nn.Momentum(ps, 0.05, 0.9), nn.NAdam, listed_in_a_group])
def test_what_their_model_checkpoint_writes_goes_on_exactly(mindspore, tmp_path, made):
    """A training is interrupted after five of twelve steps, and goes on from the last file in a new optimizer."""
    train = mindspore.train

    class Ended(train.Callback):
        def on_train_step_end(self, run_context):
            if run_context.original_args().cur_step_num == 5:
                raise KeyboardInterrupt

    model, optimizer, batches = model_of(mindspore, made)
    model.train(3, batches, dataset_sink_mode=False)
    whole = [p.asnumpy().tobytes() for p in optimizer.parameters]
    model, optimizer, batches = model_of(mindspore, made)
    saver = train.ModelCheckpoint("run", str(tmp_path), train.CheckpointConfig(save_checkpoint_steps=4))
    with pytest.raises(KeyboardInterrupt):
        model.train(3, batches, callbacks=[saver, Ended()], dataset_sink_mode=False)
    names = list(mindspore.load_checkpoint(str(tmp_path / "run-1_4.ckpt")))
    assert set(names) == set(optimizer.parameters_dict())
    model, optimizer, batches = model_of(mindspore, made)
    assert load_param_into_net(optimizer, mindspore.load_checkpoint(str(tmp_path / "run-1_4.ckpt"))) == ([], [])
    model.train(2, batches, dataset_sink_mode=False)
    assert [p.asnumpy().tobytes() for p in optimizer.parameters] == whole


def test_their_files_hold_the_same_names_in_the_same_order(mindspore, tmp_path):
    found = []
    for room in (nn, mindspore.nn):
        model, _, batches = model_of(mindspore, lambda ps, room=room: room.Momentum(ps, 0.05, 0.9))
        saver = mindspore.train.ModelCheckpoint(room.__name__, str(tmp_path))
        model.train(1, batches, callbacks=[saver], dataset_sink_mode=False)
        found.append(list(mindspore.load_checkpoint(str(tmp_path / f"{room.__name__}-1_4.ckpt"))))
    assert found[0] == found[1]


def whole_step(mindspore, optimizer):
    """MindSpore's cell that is forward, backward and update."""
    cell, net = mindspore.nn, mindspore.nn.Dense(3, 2)
    return cell.TrainOneStepCell(cell.WithLossCell(net, cell.MSELoss()), optimizer)


@pytest.mark.parametrize("way", ["Model", "TrainOneStepCell"])
def test_a_step_that_graph_mode_compiles_is_refused_with_the_way_out(mindspore, way):
    model, optimizer, batches = model_of(mindspore, lambda ps: nn.Momentum(ps, 0.05, 0.9))
    row = (mindspore.Tensor(np.ones((8, n), "f4")) for n in (3, 2))
    before = [p.asnumpy().copy() for p in optimizer.parameters]
    trained = {
        "Model": lambda: model.train(1, batches, dataset_sink_mode=False),
        "TrainOneStepCell": lambda: whole_step(mindspore, optimizer)(*row),
    }
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    try:
        with pytest.raises(
            RuntimeError, match=r"For 'Momentum': the step stands inside .* call optimizer\(grads\) out"
        ):
            trained[way]()
    finally:
        mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    assert all((p.asnumpy() == start).all() for p, start in zip(optimizer.parameters, before, strict=True))
