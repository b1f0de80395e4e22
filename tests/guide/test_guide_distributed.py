"""docs/distributed.md: its Python in two processes beside one that sees all data; the errors at MindSpore's names."""

import copy
import doctest
import multiprocessing
import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "distributed.md"
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.S | re.M)
STEPS, PROCESSES = 3, 2


def started(torch):
    """A network of torch and one of calando's, and all the data."""
    import calando.mindspore as ms

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    net = ms.nn.Dense(4, 2)
    net.weight.set_data(torch.randn(2, 4))
    return model, net, torch.randn(8, 4)


def page_in_one_process(rank, meeting, results):
    """Every block of the page in order; what the weights are after each."""
    import torch

    torch.set_num_threads(1)
    model, net, everything = started(torch)
    first = copy.deepcopy(model.state_dict())
    torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=PROCESSES)
    if rank == 1:
        net.bias.set_data(torch.ones(2))  # the page makes first values equal
    room = {"torch": torch, "rank": rank, "x": everything[rank::PROCESSES], "model": model, "net": net}
    found = []
    for code in CODE:
        if "ZeroRedundancyOptimizer" in code or "fully_shard" in code:
            model.load_state_dict(first)
        if "nn.SGD" in code:
            found.append([p.asnumpy().copy() for p in net.trainable_params()])
        exec(code, room)
        params = net.trainable_params() if "ms." in code else room.get("pieces", model).parameters()
        found.append([whole(p).numpy().copy() for p in params])
        if "nn.SGD" in code or "before =" in code:
            found.append([g.detach().numpy().copy() for g in room["grads"]])
    share = sum(len(group["params"]) for group in room["sharded"].optim.param_groups)
    results.put((rank, found, share, room["sharded"].optim.trace("lr").ravel().tolist()))
    torch.distributed.destroy_process_group()


def whole(p):
    """A parameter, put together if it is in pieces."""
    return (p.full_tensor() if hasattr(p, "full_tensor") else p).detach()


@pytest.fixture(scope="module")
def two(torch, tmp_path_factory):
    """What two processes found: by rank."""
    context = multiprocessing.get_context("spawn")
    results, meeting = context.Queue(), tmp_path_factory.mktemp("meeting") / "file"
    workers = [context.Process(target=page_in_one_process, args=(r, str(meeting), results)) for r in range(PROCESSES)]
    for worker in workers:
        worker.start()
    try:
        found = sorted(results.get(timeout=120) for _ in workers)
    finally:
        for worker in workers:
            worker.join(30)
            worker.kill()
    return found


def assert_near(ours, theirs):
    for mine, told in zip(ours, theirs, strict=True):
        assert np.abs(mine - told).max() <= 1e-6 * max(1, np.abs(told).max())


def test_the_processes_agree(two):
    (_, first, *_), (_, second, *_) = two
    assert len(first) == 10
    for number, (mine, told) in enumerate(zip(first, second, strict=True)):
        if number not in (7, 9):  # the gradients of each half
            assert_near(mine, told)


@pytest.mark.parametrize(
    "block, options", [(0, {"max_norm": 1.0}), (2, {"weight_decay": 0.05}), (3, {"max_norm": 1.0})]
)
def test_torch_data_parallel_and_sharded(torch, two, block, options):
    from calando.schedules import Linear
    from calando.torch import AdamW

    model, _, everything = started(torch)
    optimizer = AdamW(model.parameters(), lr=Linear(0.1, 0.0, steps=10), **options)
    for _ in range(STEPS):
        optimizer.zero_grad()
        model(everything).square().mean().backward()
        optimizer.step()
    assert_near(two[0][1][block], [p.detach().numpy() for p in model.parameters()])


def test_each_process_has_a_share_of_the_moments(two):
    assert [share for _, _, share, _ in two] != [4, 4] and sum(share for _, _, share, _ in two) == 4
    for _, _, _, rates in two:
        assert rates == pytest.approx([0.1, 0.09, 0.08], rel=1e-12)


CHANGED = """
import torch
torch.distributed.init_process_group("gloo", init_method="file://MEETING", rank=0, world_size=1)
from torch.distributed.optim import ZeroRedundancyOptimizer
from calando.schedules import Linear
from calando.torch import SGD
model = torch.nn.Linear(2, 2)
sharded = ZeroRedundancyOptimizer(model.parameters(), optimizer_class=SGD, lr=Linear(0.5, 0.0, steps=4))
for change in (None, lambda: sharded.optim.set("lr", 9.0), lambda: sharded.param_groups[0].update(lr=0.125)):
    if change:
        change()
    model(torch.ones(1, 2)).sum().backward()
    sharded.step()
print(sharded.optim.trace("lr").ravel().tolist())
"""


