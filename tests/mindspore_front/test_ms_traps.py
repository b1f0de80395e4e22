"""What MindSpore 2.10 does in silence, line by line of the notes that were measured on it: none of it happens here.

The sections are: 1 state is replaced, 2 learning rates, 3 groups, 4 gradients, 5 constructors, 6 loading. What is
refused stands in docs/bad_input.md, where ``test_ms_bad_input.py`` runs every row; here is what has to *work*, and the
list of rows that a line needs, so that none can be dropped.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import calando.mindspore as ms  # noqa: E402
from calando.mindspore import nn, ops  # noqa: E402
from calando.mindspore.train import Callback, LearningRateScheduler, Model  # noqa: E402
from calando.schedules import ScheduleEnd  # noqa: E402
from mindspore_front.test_ms_bad_input import ROWS  # noqa: E402


def made(name="w", *values, dtype="f4"):
    return ms.Parameter(np.array(values or (1.0, 1.0), dtype), name=name)


def ones(optimizer, times=1.0):
    return tuple(ms.Tensor(np.full(p.shape, times, p.asnumpy().dtype)) for p in optimizer.parameters)


def moved(optimizer, times=1.0):
    """By how much the first element of the first parameter moves in a step."""
    before = optimizer.parameters[0].asnumpy().reshape(-1)[0].copy()
    optimizer(ones(optimizer, times))
    return before - optimizer.parameters[0].asnumpy().reshape(-1)[0]


# 1. State is replaced: loading and assigning in mid-training take effect.


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(2, 1, weight_init="ones")

    def construct(self, x):
        return self.fc(x)


RELOADS = {
    "load_checkpoint(f, net)": lambda net, opt, file: ms.load_checkpoint(file, net),
    "load_param_into_net(net, …)": lambda net, opt, file: ms.load_param_into_net(net, ms.load_checkpoint(file)),
    "Parameter.set_data": lambda net, opt, file: [p.set_data(ms.Tensor(p.asnumpy())) for p in opt.parameters],
    "parameter.data = …": lambda net, opt, file: [setattr(p, "data", ms.Tensor(p.asnumpy())) for p in opt.parameters],
}


@pytest.mark.parametrize("how", RELOADS)
@pytest.mark.parametrize("kind", ["SGD", "Adam", "Adadelta"])
def test_training_goes_on_after_the_same_values_are_loaded(kind, how, tmp_path):
    """1: after a reload of the very same values the loss stays where it is, in MindSpore."""

    def losses(reload):
        net, x = Net(), ms.Tensor(np.ones((4, 2), "f4"))
        opt = getattr(nn, kind)(net.trainable_params(), learning_rate=0.05)
        grad_fn = ms.value_and_grad(lambda x: (net(x) ** 2).mean(), None, opt.parameters)
        found = []
        for step in range(6):
            if reload and step == 3:
                ms.save_checkpoint(net, str(tmp_path / "net.ckpt"))
                RELOADS[how](net, opt, str(tmp_path / "net.ckpt"))
            loss, grads = grad_fn(x)
            opt(grads)
            found.append(float(loss))
        return found

    torch.manual_seed(0)
    wanted = losses(False)
    torch.manual_seed(0)
    assert losses(True) == wanted and wanted[5] < wanted[3]


@pytest.mark.parametrize(
    "assign",
    [
        lambda o: o.learning_rate.set_data(0.25),
        lambda o: setattr(o, "learning_rate", ms.Tensor(0.25)),
        lambda o: setattr(o, "learning_rate", made("lr", 0.25)[0]),
        lambda o: setattr(o, "lr", 0.25),
        lambda o: ops.assign(o.learning_rate, 0.25),
        lambda o: o.set("lr", 0.25),
    ],
)
def test_an_assigned_rate_is_the_one_that_is_applied(assign):
    """1: get_lr() shows the new rate, and the old one goes on, in MindSpore."""
    optimizer = nn.SGD([made()], 0.5)
    assert moved(optimizer) == 0.5
    assign(optimizer)
    assert float(optimizer.get_lr()) == 0.25 and moved(optimizer) == 0.25


def test_weight_decay_betas_and_loss_scale_take_effect():
    """1: assigning opt.weight_decay, opt.beta1, opt.decay, opt.loss_scale after step 1: no effect, in MindSpore."""
    optimizer = nn.SGD([made("w", 4.0)], 0.5, weight_decay=0.5, loss_scale=2.0)
    assert moved(optimizer, 2.0) == 0.5 * (1 + 0.5 * 4)
    optimizer.weight_decay, optimizer.loss_scale = 0.0, 1.0
    assert moved(optimizer, 2.0) == 1.0
    changed, built = nn.Adam([made()], 0.1), nn.Adam([made()], 0.1, beta1=0.5)
    changed.beta1 = 0.5
    assert moved(changed) == moved(built)
    changed, built = nn.RMSProp([made()], 0.1), nn.RMSProp([made()], 0.1, decay=0.5)
    changed.decay = 0.5
    assert moved(changed) == moved(built)


def test_an_attribute_of_ones_own_schedule_takes_effect():
    """1: a schedule's attributes after step 1: it even reports a rate that is not applied, in MindSpore."""

    class Mine(nn.LearningRateSchedule):
        def __init__(self):
            super().__init__()
            self.rate = 0.5

        def construct(self, global_step):
            return self.rate

    rate = Mine()
    optimizer = nn.SGD([made()], rate)
    assert moved(optimizer) == 0.5
    rate.rate = 0.25
    assert float(optimizer.get_lr()) == 0.25 and moved(optimizer) == 0.25


