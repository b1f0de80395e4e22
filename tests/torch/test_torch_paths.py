"""The same path as live torch.optim: options, groups, layouts, dtypes, and the ways to give parameters."""

import copy

import numpy as np
import pytest
import torch
from torch_pairs import CONFIGURATIONS, Pair, copies, draw, ours, params, same, theirs, told

import calando.torch as ct

pytestmark = pytest.mark.filterwarnings("error")
ROWS = [pytest.param(*row, id=told(row)) for row in CONFIGURATIONS]


@pytest.mark.parametrize("name, options", ROWS)
def test_same_path_in_float64(name, options):
    pair = Pair(name, options)
    for step in range(30):
        pair.step(out={1} if step in (0, 4, 5) else {2, 3} if step == 7 else ())
        if step == 12:
            for optimizer in (pair.ours, pair.theirs):
                optimizer.param_groups[0]["lr"] = 0.02
        pair.same()


@pytest.mark.parametrize("name, options", ROWS)
def test_same_path_in_float32(name, options):
    # torch rounds after each of its five operations and folds the bias corrections elsewhere, so single
    # updates differ by a few ulp of the update; parameters are of order 1 and grow by 20 updates.
    pair = Pair(name, options, dtype=torch.float32)
    for _ in range(20):
        pair.step()
    tolerance = 64 if options.get("momentum") == 1.1 or options.get("betas") == (0.0, 0.0) else 8
    pair.same(rtol=tolerance * 2**-23, atol=tolerance * 2**-23)


GROUPS = [
    (
        "SGD",
        {"lr": 0.1},
        [{"momentum": 0.9}, {"lr": 0.02, "weight_decay": 0.2}, {"maximize": True, "momentum": 0.5}],
    ),
    (
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
        [{}, {"lr": 0.02, "nesterov": False, "dampening": 0.5}],
    ),
    ("Adam", {"lr": 0.1}, [{"betas": (0.5, 0.6)}, {"amsgrad": True, "weight_decay": 0.2}, {"eps": 0.1}]),
    ("Adam", {"lr": 0.1, "weight_decay": 0.1}, [{"decoupled_weight_decay": True}, {"maximize": True}]),
    ("AdamW", {"lr": 0.1}, [{"weight_decay": 0.0}, {"lr": 0.02, "maximize": True}, {"amsgrad": True}]),
]


@pytest.mark.parametrize("name, options, groups", [pytest.param(*row, id=f"{told(row)} {row[2]}") for row in GROUPS])
def test_groups_with_their_own_values(name, options, groups):
    spread = [{**group, "params": list(range(i, 4, len(groups)))} for i, group in enumerate(groups)]
    pair = Pair(name, options, spread)
    for step in range(15):
        pair.step(out={step % 4})
        if step == 6:
            for optimizer in (pair.ours, pair.theirs):
                optimizer.param_groups[1]["lr"] = 0.3
                optimizer.param_groups[0]["weight_decay"] = 0.05
        pair.same()


MIDWAY = [  # name, options, what is written into the group before step 4, 8 and 12
    ("SGD", {"lr": 0.1}, [{"momentum": 0.9, "dampening": 0.3}, {"momentum": 0.5}, {"maximize": True}]),
    ("SGD", {"lr": 0.1, "momentum": 0.9}, [{"momentum": 0.0}, {"momentum": 0.8}, {"weight_decay": 0.1}]),
    (
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3},
        [{"momentum": 0.0}, {"momentum": 0.8}, {"weight_decay": 0.1}],
    ),
    ("SGD", {"lr": 0.1, "momentum": 0.9}, [{"nesterov": True}, {"nesterov": False}, {"momentum": 0.0}]),
    ("Adam", {"lr": 0.1}, [{"betas": (0.5, 0.6)}, {"eps": 0.1}, {"weight_decay": 0.3, "maximize": True}]),
    (
        "Adam",
        {"lr": 0.1, "amsgrad": True},
        [{"amsgrad": False}, {"decoupled_weight_decay": True}, {"lr": 0.0}],
    ),
    ("AdamW", {"lr": 0.1}, [{"betas": [0.5, 0.6]}, {"weight_decay": 0}, {"lr": 1}]),
]


