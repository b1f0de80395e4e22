"""What names in a script mean: ``optim.SGD`` is ``torch.optim.SGD``."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Iterable

from ...lexicon import DYNAMIC, GROUPED, MINDSPORE, SCHEDULERS, TORCH

STARS = {
    "torch.optim": set(TORCH),
    "torch.optim.lr_scheduler": set(SCHEDULERS),
    "mindspore.nn": {*MINDSPORE, *DYNAMIC},
    "mindspore.experimental.optim": set(GROUPED),
}
# The same thing under another name.
SAME = {
    "torch.optim.lr_scheduler.LRScheduler": "torch.optim.lr_scheduler._LRScheduler",
    "mindspore.ops.value_and_grad": "mindspore.value_and_grad",
}
HOMES = (
    "torch.optim.sgd.", "torch.optim.adam.", "torch.optim.adamw.", "torch.optim.rmsprop.", "torch.optim.optimizer.",
)  # fmt: skip


def inside(node: ast.AST) -> tuple[str, ast.AST] | None:
    """The name that an expression takes from another: ``a.x``, ``getattr(a, "x")``, ``a.__dict__["x"]``."""
    if isinstance(node, ast.Attribute):
        return node.attr, node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        named = node.args[1] if len(node.args) == 2 else None
        if isinstance(named, ast.Constant) and isinstance(named.value, str):
            return named.value, node.args[0]
    held = node.value if isinstance(node, ast.Subscript) else None
    named = node.slice if isinstance(node, ast.Subscript) else None
    if isinstance(held, ast.Attribute) and held.attr == "__dict__" and isinstance(named, ast.Constant):
        return str(named.value), held.value
    return None


def given_once(nodes: Iterable[ast.AST]) -> list[tuple[str, ast.expr]]:
    """The names of a script that are given a value in one place, and that value where it is no call."""
    stores: dict[str, int] = {}
    found: list[tuple[str, ast.expr]] = []
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            stores[node.id] = stores.get(node.id, 0) + 1
        elif isinstance(node, ast.arg):
            stores[node.arg] = 2
        elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Name, ast.Attribute)):
            found += [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
    return [(name, value) for name, value in found if stores[name] == 1]


class Names:
    """The imports of one module."""

    def __init__(self, nodes: Iterable[ast.AST], own: str = "") -> None:
        self.aliases: dict[str, str] = {}
        self.stars: list[str] = []
        self.own = own
        self.taken: set[str] = set()
        self.given: list[tuple[str, str, int]] = []  # names that results use besides, what was wanted, numbers before
        self.numbers: dict[str, int] = {}  # name → the first number behind it that may be free
        self.full: dict[ast.AST, str] = {}  # what was asked before
        for node in nodes:
            if isinstance(node, ast.Name):
                self.taken.add(node.id)
            elif isinstance(node, ast.arg):
                self.taken.add(node.arg)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.taken.add(node.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    head = alias.name.partition(".")[0]
                    self.aliases[alias.asname or head] = alias.name if alias.asname else head
            elif isinstance(node, ast.ImportFrom):
                base = self.base(node)
                for alias in node.names:
                    if alias.name == "*":
                        self.stars.append(base)
                    else:
                        self.aliases[alias.asname or alias.name] = f"{base}.{alias.name}".lstrip(".")
        self.taken |= set(self.aliases)
        for name, value in given_once(nodes):
            full = self._dotted(value)
            home, _, last = full.rpartition(".")
            if (full.startswith("torch.optim.") and last in (*TORCH, *SCHEDULERS)) or (
                home == "mindspore.nn" and last in MINDSPORE
            ):
                self.aliases.setdefault(name, full)

    def base(self, node: ast.ImportFrom) -> str:
        """The module that ``from … import`` names, dots resolved against the module's own name."""
        if not node.level:
            return node.module or ""
        above = self.own.split(".")[: -node.level] if self.own else []
        return ".".join([*above, *([node.module] if node.module else [])])

    def dotted(self, node: ast.AST) -> str:
        """The full name of an expression such as ``optim.SGD``; empty where it is none."""
        if node not in self.full:
            self.full[node] = self._dotted(node)
        return self.full[node]

    def _dotted(self, node: ast.AST) -> str:
        parts: list[str] = []
        while (step := inside(node)) is not None:
            name, node = step
            parts.append(name)
        if not isinstance(node, ast.Name):
            return ""
        head = self.aliases.get(node.id)
        if head is None:
            head = next((f"{star}.{node.id}" for star in self.stars if node.id in STARS.get(star, ())), node.id)
        full = ".".join([head, *reversed(parts)])
        for home in HOMES:
            if full.startswith(home):
                full = "torch.optim." + full[len(home) :]
        if full.startswith("mindspore.nn.optim.") and full.count(".") > 3:
            full = f"mindspore.nn.{full.rpartition('.')[2]}"  # mindspore.nn.optim.momentum.Momentum
        return SAME.get(full, full)

    def free(self, wanted: str) -> str:
        """A name that the script does not use: ``wanted``, or with a number behind it."""
        before = self.numbers.get(wanted, 2)
        name, number = wanted, before
        while name in self.taken or keyword.iskeyword(name) or hasattr(builtins, name):
            name, number = f"{wanted}_{number}", number + 1
        self.taken.add(name)
        self.given.append((name, wanted, before))
        self.numbers[wanted] = number
        return name

    def give_back(self, size: int) -> None:
        """Forget all names that were given but the first ``size``."""
        while len(self.given) > size:
            name, wanted, number = self.given.pop()
            self.taken.discard(name)
            self.numbers[wanted] = number