def test_slots_that_are_loaded_take_effect():
    """1: a slot that is reset is ignored, in MindSpore."""
    optimizer = nn.Momentum([made()], 1.0, 0.5)
    moved(optimizer)
    zeros = {name: made(name, 0.0, 0.0) for name in ("moments.w",)}
    with pytest.warns(UserWarning, match="stayed as before"):
        ms.load_param_into_net(optimizer, zeros)
    assert moved(optimizer) == 1.0


def test_a_rate_of_one_group_is_assigned_where_it_is():
    """1: ops.assign(opt.learning_rate[i], x) is one for the whole group."""
    a, b, c = made("a"), made("b"), made("c")
    optimizer = nn.SGD([{"params": [a, b], "lr": 0.5}, {"params": [c]}], 0.125)
    ops.assign(optimizer.learning_rate[1], 0.25)
    optimizer(ones(optimizer))
    assert [float(p.asnumpy()[0]) for p in (a, b, c)] == [0.75, 0.75, 0.875]


def test_rprop_and_asgd_hear_of_a_rate_as_documented():
    """1: Rprop ignores a rate after step 1, ASGD applies it a step late: that is their formula."""
    rprop, other = nn.Rprop([made()], 0.1), nn.Rprop([made()], 0.1)
    assert moved(rprop) == moved(other)
    rprop.learning_rate = 5.0
    assert moved(rprop) == moved(other)
    asgd = nn.ASGD([made("w", 0.0)], 0.5)
    assert moved(asgd) == pytest.approx(0.5)
    asgd.learning_rate = 0.25
    assert moved(asgd) == pytest.approx(0.5, rel=1e-3) and moved(asgd) == pytest.approx(0.25, rel=1e-3)


# 2. Learning rates.


@pytest.mark.parametrize(
    "given, first",
    [(0, 0), (1e-50, 0), (range(1, 4), 1), ((0.5 for _ in range(3)), 0.5), ([0.5], 0.5), (np.array(0.5), 0.5),
     (np.float32(0.5), 0.5), (np.array([0.5, 0.25]), 0.5), (lambda step: 0.5, 0.5)],
)  # fmt: skip
def test_rates_that_are_taken(given, first):
    """2: what is taken there and means something is taken here, and more."""
    assert moved(nn.SGD([made()], given)) == first


def test_after_a_list_has_ended_the_optimizer_can_still_be_used():
    """2: every later call dies with an unrelated message, in MindSpore."""
    optimizer = nn.AdamWeightDecay([made()], [0.1])
    moved(optimizer)
    for _ in range(2):
        with pytest.raises(ScheduleEnd, match="the list ends after 1 value, so there is no value for step 1"):
            optimizer(ones(optimizer))
    assert optimizer.global_step.asnumpy().tolist() == [1]
    optimizer.learning_rate = 0.5
    assert moved(optimizer) > 0.4


