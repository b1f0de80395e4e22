"""The call that makes an optimizer of MindSpore's, as one of PyTorch's or calando's."""

from __future__ import annotations

import ast

from ...lexicon import MINDSPORE, TORCH
from ..finding import CHECK, REWRITTEN, Spoken
from ..reading.blocks import statement_of
from ..reading.carry import constant
from ..reading.unpack import unpacked
from ..speak import respoken
from ..work import Left, off
from .as_lambda import lambda_lr, paced
from .back import Back
from .params import parameters
from .rates import moves, schedule_text
from .tensors import is_tensor, untensored

DROPPED = (
    "relative_step","use_locking", "update_slots", "loss_scale", "use_lazy", "use_offload",
    "use_nesterov", "use_amsgrad",
)  # fmt: skip


def spelled_out(back: Back) -> None:
    """``**options`` that are written out as a dictionary are read as arguments.

    Raises:
        Left: they are not.
    """
    call, scope = back.thing.node, back.thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    back.code = scope.file.source.code(call)
    if None in back.given:
        back.code, options = unpacked(back.work, scope, call)
        del back.given[None]
        back.given.update(options)


def construct(back: Back, name: str) -> None:
    """Rewrite the call that makes an optimizer.

    Raises:
        Left: an argument has no counterpart.
    """
    work, given = back.work, back.given
    call, scope = back.thing.node, back.thing.scope
    assert isinstance(call, ast.Call) and scope is not None
    if "params" not in given:
        raise Left("its parameters are not written out")
    back.moving = moves(work, back.thing, given)
    choose(back, name)
    names, values = words(back)
    extra = {**aloud(back, name), **betas(back, name)}
    values.update({n: None for n in ("beta1", "beta2") if n in given and "betas" in extra})
    rates(back, values)
    values["params"] = parameters(work, scope, given["params"], given.get("weight_decay"))
    home = back.target.rpartition(".")[0]
    work.need(scope.file, "import torch" if home == "torch.optim" else f"import {home}")
    text = respoken(back.code, back.target, MINDSPORE[name].order, names, values, extra)
    called, line = back.named_first
    if called:
        work.before(scope.file, statement_of(scope.file, call), f"{called} = {text}", line)
    work.replace(scope.file, call, called or text)
    work.say(scope.file, call, *equality(back, name), "optimizer")


def words(back: Back) -> tuple[dict[str, str | tuple[str, ...]], dict[str, str | None]]:
    """What each argument is called in the class that an optimizer becomes, and those that it does not have."""
    form, given = back.form, back.given
    values: dict[str, str | None] = {n: None for n in DROPPED if n in given}
    names: dict[str, str | tuple[str, ...]] = {"params": "params"}
    names.update({old: new for old, new in form.names.items() if not new.startswith("betas")})
    if scaled(back):
        names["loss_scale"] = "loss_scale"
        del values["loss_scale"]
    for old, new in form.only.items():
        if old in given and not off(given[old]):
            names[old] = new
            values.pop(old)
    return names, values


def betas(back: Back, name: str) -> dict[str, str]:
    """Two arguments of MindSpore's as the pair that PyTorch's classes are given."""
    given, scope = back.given, back.thing.scope
    assert scope is not None
    if back.form.names.get("beta1") != "betas0" or not {"beta1", "beta2"} & set(given):
        return {}
    code = scope.file.source.code
    pair = [code(given[n]) if n in given else repr(MINDSPORE[name].default(n)) for n in ("beta1", "beta2")]
    return {"betas": f"({', '.join(pair)})"}


def rates(back: Back, values: dict[str, str | None]) -> None:
    """The learning rate and the weight decay, which may move."""
    work, given, scope = back.work, back.given, back.thing.scope
    assert scope is not None
    statement = statement_of(scope.file, back.thing.node)
    for word in ("learning_rate", "weight_decay"):
        if word in given and (text := schedule_text(work, scope, given[word], statement, word)):
            values[word] = text
    if work.wish.style == "guide" and paced(back):
        lambda_lr(back, values)
    if "learning_rate" not in values and is_tensor(scope.file, given.get("learning_rate")):
        values["learning_rate"] = untensored(scope.file, given["learning_rate"])


def choose(back: Back, name: str) -> None:
    """The class that an optimizer becomes.

    Raises:
        Left: the style has none.
    """
    form, exact = back.form, back.work.wish.style == "exact"
    special = [n for n in form.only if n in back.given and not off(back.given[n])]
    if scaled(back):
        special.append("loss_scale, which the lines of its update do not know")
    ours = exact and (back.moving or bool(form.why) or bool(special))
    back.target = form.ours if ours else f"torch.optim.{form.torch}"
    if not exact and (not form.torch or special):
        why = f"torch.optim.{form.torch} has no {special[0]}" if special and form.torch else form.why
        raise Left(f"{why}; --style exact has it")


def scaled(back: Back) -> bool:
    """Whether the class that an optimizer becomes must divide gradients itself."""
    scope, held = back.thing.scope, back.given.get("loss_scale")
    assert scope is not None
    return back.way.carried and held is not None and constant(back.work.flow, held, scope) != 1


def equality(back: Back, name: str) -> tuple[str, str]:
    """How certain it is that an optimizer follows the same path, and why."""
    if name == "Momentum" and not off(back.given.get("use_nesterov")):
        told = "plain momentum: MindSpore ignores use_nesterov on the CPU; add nesterov=True if it ran elsewhere"
        return CHECK, told
    if back.form.why and back.target.startswith("torch."):
        return CHECK, f"{back.target} is not equal: {back.form.why}"
    if name == "FTRL" and not off(back.given.get("l1")):
        return CHECK, f"{back.target} follows the documentation; with l1, MindSpore's CPU kernel does not"
    if name == "RMSProp":
        return CHECK, f"{back.target} has eps inside the root, as documented; the CPU's kernel has it outside in places"
    lazy = name == "LazyAdam" or not off(back.given.get("use_lazy"))
    if lazy and any("sparse=True" in file.source.text for file in back.work.flow.files):
        return CHECK, f"{back.target} moves every row; of a sparse gradient MindSpore's moved only its own"
    if name == "AdaFactor":
        return CHECK, f"{back.target} decays groups and hears the loss scale, as documented; the CPU's kernel does not"
    if name == "Lamb":
        return CHECK, f"{back.target} follows the GPU's kernel, of which there is no live one to compare with here"
    return REWRITTEN, f"{back.target} follows the same path"


def aloud(back: Back, name: str) -> dict[str, str]:
    """Defaults of MindSpore that the class it becomes does not have, said aloud."""
    extra: dict[str, str] = {}
    call, scope = back.thing.node, back.thing.scope
    home, _, cls = back.target.rpartition(".")
    if home not in ("torch.optim", "calando.torch") or cls not in TORCH:
        return extra
    assert scope is not None
    for old, new in back.form.names.items():
        if old in back.given or new.startswith("betas"):
            continue
        mine, its = MINDSPORE[name].default(old), TORCH[cls].default(new)
        if mine != its:
            extra[new] = repr(mine)
            told = f"PyTorch's default is {its!r}, MindSpore's {mine!r}"
            back.work.spoken.append(Spoken(scope.file.source.name, call.lineno, cls, new, repr(mine), told))  # type: ignore[attr-defined]
    return extra