@pytest.mark.parametrize("name, options, writes", [pytest.param(*row, id=f"{told(row)} {row[2]}") for row in MIDWAY])
def test_options_written_into_the_group_midway(name, options, writes):
    pair = Pair(name, options)
    for step in range(16):
        if step and step % 4 == 0:
            for optimizer in (pair.ours, pair.theirs):
                optimizer.param_groups[0].update(writes[step // 4 - 1])
        pair.step()
        pair.same()


def strided(dtype=torch.float64):
    """One of each layout."""
    a, b, c, d, e = draw([(4, 6), (2, 3, 5, 4), (8, 6), (3, 1, 2), (5, 5)], dtype=dtype)
    return [
        a.t(),
        b.contiguous(memory_format=torch.channels_last),
        c[::2, ::3],
        d.transpose(0, 2),
        e[1:4, 1:4],
    ]


@pytest.mark.parametrize("grad_layout", ["plain", "as the parameter", "turned"])
@pytest.mark.parametrize("name, options", [row for row in ROWS if row.values[1].get("lr") != 0.0][3::4])
def test_layouts(name, options, grad_layout):
    base = strided()
    left, right = [torch.nn.Parameter(x) for x in strided()], [torch.nn.Parameter(x) for x in strided()]
    assert [p.stride() for p in left] == [x.stride() for x in base]
    first, second = ours(name)(left, **options), theirs(name)(right, **options)
    for step in range(6):
        for p, q, g in zip(left, right, draw([p.shape for p in left], step), strict=True):
            if grad_layout == "turned":
                g = g.mT.contiguous().mT
            elif grad_layout == "as the parameter":
                g = torch.empty_strided(p.shape, p.stride(), dtype=p.dtype).copy_(g)
            p.grad, q.grad = g.clone(memory_format=torch.preserve_format), g
        first.step(), second.step()
        same(left, right)


def test_layout_changed_in_place_of_the_memory():
    """``p.data = p.data.t()``: the same address, another order of the axes."""
    pair = Pair("SGD", {"lr": 0.1, "momentum": 0.9}, shapes=[(5, 5)])
    pair.step()
    for p in (*pair.left, *pair.right):
        p.grad = None
        p.data = p.data.t()
    for optimizer in (pair.ours, pair.theirs):  # the buffer is turned too, as one must
        for state in optimizer.state.values():
            state["momentum_buffer"].zero_()
    pair.count += 1
    g = draw([(5, 5)], 3)[0]
    pair.left[0].grad, pair.right[0].grad = g.clone(), g.clone()
    pair.ours.step(), pair.theirs.step()
    pair.same()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_nothing_zero_and_one_element(name):
    pair = Pair(name, {"lr": 0.1}, shapes=[(0,), (), (1,), (0, 3), (3, 0, 2), (1, 1, 1)])
    for _ in range(3):
        pair.step()
    pair.same()
    only = ours(name)([torch.nn.Parameter(torch.zeros(0))], lr=0.1, max_norm=1.0)
    only.param_groups[0]["params"][0].grad = torch.zeros(0)
    only.step()
    assert only.param_groups[0]["step"] == 1


def exact(name, options, p, grads, dtype):
    """The published formulas in float64 on stored numbers of ``dtype``; each step's results rounded once."""
    lr, m, v = options["lr"], np.zeros_like(p), np.zeros_like(p)
    keep = options.get("momentum", 0.0)
    first, second = options.get("betas", (0.9, 0.999))
    decay = options.get("weight_decay", 0.0)

    def stored(x):
        return torch.tensor(x).float().to(dtype).double().numpy()

    for t, g in enumerate(grads, 1):
        if name == "SGD":
            m_new = keep * m + g + decay * p
            p, m = stored(p - lr * m_new), m_new
        else:
            q = p * (1 - lr * decay)
            m_new, v_new = first * m + (1 - first) * g, second * v + (1 - second) * g * g
            p = stored(q - lr * m_new / (1 - first**t) / (np.sqrt(v_new / (1 - second**t)) + 1e-8))
            m, v = m_new, v_new  # slots are kept in float32
    return p


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "name, options",
    [
        ("SGD", {"lr": 0.05}),
        ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
        ("AdamW", {"lr": 0.01, "weight_decay": 0.1, "betas": (0.9, 0.99)}),
    ],
    ids=str,
)
def test_half_precision_is_computed_in_float32_and_rounded_once(name, options, dtype):
    # float32 arithmetic instead of float64 may turn a rounding to half precision the other way: 1 ulp, rarely
    (start,) = draw([(400,)], dtype=dtype)
    p = torch.nn.Parameter(start.clone())
    optimizer = ours(name)([p], **options)
    grads = [draw([(400,)], 10 + i, dtype)[0] for i in range(5)]
    for g in grads:
        p.grad = g.clone()
        optimizer.step()
    expected = torch.tensor(exact(name, options, start.double().numpy(), [g.double().numpy() for g in grads], dtype))
    gap = (p.detach().double() - expected).abs()
    ulp = torch.finfo(dtype).eps * expected.abs().clamp(min=float(torch.finfo(dtype).tiny))
    assert p.dtype == dtype
    assert (gap > 0).double().mean() < 0.02
    assert (gap <= 2 * ulp).all()
    slots = [v for k, v in optimizer.state[p].items() if k != "step"]
    assert {v.dtype for v in slots} <= {torch.float32}


def test_dtypes_mixed_in_one_group():
    made = [torch.nn.Parameter(torch.ones(5, dtype=d)) for d in (torch.float32, torch.float64, torch.bfloat16)]
    twins = copies(made)
    first, second = ct.SGD(made, lr=0.5), torch.optim.SGD(twins, lr=0.5)
    for p in (*made, *twins):
        p.grad = torch.full_like(p, 0.25)
    first.step(), second.step()
    assert [p.tolist() for p in made] == [p.tolist() for p in twins] == [[0.875] * 5] * 3


def model(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2)).double()


