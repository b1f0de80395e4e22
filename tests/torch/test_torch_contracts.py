"""What whoever is handed an optimizer may expect of it, for every class; the contracts with a file of their own stand
there: state, torch.distributed.checkpoint, hooks, GradScaler, schedulers, callers that step one group at a time."""

import copy
import io
import pickle

import pytest
import torch
from torch_pairs import give, identical, saved, train

import calando.torch as ct
from calando.schedules import Cosine, Linear

RATE = Cosine(0.05, 0.0, 20)
CLASSES = sorted(
    name for name in ct.__all__ if isinstance(getattr(ct, name), type) and issubclass(getattr(ct, name), ct.Optimizer)
)
STEPPING = [name for name in CLASSES if name not in ("Optimizer", "LBFGS")]  # LBFGS needs a closure: its own file
all_classes = pytest.mark.parametrize("name", STEPPING)


def weights():
    torch.manual_seed(1)
    return [torch.nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in [(3, 4), (2, 3)]]


def made(name, params, **options):
    return getattr(ct, name)(params, **{"lr": RATE, **options})


def go(name, optimizer, params, steps):
    for step in steps:
        give(params, step)
        if name == "SparseAdam":
            for p in params:
                p.grad = p.grad.to_sparse(1)
        optimizer.step()
    return params


@pytest.mark.parametrize("name", [name for name in CLASSES if name != "Optimizer"])
def test_a_torch_optimizer_with_a_step_of_its_own_and_what_schedulers_look_for(name):
    optimizer = made(name, weights())
    assert isinstance(optimizer, torch.optim.Optimizer)
    torchs = [getattr(torch.optim, other) for other in torch.optim.__all__ if other != "Optimizer"]
    assert not isinstance(optimizer, tuple(cls for cls in torchs if isinstance(cls, type)))
    assert optimizer.step.__func__ is type(optimizer).step  # a bound method, which schedulers wrap
    original = getattr(torch.optim, name, None)
    if original is not None:
        assert (
            optimizer.defaults.keys() >= original(weights(), **({"lr": 1.0} if name == "LBFGS" else {})).defaults.keys()
        )


@all_classes
def test_numbers_in_groups_are_plain_before_and_after_every_step(name):
    params = weights()
    optimizer = made(name, params)
    for step in range(3):
        go(name, optimizer, params, [step])
        group = optimizer.param_groups[0]
        assert group["lr"] == RATE(step + 1) and type(group["lr"]) is float and type(group["step"]) is int
        for key, value in group.items():
            if key != "params":
                assert {type(x) for x in (value if isinstance(value, tuple) else [value])} <= {
                    float, int, bool, str, type(None),
                }  # fmt: skip


@all_classes
@pytest.mark.parametrize("way", ["pickle", "deepcopy", "file", "itself", "resume"])
def test_round_trips_go_on_exactly(name, way):
    whole = weights()
    optimizer = made(name, whole)
    go(name, optimizer, whole, range(3))
    if way in ("pickle", "deepcopy"):
        other = pickle.loads(pickle.dumps(optimizer)) if way == "pickle" else copy.deepcopy(optimizer)
        parts = other.param_groups[0]["params"]
    elif way == "itself":
        parts, other = whole, optimizer
        other.load_state_dict(optimizer.state_dict())
        whole = [torch.nn.Parameter(p.detach().clone()) for p in parts]
        optimizer = made(name, whole)
        optimizer.load_state_dict(saved(other.state_dict()))
    else:
        parts = [torch.nn.Parameter(p.detach().clone()) for p in whole]
        other = made(name, parts)
        (other.resume if way == "resume" else other.load_state_dict)(saved(optimizer.state_dict()))
    go(name, optimizer, whole, range(3, 6)), go(name, other, parts, range(3, 6))
    identical(whole, parts)
    assert optimizer.param_groups[0]["step"] == other.param_groups[0]["step"] == 6


@all_classes
@pytest.mark.parametrize("way", ["data", "set_data by .to", "swap_tensors", "to_empty"])
def test_parameters_in_other_memory(name, way):
    def model():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(3, 4, bias=False), torch.nn.Linear(4, 2, bias=False)).double()

    plain, moved = model(), model()
    optimizer, other = made(name, plain.parameters()), made(name, moved.parameters())
    go(name, optimizer, list(plain.parameters()), range(3)), go(name, other, list(moved.parameters()), range(3))
    moved.zero_grad(), plain.zero_grad()
    values = [p.detach().clone() for p in moved.parameters()]
    if way == "data":
        for p in moved.parameters():
            p.data = p.data.clone()
    elif way == "swap_tensors":
        for p in moved.parameters():
            torch.utils.swap_tensors(p, torch.nn.Parameter(p.detach().clone()))
    elif way == "to_empty":
        moved.to_empty(device="cpu")
        with torch.no_grad():
            for p, value in zip(moved.parameters(), values, strict=True):
                p.copy_(value)
    else:
        moved.float().double()
        with torch.no_grad():
            for p, value in zip(moved.parameters(), values, strict=True):
                p.copy_(value)
    steps = range(3, 6)
    identical(go(name, optimizer, list(plain.parameters()), steps), go(name, other, list(moved.parameters()), steps))


