"""docs/guide.md and docs/guide.zh-CN.md say what runs: each kind of code in the framework it is for, and in calando."""

import doctest
import re
from pathlib import Path

import pytest

from guide.blocks import BLOCKS, mindspore_names

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ["guide.md", "guide.zh-CN.md"]
FENCE = re.compile(r"^```(\w+(?: \w+)?)\n(.*?)^```$", re.S | re.M)
ALIKE = {
    "torch": ("from torch import optim", "import calando.torch as optim"),
    "mindspore": ("mindspore", "calando.mindspore"),
}

pytestmark = pytest.mark.usefixtures("torch")


def text_of(page):
    return (DOCS / page).read_text(encoding="utf-8")


def code_of(page, kind):
    """The blocks of one kind, one behind the other; kind ``pycon torch`` and the like."""
    return "\n".join(code for found, code in FENCE.findall(text_of(page)) if found == kind)


def run(code, name):
    test = doctest.DocTestParser().get_doctest(code, {}, name, name, 0)
    result = doctest.DocTestRunner().run(test)
    assert result.attempted >= 25
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES)
def test_calando(page):
    run(code_of(page, "pycon"), page)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("library", ["torch", "calando"])
def test_pytorch(page, library):
    code = code_of(page, "pycon torch")
    assert code.count("from torch import optim\n") == 1
    run(code if library == "torch" else code.replace(*ALIKE["torch"]), page)


@pytest.mark.parametrize("page", PAGES)
def test_mindspore_read_as_calando(page):
    code = code_of(page, "pycon mindspore")
    run(re.sub(r"^>>> (import|from) mindspore", r">>> \1 calando.mindspore", code, flags=re.M), page)


def test_mindspore(mindspore):
    run(code_of("guide.md", "pycon mindspore"), "guide.md")


def test_in_real_mindspore(mindspore, capsys):
    """The block with real parameters: 0.01 / 2, 0.01 / 3, 0.01 / 4 are the rates of the coming steps."""
    import numpy as np

    net, loss_fn = mindspore.nn.Dense(4, 2), mindspore.nn.MSELoss()
    room = {
        "net": net,
        "data": mindspore.Tensor(np.ones((8, 4), "f4")),
        "label": mindspore.Tensor(np.zeros((8, 2), "f4")),
        "forward_fn": lambda data, label: (loss_fn(net(data), label), label),
    }
    exec(code_of("guide.md", "python"), room)
    shown = [float(word) for word in capsys.readouterr().out.split()]
    assert shown == pytest.approx([0.005, 0.01 / 3, 0.0025], rel=1e-5)


def bare(code):
    """Code without its comments."""
    return re.sub(r"  #.*$", "", code, flags=re.M)


def test_both_languages_have_the_same_code():
    english, chinese = (FENCE.findall(text_of(page)) for page in PAGES)
    assert [kind for kind, _ in english] == [kind for kind, _ in chinese]
    for (_, mine), (_, other) in zip(english, chinese, strict=True):
        assert bare(mine) == bare(other)


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_slips_quotes_what_is_said(page):
    """Each sentence in the table is one that test_guide_mindspore_blocks and test_guide_torch_blocks get."""
    said = []
    for number, names in ((5, {}), (7, {}), (9, {}), (9, {"step_per_epoch": 10})):
        code = BLOCKS["mindspore", number].replace("import mindspore", "import calando.mindspore as mindspore")
        with pytest.raises((NameError, AttributeError)) as caught:
            exec(code, {**mindspore_names("calando.mindspore"), **names})
        said.append(str(caught.value))
    assert [sentence for sentence in said if f"`{sentence}`" not in text_of(page)] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = text_of(page)
    for target in re.findall(r"\]\(((?!https?:)[^)]+)\)", text):
        file, _, anchor = target.partition("#")
        assert (DOCS / (file or page)).exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", (DOCS / (file or page)).read_text(encoding="utf-8"), re.M)
            assert anchor in [re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles], target
