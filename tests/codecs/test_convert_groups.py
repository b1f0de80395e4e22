"""Converting optimizers of several groups: whose state is whose, with names and without, and what is told of which."""

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import calando
import calando.mindspore.nn as nn
import calando.torch as ct
from calando.cli import main
from calando.codecs.convert import IN_ORDER, convert
from calando.codecs.errors import CheckpointError


def trained(groups, params):
    optimizer = ct.AdamW(groups, lr=0.1)
    for i, p in enumerate(params):
        p.grad = torch.full_like(p, float(i + 1))
    optimizer.step()
    return optimizer


def layers():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4, bias=False), torch.nn.Linear(4, 5, bias=False))


def stored(kind, folder, net, optimizer):
    """A file with a network and its optimizer."""
    path = folder / f"a{kind}"
    if kind == ".pt":
        torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict()}, path)
    else:
        calando.save(path, model=net, optimizer=optimizer)
    return path


def test_groups_without_names_and_network_keep_the_state_of_each_parameter(tmp_path):
    params = [torch.nn.Parameter(torch.zeros(shape)) for shape in [(3, 4), (5,), (2,)]]
    optimizer = trained([{"params": params[:1]}, {"params": params[1:], "lr": 0.5}], params)
    calando.save(tmp_path / "a.calando", optimizer=optimizer)
    assert convert(tmp_path / "a.calando", tmp_path / "a.pt").lost == []
    twins = [torch.nn.Parameter(torch.zeros_like(p)) for p in params]
    other = torch.optim.AdamW([{"params": twins[:1]}, {"params": twins[1:]}], lr=0.2)
    other.load_state_dict(torch.load(tmp_path / "a.pt", weights_only=True))
    assert [group["lr"] for group in other.param_groups] == [0.1, 0.5]
    for p, q in zip(params, twins, strict=True):
        for key in ("step", "exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(optimizer.state[p][key], other.state[q][key], rtol=0, atol=0)


@pytest.mark.parametrize("kind", [".calando", ".pt"])
def test_groups_without_names_are_taken_in_the_networks_order_and_that_is_told(tmp_path, kind):
    net = layers()
    optimizer = trained([{"params": layer.parameters()} for layer in net], list(net.parameters()))
    told = convert(stored(kind, tmp_path, net, optimizer), tmp_path / "a.ckpt")
    assert IN_ORDER in told.given and told.lost == []
    alone = ct.AdamW(net.parameters(), lr=0.1)
    assert IN_ORDER not in convert(stored(kind, tmp_path, net, alone), tmp_path / "a.ckpt").given


@pytest.mark.parametrize("kind", [".calando", ".pt"])
def test_groups_in_another_order_need_names(tmp_path, kind):
    net = layers()
    optimizer = trained([{"params": net[i].parameters()} for i in (1, 0)], list(net.parameters()))
    path = stored(kind, tmp_path, net, optimizer)
    with pytest.raises(CheckpointError, match=r"\(5, 4\), but '0.weight' of the network is \(4, 3\).*named_parameters"):
        convert(path, tmp_path / "b.pt" if kind == ".calando" else tmp_path / "b.ckpt")
    assert not any(tmp_path.glob("b.*"))
    named = [{"params": net[i].named_parameters(prefix=str(i))} for i in (1, 0)]
    optimizer = trained(named, list(net.parameters()))
    told = convert(stored(kind, tmp_path, net, optimizer), tmp_path / "b.ckpt")
    assert IN_ORDER not in told.given and told.lost == []
    back = convert(tmp_path / "b.ckpt", tmp_path / "c.pt")
    assert back.lost == []
    state = torch.load(tmp_path / "c.pt", weights_only=True)["optimizer"]["state"]
    assert sorted(tuple(face["exp_avg"].shape) for face in state.values()) == [(4, 3), (5, 4)]
    assert {tuple(face["exp_avg"].shape): round(float(face["exp_avg"].mean()), 6) for face in state.values()} == {
        (4, 3): 0.1,
        (5, 4): 0.2,
    }


def test_what_is_lost_of_each_group_is_a_line_of_its_own_and_counted(tmp_path):
    arrays = [np.ones((3, 4), np.float32), np.ones((5, 2), np.float32)]
    groups = [{"params": [x]} for x in arrays]
    optimizer = nn.AdaFactor(groups, learning_rate=0.1, beta1=0.9, relative_step=False, scale_parameter=False)
    optimizer([np.ones_like(x) for x in arrays])
    calando.save(tmp_path / "a.calando", optimizer=optimizer)
    lines = (
        CliRunner().invoke(main, ["convert", str(tmp_path / "a.calando"), str(tmp_path / "a.pt")]).output.split("\n")
    )
    lost = [line for line in lines if line.startswith("  - ")]
    assert [line for line in lost if "beta1 is not 0" in line] == [
        f"  - group {i}: beta1 is not 0, and torch's Adafactor has nothing like it" for i in (0, 1)
    ]
    assert f"{len(lost)} did not travel (-)" in lines and len(set(lost)) == len(lost)
