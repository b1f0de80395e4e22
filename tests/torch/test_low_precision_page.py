"""docs/low_precision.md says what runs, and its bytes are counted."""

import doctest
import re
from pathlib import Path

import pytest
import torch

import calando.torch as ct

PAGE = Path(__file__).parents[2] / "docs" / "low_precision.md"


def test_the_page_runs():
    text = re.sub(r"^```.*$", "", PAGE.read_text(encoding="utf-8"), flags=re.M)
    parsed = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    found = doctest.DocTestRunner(verbose=False).run(parsed)
    assert found.attempted > 10 and found.failed == 0


ROWS = {
    "float32": (torch.float32, {}),
    "bfloat16 or float16 weights, float32 moments": (torch.float16, {}),
    'the same, `rounding="kahan"`': (torch.bfloat16, {"rounding": "kahan"}),
    'the same, `rounding="stochastic"`': (torch.bfloat16, {"rounding": "stochastic"}),
    'float32 weights, `slot_dtype="bfloat16"`': (torch.float32, {"slot_dtype": "bfloat16"}),
    'float32 weights, `slot_dtype="int8"`': (torch.float32, {"slot_dtype": "int8"}),
    'bfloat16 weights, `slot_dtype="int8"`, `rounding="stochastic"`': (
        torch.bfloat16,
        {"slot_dtype": "int8", "rounding": "stochastic"},
    ),
    'bfloat16 weights, `slot_dtype="param"` (as in torch.optim)': (torch.bfloat16, {"slot_dtype": "param"}),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_bytes_are_counted(row):
    dtype, options = ROWS[row]
    told = re.search(rf"^\| {re.escape(row)} \| ([\d.]+)", PAGE.read_text(encoding="utf-8"), re.M)
    assert told is not None
    p = torch.nn.Parameter(torch.ones(2560, 2, dtype=dtype)[:, :1])  # with a gap, so that nothing is compiled
    optimizer = ct.AdamW([p], **options)
    p.grad = torch.ones_like(p)
    optimizer.step()
    arrays = [p, p.grad, *(x for name, x in optimizer.state[p].items() if name != "step")]
    assert sum(x.numel() * x.element_size() for x in arrays) / p.numel() == pytest.approx(float(told[1]), abs=0.005)