WAYS = {
    "a generator": lambda m: m.parameters(),
    "a list": lambda m: list(m.parameters()),
    "a tuple": lambda m: tuple(m.parameters()),
    "a dict's values": lambda m: dict(m.named_parameters()).values(),
    "names": lambda m: m.named_parameters(),
    "a list of names": lambda m: list(m.named_parameters()),
    "dictionaries": lambda m: [
        {"params": list(m[0].parameters())},
        {"params": list(m[2].parameters()), "lr": 0.3},
    ],
    "dictionaries with generators": lambda m: [{"params": x.parameters()} for x in (m[0], m[2])],
    "dictionaries with names": lambda m: [{"params": x.named_parameters(str(i))} for i, x in enumerate((m[0], m[2]))],
    "dictionaries from a generator": lambda m: ({"params": p, "lr": 0.1} for p in m.parameters()),
    "dictionaries with one tensor": lambda m: [{"params": p} for p in m.parameters()],
    "one parameter in a list": lambda m: [m[0].weight],
    "a subset": lambda m: m[2].parameters(),
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_give_parameters(way):
    one, two = model(), model()
    first, second = ct.AdamW(WAYS[way](one), lr=0.05), torch.optim.AdamW(WAYS[way](two), lr=0.05)
    assert [len(g["params"]) for g in first.param_groups] == [len(g["params"]) for g in second.param_groups]
    assert [g.get("param_names") for g in first.param_groups] == [g.get("param_names") for g in second.param_groups]
    x = torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(5, 4)
    for _ in range(5):
        for net, optimizer in ((one, first), (two, second)):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()
    same(one.parameters(), two.parameters())


def test_given_dictionaries_are_not_changed():
    p = params()
    group = {"params": (x for x in p), "lr": [0.1, 0.2]}
    before = dict(group)
    ct.SGD([group], lr=0.1)
    assert group == before


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_arguments_defaults_and_group_keys_are_torchs(name):
    from inspect import Parameter, signature

    mine, original = (signature(f(name).__init__).parameters for f in (ours, theirs))
    for key, argument in original.items():
        assert key in mine, key
        if argument.default is not Parameter.empty:
            assert mine[key].default == argument.default, key
        if argument.kind is not Parameter.KEYWORD_ONLY:
            assert list(mine).index(key) == list(original).index(key), key
    pair = Pair(name)
    assert set(pair.theirs.defaults) <= set(pair.ours.defaults)
    assert {k: v for k, v in pair.ours.defaults.items() if k in pair.theirs.defaults} == pair.theirs.defaults
    assert set(pair.theirs.param_groups[0]) <= set(pair.ours.param_groups[0])
    assert isinstance(pair.ours, torch.optim.Optimizer)
    assert set(pair.ours.param_groups[0]) - set(pair.theirs.param_groups[0]) == {"step", "max_norm"}


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_closure(name):
    one, two = model(), model()
    x = torch.ones(2, 4, dtype=torch.float64)
    found = []
    for net, optimizer in (
        (one, ours(name)(one.parameters(), lr=0.1)),
        (two, theirs(name)(two.parameters(), lr=0.1)),
    ):

        def closure(net=net, optimizer=optimizer):
            assert torch.is_grad_enabled()
            optimizer.zero_grad()
            loss = net(x).square().sum()
            loss.backward()
            return loss

        with torch.no_grad():
            found.append([optimizer.step(closure).item() for _ in range(4)] + [optimizer.step(None)])
    assert found[0][-1] is None
    np.testing.assert_allclose(found[0][:-1], found[1][:-1], rtol=1e-12, atol=1e-14)
    same(one.parameters(), two.parameters())


def test_step_hooks_fire_once_each_and_in_order():
    from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

    for cls in (ct.Adam, ct.AdamW, ct.SGD, ct.Adam):
        seen = []
        p = torch.nn.Parameter(torch.ones(2))
        optimizer = cls([p], lr=0.1)
        handles = [
            register_optimizer_step_pre_hook(lambda *a, seen=seen: seen.append("global pre")),
            optimizer.register_step_pre_hook(lambda *a, seen=seen, p=p: seen.append(("pre", p[0].item()))),
            optimizer.register_step_post_hook(lambda *a, seen=seen, p=p: seen.append(("post", p[0].item() < 1))),
            register_optimizer_step_post_hook(lambda *a, seen=seen: seen.append("global post")),
        ]
        p.grad = torch.ones(2)
        optimizer.step()
        for handle in handles:
            handle.remove()
        assert seen == ["global pre", ("pre", 1.0), ("post", True), "global post"]


def test_state_dict_hooks_see_and_change():
    p = params()
    optimizer = ct.Adam(p, lr=0.1)
    optimizer.register_state_dict_post_hook(lambda o, d: {**d, "mine": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, d: {k: v for k, v in d.items() if k != "mine"})
    loaded = []
    optimizer.register_load_state_dict_post_hook(lambda o: loaded.append(o.param_groups[0]["lr"]))
    state = optimizer.state_dict()
    assert state["mine"] == 1 and "calando" in state
    optimizer.load_state_dict(state)
    assert loaded == [0.1]


@pytest.mark.parametrize("to_none", [True, False])
def test_zero_grad(to_none):
    p = params()
    optimizer = ct.SGD(p, lr=0.1)
    for x in p:
        x.grad = torch.ones_like(x)
    optimizer.zero_grad(set_to_none=to_none)
    assert all(x.grad is None if to_none else not x.grad.any() for x in p)
    before = copy.deepcopy([x.detach() for x in p])
    optimizer.step()
    same(p, before, 0, 0)


def test_requires_grad_toggled_and_frozen_from_the_start():
    pair = Pair("AdamW", {"lr": 0.1})
    for side in (pair.left, pair.right):
        side[0].requires_grad_(False)
    for step in range(6):
        for side in (pair.left, pair.right):
            side[1].requires_grad_(step % 2 == 0)
        pair.step(out={0} if step % 2 == 0 else {0, 1})
    pair.same()


def test_gradients_are_not_written():
    p = params()
    optimizer = ct.AdamW(p, lr=0.1, max_norm=0.1, maximize=True)
    for x in p:
        x.grad = torch.ones_like(x)
    versions = [x.grad._version for x in p]
    optimizer.step()
    assert all((x.grad == 1).all() for x in p)
    assert [x.grad._version for x in p] == versions


def test_large_tensors_are_shared_by_threads():
    pair = Pair("AdamW", {"lr": 0.01}, shapes=[(65_537,), (300, 1000), (70_000,)])
    for step in range(3):
        pair.step(out={1} if step == 1 else ())
    pair.same()