def test_get_lr_is_that_of_the_coming_step_and_get_weight_decay_is_scaled():
    """2: dynamic: the rate of the NEXT call; get_weight_decay returns wd · loss_scale."""
    optimizer = nn.SGD([made()], [0.5, 0.25], weight_decay=0.1, loss_scale=128.0)
    assert float(optimizer.get_lr()) == 0.5
    moved(optimizer)
    assert float(optimizer.get_lr()) == 0.25
    assert float(optimizer.get_weight_decay()) == pytest.approx(12.8)


class Seen(Callback):
    def __init__(self):
        self.rates = []

    def on_train_step_end(self, run_context):
        self.rates.append(float(run_context.original_args().optimizer.get_lr()))


def test_the_scheduler_callback_does_not_read_what_print_shows():
    """2: with np.set_printoptions(precision=2) the function sees 0.01 for 0.012345, in MindSpore."""
    net, asked = nn.Dense(1, 1), []
    model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.012345))
    data = [(np.ones((2, 1), "f4"), np.ones((2, 1), "f4"))] * 2
    with np.printoptions(precision=2):
        model.train(1, data, callbacks=[LearningRateScheduler(lambda lr, step: asked.append(lr) or lr / 2), Seen()])
    assert asked == [pytest.approx(0.012345), pytest.approx(0.012345 / 2)]


@pytest.mark.parametrize("rate", [-1.0, float("nan"), None])
def test_the_scheduler_callback_refuses_what_is_no_rate(rate):
    """2: negative or NaN from the function is taken, in MindSpore."""
    net = nn.Dense(1, 1)
    model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.1))
    with pytest.raises((TypeError, ValueError), match=r"learning_rate|LearningRateScheduler"):
        model.train(1, [(np.ones((2, 1), "f4"),) * 2], callbacks=[LearningRateScheduler(lambda lr, step: rate)])


# 3. Groups.


@pytest.mark.parametrize("wrap", [iter, tuple, lambda params: filter(lambda p: p.name, params)])
def test_iterators_inside_a_group(wrap):
    """3: emptied by validation, the group contributes no parameter, in MindSpore."""
    optimizer = nn.SGD([{"params": wrap([made("a"), made("b")])}, {"params": wrap([made("c")])}])
    assert [p.name for p in optimizer.parameters] == ["a", "b", "c"]


def test_decay_by_names():
    """3: the filter is a substring test: betatron.weight is exempt, layer_norm.weight is not; no filter in groups."""
    names = ["betatron.weight", "bn.gamma", "layer_norm.weight", "fc.bias"]
    params = [made(name, 1.0) for name in names]
    optimizer = nn.SGD(params, 0.5, weight_decay=0.5)
    optimizer(ones(optimizer, 0.0))
    assert [float(p.asnumpy()[0]) for p in params] == [1, 1, 0.75, 0.75]
    params = [made(name, 1.0) for name in names]
    optimizer = nn.SGD([{"params": params}], 0.5, weight_decay=0.5)
    optimizer(ones(optimizer, 0.0))
    assert [float(p.asnumpy()[0]) for p in params] == [0.75] * 4


@pytest.mark.parametrize("kind", ["AdamWeightDecay", "AdaFactor", "AdamOffload", "Adam", "Lamb"])
def test_centralization_is_never_ignored(kind):
    """3: ignored by AdamWeightDecay, AdaFactor, AdamOffload, in MindSpore; rows of one number move nothing."""
    given = {"learning_rate": 0.1} if kind != "AdaFactor" else {}
    w = ms.Parameter(np.ones((3, 4), "f4"), name="w")
    optimizer = getattr(nn, kind)([{"params": [w], "grad_centralization": True}], **given)
    optimizer((ms.Tensor(np.full((3, 4), 2.0, "f4")),))
    assert (w.asnumpy() == 1).all()


# 4. Gradients.


def test_a_gradient_of_zeros_still_decays_as_there():
    """4: value_and_grad returns zeros for unused parameters: wd .5, lr .1 moves 1.0 to .95."""
    optimizer = nn.SGD([made()], 0.1, weight_decay=0.5)
    optimizer(ones(optimizer, 0.0))
    assert optimizer.parameters[0].asnumpy() == pytest.approx(0.95)


def test_not_a_number_goes_on_as_there_unless_asked():
    """4: NaN gradients poison weights without warning; Rprop ignores them."""
    g = (ms.Tensor(np.array([np.nan, 1.0], "f4")),)
    poisoned, rprop, skipping = (
        nn.SGD([made()], 0.5),
        nn.Rprop([made()], 0.5),
        nn.SGD([made()], 0.5, on_nonfinite="skip"),
    )
    poisoned(g), rprop(g)
    assert np.isnan(poisoned.parameters[0].asnumpy()).tolist() == [True, False]
    assert rprop.parameters[0].asnumpy().tolist() == [1.0, 0.5]
    assert skipping(g) is False and skipping.parameters[0].asnumpy().tolist() == [1, 1]


