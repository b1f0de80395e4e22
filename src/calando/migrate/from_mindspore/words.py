"""MindSpore's operators on gradients and loss scales, in PyTorch's words."""

from __future__ import annotations

import ast
import copy

from ..finding import REWRITTEN
from ..reading.carry import stored
from ..reading.parts import kept_as
from ..reading.scopes import File, Scope
from ..work import Left, Work

HOME = "calando.migrate.gradients"
SAME = {
    "sqrt", "square", "abs", "sum", "mean", "stack", "cat", "isnan", "isinf", "isfinite", "norm", "ones_like", "exp",
    "log", "sign", "rsqrt",
}  # fmt: skip
WORDS = {
    "mul": "({0} * {1})", "tensor_mul": "({0} * {1})", "div": "({0} / {1})", "realdiv": "({0} / {1})",
    "add": "({0} + {1})", "tensoradd": "({0} + {1})", "sub": "({0} - {1})", "reciprocal": "(1 / {0})",
    "cast": HOME + ".cast({0}, {1})", "dtype": "{0}.dtype", "shape": "{0}.shape", "scalar_to_tensor": "{0}",
    "fill": "torch.full({1}, {2}, dtype={0})", "oneslike": "torch.ones_like({0})",
    "zeroslike": "torch.zeros_like({0})", "zeros_like": "torch.zeros_like({0})",
    "clipbynorm": HOME + ".clip_each({0}, {1})", "clip_by_norm": HOME + ".clip_by_norm({0}, {1})",
    "clip_by_value": HOME + ".clip_by_value({0}, {1}, {2})", "clip_by_global_norm": HOME + ".clip_by_global_norm({0})",
    "assignadd": "{0}.add_({1})", "assign_add": "{0}.add_({1})", "assign": HOME + ".write({0}, {1})",
    "floatstatus": HOME + ".float_status({0})", "allreduce": HOME + ".all_reduce({0})", "addn": "sum({0})",
    "reshape": "{0}.reshape({1})", "lessequal": "({0} <= {1})", "less_equal": "({0} <= {1})",
    "less": "({0} < {1})", "greater": "({0} > {1})", "greaterequal": "({0} >= {1})", "greater_equal": "({0} >= {1})",
    "select": "torch.where({0}, {1}, {2})", "where": "torch.where({0}, {1}, {2})", "pow": "({0} ** {1})",
    "logicaland": "torch.logical_and({0}, {1})", "logical_and": "torch.logical_and({0}, {1})",
    "logicalor": "torch.logical_or({0}, {1})", "logical_or": "torch.logical_or({0}, {1})",
    "logicalnot": "torch.logical_not({0})", "logical_not": "torch.logical_not({0})", "reducemean": "{0}.mean()",
    "stop_gradient": "{0}.detach()", "reducesum": "{0}.sum()", "square": "{0}.square()", "sqrt": "{0}.sqrt()",
    **{name: f"torch.{name}({{0}})" for name in SAME - {"square", "sqrt"}},
}  # fmt: skip
TYPES = {"float32", "float16", "bfloat16", "float64", "int32", "int64"}


def operator(scope: Scope, work: Work, func: ast.expr) -> str:
    """The name of the operator of MindSpore's that is called, through the name of its object; empty where none is."""
    file = scope.file
    if isinstance(func, ast.Call):
        return tail(file.names.dotted(func.func))
    if isinstance(func, ast.Name):
        home = work.flow.home(scope, func.id)
        made = [s.value for _, s in stored(home).get(func.id, []) if isinstance(s, ast.Assign)]
        for value in made:
            if isinstance(value, ast.Call) and (found := tail(home.file.names.dotted(value.func))):
                return found
        return "" if made else plain(tail(file.names.dotted(func)))
    if isinstance(func, ast.Attribute):
        for home, kept in kept_as(scope, func):
            if isinstance(kept, ast.Call) and (found := tail(home.file.names.dotted(kept.func))):
                return found
        return plain(tail(file.names.dotted(func)))
    return ""


def plain(name: str) -> str:
    """The name of a function; empty for that of a class, which is made here and not called."""
    return name if not name[:1].isupper() or name == "Tensor" else ""


def tail(dotted: str) -> str:
    """The last part of a name of MindSpore's; empty for another name."""
    return dotted.rpartition(".")[2] if dotted.startswith("mindspore.") else ""