def test_parameters_and_state_swapped_in_for_a_step():
    """torch.optim's own context for steps on other tensors; afterwards everything is as before."""
    if not hasattr(torch.optim, "swap_in_optimizer_params_and_state"):
        pytest.skip("this PyTorch has no swap_in_optimizer_params_and_state")
    own, twins = weights(), weights()
    optimizer, reference = made("AdamW", own), made("AdamW", twins)
    go("AdamW", optimizer, own, range(2)), go("AdamW", reference, twins, range(2))
    state = copy.deepcopy(optimizer.state_dict())
    others = {str(i): torch.nn.Parameter(p.detach().clone()) for i, p in enumerate(own)}
    with torch.optim.swap_in_optimizer_params_and_state(optimizer, others, state):
        inside = go("AdamW", optimizer, list(others.values()), range(2, 3))
    before = [p.detach().clone() for p in own]
    go("AdamW", reference, twins, range(2, 3))
    identical(inside, twins)
    assert not any(torch.equal(p, q) for p, q in zip(before, inside, strict=True))
    assert optimizer.param_groups[0]["step"] == 2 and optimizer.param_groups[0]["lr"] == RATE(2)
    identical(go("AdamW", optimizer, own, range(2, 4)), go("AdamW", reference, twins, range(3, 4)))


def test_one_optimizer_for_each_parameter_from_hooks_in_backward():
    def model():
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()

    left, right = model(), model()
    own = {p: made("AdamW", [p]) for p in left.parameters()}

    def step(p):
        own[p].step()
        own[p].zero_grad()

    for p in left.parameters():
        p.register_post_accumulate_grad_hook(step)
    together = made("AdamW", right.parameters())
    for i in range(4):
        x = torch.full((2, 3), 0.1 * i, dtype=torch.float64)
        left(x).square().sum().backward()
        together.zero_grad()
        right(x).square().sum().backward()
        together.step()
    identical(left.parameters(), right.parameters())
    assert {optimizer.param_groups[0]["step"] for optimizer in own.values()} == {4}


def test_step_assigned_on_the_instance_and_put_back_as_accelerate_does():
    params, twins = weights(), weights()
    optimizer, reference = made("AdamW", params), made("AdamW", twins)
    calls, step = [], optimizer.step

    def patched(*args, **kwargs):
        calls.append(1)
        return step(*args, **kwargs)

    optimizer.step = patched
    go("AdamW", optimizer, params, range(2))
    optimizer.step = step
    go("AdamW", optimizer, params, range(2, 4))
    assert len(calls) == 2
    identical(params, go("AdamW", reference, twins, range(4)))


@pytest.mark.filterwarnings("default")  # the compiler warns about its own parts
def test_a_compiled_step_method_runs_as_it_is():
    params, twins = weights(), weights()
    optimizer, reference = made("AdamW", params), made("AdamW", twins)
    compiled = torch.compile(optimizer.step, backend="eager")
    for step in range(3):
        give(params, step)
        compiled()
    identical(params, train(reference, twins, range(0)) and go("AdamW", reference, twins, range(3)))
    assert optimizer.param_groups[0]["step"] == 3


@all_classes
def test_a_checkpoint_is_read_with_weights_only_and_names_the_schedule(name):
    params = weights()
    optimizer = made(name, params)
    go(name, optimizer, params, range(2))
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    found = torch.load(file, weights_only=True)
    assert found["param_groups"][0]["step"] == 2
    assert "Cosine" in str(found["calando"]["timelines"][0]["lr"])