def test_what_is_changed_in_the_groups_of_zero_takes_effect(torch, run, tmp_path):
    """And what is set in the optimizer inside is lost, as the page says."""
    code = CHANGED.replace("MEETING", str(tmp_path / "meeting"))
    assert run(code).splitlines()[-1] == "[0.5, 0.375, 0.125]"


def test_mindspore_words(torch, two):
    import calando.mindspore as ms
    from calando.schedules import Linear

    _, net, everything = started(torch)
    optimizer = ms.nn.Momentum(net.trainable_params(), Linear(0.1, 0.0, steps=10), 0.9, weight_decay=0.01)
    grad_fn = ms.value_and_grad(lambda data: net(data).square().mean(), None, optimizer.parameters)
    for _ in range(STEPS):
        optimizer(grad_fn(ms.Tensor(everything))[1])
    assert_near(two[0][1][1], [p.asnumpy() for p in net.trainable_params()])


def adasum(a, b):
    """The formula of the paper, in float64."""
    a, b = a.astype("f8"), b.astype("f8")
    dot = (a * b).sum()
    return (1 - dot / (2 * (a * a).sum())) * a + (1 - dot / (2 * (b * b).sum())) * b


def test_adasum_by_gradients_and_by_changes(two):
    (_, mine, *_), (_, told, *_) = two
    before, by_gradient, by_change = mine[5], mine[6], mine[8]
    assert_near(by_gradient, [p - 0.1 * adasum(a, b) for p, a, b in zip(before, mine[7], told[7], strict=True)])
    assert_near(
        by_change, [p + adasum(-0.1 * a, -0.1 * b) for p, a, b in zip(by_gradient, mine[9], told[9], strict=True)]
    )


def test_adasum_of_equal_and_of_orthogonal_gradients(torch):
    room = {"torch": torch}
    exec(next(code for code in CODE if "def adasum" in code), room)
    a, b, zero = torch.tensor([1.0, 2.0]), torch.tensor([-2.0, 1.0]), torch.zeros(2)
    assert room["adasum"](a, a).tolist() == a.tolist()
    assert room["adasum"](a, b).tolist() == (a + b).tolist()
    assert room["adasum"](a, zero).tolist() == a.tolist()


def test_the_examples_of_the_page(torch):
    text = re.sub(r"^```python\n.*?^```$", "", PAGE.read_text(encoding="utf-8"), flags=re.S | re.M)
    text = re.sub(r"^```.*$", "", text, flags=re.M)
    test = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted == 5 and result.failed == 0


NAMES = [
    ("nn", "AdaSumByGradWrapCell", "AdaSum's formula"),
    ("nn", "AdaSumByDeltaWeightWrapCell", "AdaSum's formula"),
    ("nn", "DistributedGradReducer", "torch.distributed.all_reduce"),
    ("nn", "PipelineCell", "torch.distributed.pipelining"),
    ("ops", "AllReduce", "torch.distributed.all_reduce"),
    ("ops", "Broadcast", "torch.distributed.broadcast"),
    ("context", "set_auto_parallel_context", "ZeroRedundancyOptimizer"),
    ("", "set_auto_parallel_context", "ZeroRedundancyOptimizer"),
    ("", "communication", "init_process_group"),
]


@pytest.mark.parametrize("room, name, way", NAMES)
def test_distributed_names(torch, room, name, way):
    import calando.mindspore as ms

    with pytest.raises(AttributeError, match=f"has no '{name}': .*{re.escape(way)}.* See docs/distributed.md"):
        getattr(getattr(ms, room) if room else ms, name)


@pytest.mark.parametrize(
    "line, name",
    [
        ("from calando.mindspore.nn import AdaSumByGradWrapCell", "nn.AdaSumByGradWrapCell"),
        ("from calando.mindspore.communication import init", "communication"),
        ("import calando.mindspore.communication", "communication"),
        ("from calando.mindspore import ParallelMode", "ParallelMode"),
    ],
)
def test_distributed_names_imported(torch, line, name):
    with pytest.raises(ImportError, match=f"there is no calando.mindspore.{name}: .* See docs/distributed.md"):
        exec(line)


def test_broadcast_params(torch):
    from calando.mindspore import nn

    optimizer = nn.SGD([np.ones(2)])
    with pytest.raises(
        AttributeError, match=r"'SGD' has no 'broadcast_params': .*nothing to send.* docs/distributed\.md"
    ):
        optimizer.broadcast_params(True)
    assert not hasattr(optimizer, "broadcast_params")
    optimizer.target = "CPU"