class Words(ast.NodeTransformer):
    """An expression in PyTorch's words.

    Raises:
        Left: an operator has no counterpart here.
    """

    def __init__(self, work: Work, scope: Scope) -> None:
        self.work, self.scope = work, scope

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """An operator in its template; what is not MindSpore's is kept."""
        name = operator(self.scope, self.work, node.func)
        if not name:
            if isinstance(node.func, ast.Attribute) and node.func.attr == "value" and not node.args:
                return self.visit(node.func.value)
            return self.generic_visit(node)
        if name == "Tensor" and node.args:
            return self.visit(node.args[0])
        if name in ("tuple_to_array", "scalar_to_array") or (name == "cast" and bare(self, node)):
            inner = bare(self, node) if name == "cast" else node.args[0]
            single = isinstance(inner, ast.Tuple) and len(inner.elts) == 1
            return self.visit(inner.elts[0] if single else inner)  # type: ignore[union-attr, arg-type]
        template = WORDS.get(name.lower())
        if template is None or node.keywords or any(f"{{{len(node.args)}}}" in template for _ in (0,)):
            raise Left(f"MindSpore's {name} in line {node.lineno} has no counterpart on PyTorch's gradients")
        if name == "clip_by_global_norm" and len(node.args) == 2:
            template = template.replace("{0}", "{0}, {1}")
        for home in ("torch", HOME):
            if template.startswith(f"{home}."):
                self.work.need(self.scope.file, f"import {home}")
        return ast.parse(template.format(*(ast.unparse(self.visit(a)) for a in node.args)), mode="eval").body

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``mstype.float32`` is ``torch.float32``."""
        if node.attr in TYPES and self.scope.file.names.dotted(node).startswith("mindspore."):
            self.work.need(self.scope.file, "import torch")
            return ast.parse(f"torch.{node.attr}", mode="eval").body
        return self.generic_visit(node)


def bare(words: Words, node: ast.Call) -> ast.expr | None:
    """The tuple of one number that a cast makes a tensor of, which is a number in PyTorch; None for another cast."""
    inner = node.args[0] if node.args else None
    made = isinstance(inner, ast.Call) and operator(words.scope, words.work, inner.func) == "tuple_to_array"
    return inner.args[0] if made else None  # type: ignore[union-attr]


def said(work: Work, scope: Scope, node: ast.expr) -> str:
    """An expression in PyTorch's words, as text."""
    changed = Words(work, scope).visit(copy.deepcopy(node))
    same = ast.dump(changed) == ast.dump(node)
    return scope.file.source.code(node) if same else ast.unparse(changed)


def worded(work: Work, scope: Scope, statement: ast.AST) -> bool:
    """Rewrite MindSpore's operators in a statement; whether there were any.

    Raises:
        Left: one has no counterpart.
    """
    found = list(outermost(work, scope, statement))
    for node in found:
        text = said(work, scope, node)
        part = isinstance(scope.file.parents[node], (ast.BinOp, ast.UnaryOp, ast.Attribute, ast.Compare))
        whole = isinstance(ast.parse(text, mode="eval").body, (ast.BinOp, ast.UnaryOp))
        work.replace(scope.file, node, f"({text})" if part and whole else text)
    if found:
        work.say(scope.file, statement, REWRITTEN, "the same formula in PyTorch's words", "step")
    return bool(found)


def outermost(work: Work, scope: Scope, node: ast.AST) -> list[ast.expr]:
    """The calls of operators in a piece of code that stand in no other."""
    if id(node) in work.told or isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return []
    if isinstance(node, ast.Call):
        value = isinstance(node.func, ast.Attribute) and node.func.attr == "value" and not node.args
        if value or operator(scope, work, node.func):
            return [node]
    return [each for child in ast.iter_child_nodes(node) for each in outermost(work, scope, child)]


def objects(work: Work, file: File, body: list[ast.stmt], within: ast.AST) -> None:
    """Operators that are made as objects, whose calls in ``within`` were all rewritten, go; others stay."""
    for node in body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call) or id(node) in work.told:
            continue
        name = tail(file.names.dotted(node.value.func))
        if name.lower() not in WORDS and name not in ("HyperMap", "Map", "MultitypeFuncGraph"):
            continue
        text = ast.unparse(node.targets[0])
        reads = [
            n
            for n in ast.walk(within)
            if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Load) and ast.unparse(n) == text
        ]
        if all(id(read) in work.told for read in reads):
            work.remove(file, node)
            work.say(file, node, REWRITTEN, "PyTorch's words need no object for it", "step")