@pytest.mark.parametrize("unscale", [False, True], ids=["scaled", "unscaled and clipped"])
@pytest.mark.parametrize("name", [name for name in STEPPING if hasattr(torch.optim, name) and name != "SparseAdam"])
def test_a_gradient_scaler_and_autocast_where_steps_are_skipped(name, unscale):
    """Whatever the class: a skipped step moves neither parameters nor clocks nor ages, and the path is torch's."""
    found, rate = [], Linear(0.01, 0.05, 6)
    for library in (ct, torch.optim):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 3, bias=False))
        optimizer = getattr(library, name)(model.parameters(), lr=rate if library is ct else 0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=3)
        done, scales = 0, []
        for step in range(9):
            if library is torch.optim:
                optimizer.param_groups[0]["lr"] = rate(done)
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                x = torch.randn(5, 4, generator=torch.Generator().manual_seed(step))
                loss = model(x).float().square().mean()
            scaler.scale(loss).backward()
            if step in (2, 5):
                model[1].weight.grad[0, 0] = torch.inf
            before = [p.detach().clone() for p in model.parameters()]
            if unscale:
                scaler.unscale_(optimizer)
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            if step in (2, 5):
                identical(model.parameters(), before)
            done += step not in (2, 5)
            scales.append(scaler.get_scale())
            if library is ct:
                assert optimizer.param_groups[0]["step"] == done and optimizer.param_groups[0]["lr"] == rate(done)
        ages = [int(optimizer.state[p].get("step", done)) for p in model.parameters()]
        assert ages == [7, 7]
        found.append((list(model.parameters()), scales))
    assert found[0][1] == found[1][1]
    for p, q in zip(found[0][0], found[1][0], strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("default")  # the compiler warns about its own parts
def test_a_compiled_training_step_sees_the_schedule_move():
    torch._dynamo.reset()
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    twin = copy.deepcopy(model)
    optimizer, reference = ct.AdamW(model.parameters(), lr=RATE), ct.AdamW(twin.parameters(), lr=RATE)

    def step(net, optimizer, x):
        optimizer.zero_grad()
        net(x).square().sum().backward()
        optimizer.step()
        return optimizer.param_groups[0]["lr"]

    compiled = torch.compile(step, backend="aot_eager")
    for i in range(5):
        x = torch.full((2, 4), 0.5 * i)
        assert compiled(model, optimizer, x) == step(twin, reference, x) == RATE(i + 1)
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(p, q)


@pytest.mark.parametrize("way", ["one function", "an ensemble"])
def test_functional_training(way):
    """Gradients of torch.func on parameters outside of a module, and stacked ones of several modules."""

    def trained(library):
        torch.manual_seed(0)
        models = [torch.nn.Linear(4, 3, dtype=torch.float64) for _ in range(3)]
        if way == "an ensemble":
            own, _ = torch.func.stack_module_state(models)
        else:
            own = dict(models[0].named_parameters())
        optimizer = library.AdamW(own.values(), lr=0.05)

        def loss(params, x):
            return torch.func.functional_call(models[0], params, (x,)).square().sum()

        for step in range(4):
            x = torch.full((2, 4), 0.5 * step, dtype=torch.float64)
            if way == "an ensemble":
                optimizer.zero_grad()
                torch.vmap(loss, in_dims=(0, None))(own, x).sum().backward()
            else:
                found = torch.func.grad(loss)({key: p.detach() for key, p in own.items()}, x)
                for key, p in own.items():
                    p.grad = found[key]
            optimizer.step()
        return list(own.values())

    for p, q in zip(trained(ct), trained(torch.optim), strict=True):
        torch.testing.assert_close(p.detach(), q.detach(), rtol=1e-12, atol=1e-14)


def test_parametrized_modules():
    from torch.nn.utils import parametrizations as by

    def trained(library):
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            by.weight_norm(torch.nn.Linear(4, 5)), by.orthogonal(torch.nn.Linear(5, 5))
        ).double()
        optimizer = library.AdamW(model.parameters(), lr=0.05)
        for step in range(5):
            optimizer.zero_grad()
            model(torch.full((3, 4), 0.5 * step, dtype=torch.float64)).square().sum().backward()
            optimizer.step()
        return list(model.parameters())

    for p, q in zip(trained(ct), trained(torch.optim), strict=True):
        torch.testing.assert_close(p.detach(), q.detach(), rtol=1e-10, atol=1e-12)


def test_steps_under_inference_mode_and_another_default_device():
    params, twins = weights(), weights()
    optimizer, reference = made("AdamW", params), made("AdamW", twins)
    with torch.inference_mode():
        go("AdamW", optimizer, params, range(2))
    with torch.device("meta"):
        optimizer.load_state_dict(optimizer.state_dict())
        for p in params:
            p.grad = torch.full_like(p, 0.5, device="cpu")
        optimizer.step()
    go("AdamW", reference, twins, range(2))
    for p in twins:
        p.grad = torch.full_like(p, 0.5)
    reference.step()
    identical(params, twins)


@all_classes
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.complex64], ids=str)
def test_a_step_between_forward_and_backward_raises_there(name, dtype):
    if name == "SparseAdam" or (dtype.is_complex and name in ("Adafactor", "Muon")):
        pytest.skip("takes no such gradients")
    for x in (
        torch.ones(3, 4, dtype=dtype),
        torch.ones(4, 3, dtype=dtype).t(),
        torch.ones(8, 8, dtype=dtype)[::2, ::2],
    ):
        p = torch.nn.Parameter(x)
        optimizer = made(name, [p])
        product = (p * p).real.sum()
        p.grad = torch.ones_like(p)
        version = p.grad._version
        optimizer.step()
        assert p.grad._version == version
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            product.backward()


# Where torch keeps a number of its rule in the default dtype, and here it is float32: the page says how far they part.
APART = {"NAdam": 1e-8, "ASGD": 1e-7}


@pytest.mark.parametrize("name", [name for name in STEPPING if hasattr(torch.optim, name) and name != "SparseAdam"])
def test_another_default_dtype(name):
    found = []
    torch.set_default_dtype(torch.float64)
    try:
        for library in (ct, torch.optim):
            params = weights()
            optimizer = getattr(library, name)(params, lr=0.05)
            go(name, optimizer, params, range(5))
            other = getattr(library, name)(params, lr=0.05)
            other.load_state_dict(saved(optimizer.state_dict()))
            found.append(go(name, other, params, range(5, 10)))
    finally:
        torch.set_default_dtype(torch.float32)
    for p, q in zip(*found, strict=True):
        torch.testing.assert_close(p.detach(), q.detach(), rtol=0, atol=APART.get(name, 1e-12))
