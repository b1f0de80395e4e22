"""Which value of a name reaches a place: none that a run shows there may be missing, and what is hidden is left out."""

import ast
import random

import pytest

from calando.migrate.reading.flow import Flow
from calando.migrate.reading.source import read


class Drawn:
    """A random program that gives ``x`` numbers, each its own, and shows it at marked places."""

    def __init__(self, seed):
        self.random, self.given, self.shown = random.Random(seed), 0, 0
        self.text = "def whole(flip, show):\n    x = 0\n" + self.block(1, 0)

    def value(self):
        self.given += 1
        return f"x = {self.given}"

    def show(self):
        self.shown += 1
        return f"show({self.shown}, x)"

    def block(self, deep, loops):
        return "".join(self.statement("    " * deep, deep, loops) for _ in range(self.random.randint(1, 4)))

    def statement(self, pad, deep, loops):
        inner = self.block(deep + 1, loops) if deep < 4 else f"{pad}    {self.value()}\n"
        other = self.block(deep + 1, loops) if deep < 4 else f"{pad}    {self.show()}\n"
        turned = self.block(deep + 1, loops + 1) if deep < 4 else f"{pad}    {self.show()}\n"
        kind = self.random.choice(
            ["value", "show", "show", "if", "else", "for", "while", "try", "leave", "with", "row"]
        )
        return {
            "value": f"{pad}{self.value()}\n",
            "show": f"{pad}{self.show()}\n",
            "row": f"{pad}{self.show()}; {self.value()}; [{self.show()} for _ in range(2)]\n",
            "if": f"{pad}if flip():\n{inner}",
            "else": f"{pad}if flip():\n{inner}{pad}elif flip():\n{other}{pad}else:\n{pad}    {self.value()}\n",
            "for": f"{pad}for _ in range(2):\n{turned}",
            "while": f"{pad}while flip():\n{turned}",
            "try": f"{pad}try:\n{inner}{pad}    if flip(): raise ValueError\n{pad}except ValueError:\n{other}",
            "with": f"{pad}with flip.open():\n{inner}",
            "leave": f"{pad}if flip():\n{pad}    {self.random.choice(['continue', 'break']) if loops else 'return'}\n",
        }[kind]


class Flip:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def __call__(self):
        return self.random.random() < 0.4

    def open(self):
        import contextlib

        return contextlib.nullcontext()


def reached(text):
    """Of each marked place, the numbers that may reach it; None where any may."""
    flow = Flow([read(text.encode(), "drawn.py")], ["drawn"])
    file = flow.files[0]
    found = {}
    for node, scope in file.where.items():
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "show":
            places = flow.reaching(scope, node.args[1])
            values = [file.parents[place].value.value for place in places] if places is not None else None
            found[node.args[0].value] = values
    return found


def test_what_a_run_shows_is_found():
    compared = hidden = 0
    for seed in range(400):
        drawn = Drawn(seed)
        asked, world = reached(drawn.text), {}
        exec(drawn.text, world)
        for run in range(8):
            shown = []
            world["whole"](Flip(run), lambda place, value, shown=shown: shown.append((place, value)))
            for place, value in shown:
                if asked[place] is not None:
                    assert value in asked[place], f"seed {seed}, place {place}:\n{drawn.text}"
                    compared += 1
                    hidden += len(asked[place]) < drawn.given + 1
    assert compared > 5000 and hidden > 4000


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("x = 1\nx = 2\nshow(1, x)\n", [2]),
        ("x = 1\nfor i in y:\n    show(1, x)\nx = 2\n", [1]),
        ("x = 1\nfor i in y:\n    show(1, x)\n    x = 2\n", [1, 2]),
        ("x = 1\nif y:\n    x = 2\nshow(1, x)\n", [1, 2]),
        ("x = 1\nif y:\n    x = 2\nelse:\n    x = 3\nshow(1, x)\n", [2, 3]),
        ("x = 1\nif y:\n    x = 2\nelse:\n    raise ValueError\nshow(1, x)\n", [2]),
        ("x = 1\nx = 2\ndef f():\n    show(1, x)\n", None),
        ("def f():\n    global x\n    x = 2\nx = 1\nf()\nshow(1, x)\n", None),
    ],
)
def test_a_later_value_hides_an_earlier_one(text, wanted):
    assert reached(text)[1] == wanted


def test_a_name_that_gets_another_optimizer_is_another_optimizer():
    text = """\
import torch
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.Adam(model.parameters())
optimizer.step()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
optimizer.step()
"""
    flow = Flow([read(text.encode(), "two.py")], ["two"])
    steps = [(s, c) for s, c in flow.files[0].calls if getattr(c.func, "attr", "") == "step"]
    names = {c.lineno: [t.name for t in flow.things(s, c.func.value)] for s, c in steps}
    assert names == {4: ["torch.Adam"], 6: ["torch.SGD"]}
