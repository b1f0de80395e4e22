"""docs/mindspore_quirks.md, recorded cases: how far MindSpore and calando are from what MindSpore documents."""

import re
from pathlib import Path

import pytest

from mindspore_front import kinds
from mindspore_front.golden_cases import GOLDEN, OURS, build
from mindspore_front.kinds import distance

PAGE = Path(__file__).parents[2] / "docs" / "mindspore_quirks.md"
ROWS = re.findall(r"^\| `((?:group:)?nn\.\w+/\d+)`[^|]*\| ([\d.e-]+) \| ([\d.e-]+) \|$", PAGE.read_text(), re.MULTILINE)

pytestmark = pytest.mark.skipif(not OURS, reason="other recordings are being tried")


def test_there_are_rows():
    told = {quirk for case_id, *_ in ROWS for quirk in GOLDEN.cases[case_id]["quirks"]}
    promised = {key.partition("@")[0] for key in GOLDEN.documented}
    assert told == {quirk for case_id in promised for quirk in GOLDEN.cases[case_id]["quirks"]}


@pytest.mark.parametrize("case_id, theirs, ours", ROWS)
def test_how_far_from_the_documentation(torch, case_id, theirs, ours):
    case, kind = GOLDEN.cases[case_id], kinds.calando_kind()
    optimizer, params = build(case, kind)
    _, pushes = GOLDEN.inputs(case)
    for grads in pushes:
        optimizer(kind.grads(grads[name] for name in case["param_order"]))
    promised, recorded = GOLDEN.promised(case, len(pushes)), GOLDEN.record(case, len(pushes))
    found = max(distance(GOLDEN.kept(kind.read(p), promised[n]), promised[n]) for n, p in params.items())
    assert found <= 1.5 * float(ours)
    assert max(distance(recorded[n], promised[n]) for n in params) == pytest.approx(float(theirs), rel=0.1)
