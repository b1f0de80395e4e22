"""A thousand groups are built in the time of a thousand, not of a million."""

import numpy as np
import pytest

from calando.decay import L2
from calando.engine import Engine
from calando.plan import Part
from calando.rules.adam import ADAM
from twins import Case, Twin, assert_same, make, usual


@pytest.fixture
def arranged(monkeypatch):
    """How many members have been arranged."""
    counts = []
    init = Part.__init__

    def counting(self, key, members):
        counts.append(len(members))
        init(self, key, members)

    monkeypatch.setattr(Part, "__init__", counting)
    return counts


def test_groups_that_come_one_by_one_are_arranged_once(arranged):
    made = [make([Case([np.full(3, float(n))], ADAM, L2, usual(ADAM))]) for n in range(50)]
    arranged.clear()
    engine = Engine([], [])
    for one in made:
        engine.extend(one.groups, one.hypers)
    assert arranged == []
    grads = [[np.ones(3)] for _ in range(50)]
    engine.step(grads)
    assert arranged == [50]
    twin = Twin([Case([np.full(3, float(n))], ADAM, L2, usual(ADAM)) for n in range(50)])
    twin.step(grads)
    assert_same(engine, twin)


def test_torchs_constructor_arranges_once_and_looks_for_doubles_once(arranged, torch):
    import calando.torch as ct

    params = [torch.nn.Parameter(torch.ones(2)) for _ in range(300)]
    optimizer = ct.AdamW([{"params": [p]} for p in params])
    assert arranged == [300] and len(optimizer.param_groups) == 300
    assert [group["params"][0] is p for group, p in zip(optimizer.param_groups, params, strict=True)] == [True] * 300
    with pytest.raises(ValueError, match="parameter '0' stands in group 7 and in group 9"):
        ct.AdamW([{"params": [params[7 if n == 9 else n]]} for n in range(12)])
    with pytest.raises(ValueError, match="parameter '0' stands in group 3 and in group 300"):
        optimizer.add_param_group({"params": [params[3]]})
    optimizer.add_param_group({"params": torch.nn.Parameter(torch.ones(2))})
    assert len(optimizer.param_groups) == 301 == len(optimizer.engine.groups)
    with pytest.raises(ValueError, match="names"):
        optimizer.add_param_group({"params": [("called", torch.nn.Parameter(torch.ones(2)))]})
    assert len(optimizer.param_groups) == 301 == len(optimizer.engine.groups)