def test_half_precision_with_float32_slots_does_not_fly_away():
    """4: AdamWeightDecay on float16 1.0 with gradient 1e-3, lr 0.01: 1.0 becomes 0.0117 in one step, in MindSpore."""
    optimizer = nn.AdamWeightDecay([made("w", 1.0, dtype="f2")], 0.01, slot_dtype="float32")
    optimizer((ms.Tensor(np.array([1e-3], "f2")),))
    assert float(optimizer.parameters[0].asnumpy()[0]) == pytest.approx(0.969, abs=1e-3)


# 5. Constructors.


def test_a_dynamic_decay_below_zero_is_refused_at_its_step():
    """5: a dynamic weight decay may return negatives, in MindSpore."""

    class Falling(nn.Cell):
        def construct(self, global_step):
            return 0.1 - 0.1 * global_step

    optimizer = nn.SGD([made()], 0.5, weight_decay=Falling())
    moved(optimizer), moved(optimizer)
    before = optimizer.parameters[0].asnumpy().copy()
    with pytest.raises(ValueError, match=r"For 'SGD': 'weight_decay' must lie in \[0, inf\), but got -0.1.* \(step 2"):
        optimizer(ones(optimizer))
    assert np.array_equal(optimizer.parameters[0].asnumpy(), before)


# 6. Loading.


def test_what_was_not_loaded_is_returned_and_told():
    """6: nothing is said for missing or extra names, strict_load=True included, in MindSpore."""
    net = Net()
    with pytest.warns(UserWarning, match=r"'fc\.bias' of Net stayed as before"):
        missing, extra = ms.load_param_into_net(net, {"fc.weight": made("fc.weight", [1.0, 2.0]), "x": made("x")})
    assert missing == ["fc.bias"] and extra == ["x"]


def test_the_files_rate_is_taken_and_told(tmp_path):
    """6: the file's static lr overrides the constructor's without a word, in MindSpore."""
    first, second = nn.SGD([made()], 0.5), nn.SGD([made()], 0.25)
    ms.save_checkpoint(first, str(tmp_path / "one.ckpt"))
    with pytest.warns(UserWarning, match=r"'learning_rate' is 0\.5 from now on, as the checkpoint says"):
        ms.load_param_into_net(second, ms.load_checkpoint(str(tmp_path / "one.ckpt")))
    assert moved(second) == 0.5


def test_a_dictionary_of_tensors_is_saved_whole(tmp_path):
    """6: save_checkpoint(dict): a plain Tensor is dropped and the entry before it written twice, in MindSpore."""
    ms.save_checkpoint({"a": made("a"), "b": ms.Tensor([5.0]), "c": made("c")}, str(tmp_path / "one.ckpt"))
    found = ms.load_checkpoint(str(tmp_path / "one.ckpt"))
    assert list(found) == ["a", "b", "c"] and found["b"].asnumpy().tolist() == [5.0]


NEEDED = [
    "ms.Tensor(-0.1)", "[0.1, -0.1]", "float('nan')]", "{0.1: 1, 0.2: 2}", "True)", "[])", "Falling()",
    "iter(params[:2])", "order_params': []", "order_params': params[::-1]", "named('a'), *params[1:]",
    "beta1=float('nan')", "decay=1.5",
    "nn.ASGD(params); opt(grads[:2])", "nn.Rprop(params); opt(grads[:2])", "nn.Adadelta(params); opt(grads[:2])",
    "opt((None,", "ms.Tensor([1.0])))", "a.set_data(", "ms.load_param_into_net(net", "'lr': 1e-7", "set_data(0.0)",
    "grad_centralization': True", "lr=0.1)", "beta1 = 0.5", "loss_scale = 1.0", "rate.decay_rate = 0.5", "'moment1.a'",
    "opt.lrr = 0.3", "opt.centerd = True",
]  # fmt: skip


@pytest.mark.parametrize("part", NEEDED)
def test_the_page_has_a_row_for_it(part):
    assert any(part in row["code"] for row in ROWS)
