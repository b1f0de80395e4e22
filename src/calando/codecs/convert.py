"""From one framework's checkpoint to the other's: ``calando convert SOURCE TARGET``.

The file that is read says itself what it is. What is written follows the ending: ``.ckpt`` is MindSpore's; ``.pt``,
``.pth`` and ``.bin`` are torch's; ``.safetensors`` is torch's unless MindSpore's is asked for. Everything that does not
travel is told, one sentence each.
"""

import os
from collections.abc import Iterable, Mapping
from math import inf, isfinite
from pathlib import Path
from typing import Any

from ..hyper import interval
from ..rules import RULES
from . import beside, mindspore, mindspore_ckpt, mindspore_safetensors, safetensors, torch, torch_safetensors
from .crossing import settled, stripped, translated, unwrapped
from .entry import Entry
from .errors import CheckpointError, naming
from .families import BY_NAME, FAMILIES
from .portable import Portable, Told, listed
from .run import run

TORCH_ENDS = (".pt", ".pth", ".bin")
IN_ORDER = (
    "the parameters of the groups have no names; taken for those of the network, in its order. Where the groups have "
    "another order, build the optimizer with named_parameters() and store it again"
)
CALANDO, SAFE, CKPT, ZIP = "calando", "safetensors", "ckpt", "pt"


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    to: str | None = None,
    like: str | os.PathLike[str] | None = None,
    only: str | None = None,
    optimizer: str | None = None,
    values: Mapping[str, float] | None = None,
    strict: bool = False,
    dry_run: bool = False,
) -> Told:
    """Write the checkpoint ``source`` as ``target``, in the other framework's names where its format is the other's.

    Args:
        to: ``"torch"`` or ``"mindspore"``: whose names a ``.safetensors`` has; None: torch's.
        like: a checkpoint of the other framework's network: parameters get its names and shapes.
        only: ``"network"`` or ``"optimizer"``: leave the other out.
        optimizer: what optimizer it is to be in the target (or is in a file of MindSpore whose slots do not say it), as
            ``"Momentum"`` or ``"LazyAdam"``.
        values: hyperparameters that the source does not have or that are to be others, and ``step``.
        strict: raise for what does not travel.
        dry_run: write nothing.

    Returns:
        What travelled, what is to be given to a constructor, what was lost.

    Raises:
        OSError: a file that is not there, or no space; what was at ``target`` is untouched.
        CheckpointError: a source that cannot be read; with ``strict``, a loss.
        ValueError: arguments that do not go together.
    """
    told, place = Told(), Path(source)
    aim, wanted = framework_of(Path(target), to), family_asked(optimizer)
    with naming(place):
        if aim == "mindspore" and not (only or values or optimizer) and kind_of(place) in (CKPT, SAFE + "-ms"):
            return repacked(place, Path(target), strict, dry_run)
        found = read(place, told, wanted, values or (), aim)
        if found.optimizer is not None and optimizer in spoken(found.optimizer.family):
            wanted = found.optimizer.family
        narrowed(found, only, values or {})
        if found.optimizer is not None and found.optimizer.in_order and len(found.optimizer.groups) > 1:
            told.given.append(IN_ORDER)
        stripped(found.optimizer, told)
        crossing = found.framework != aim
        if crossing:
            unwrapped(found, told)
            template = None if like is None else template_of(Path(like), aim)
            told.lost = [text for text in told.lost if template is None or not text.startswith("the order of")]
            translated(found, aim, template, told)
        if found.optimizer is not None and wanted and optimizer in FAMILIES[wanted].mindspore.kin:
            found.optimizer.called = optimizer or ""
        settled(found, aim, crossing, wanted, told)
        beside.sifted(found, Path(target), aim, told)
        entries = mindspore.entries(found, told) if aim == "mindspore" else None
        summary(found, told)
        if not found.weights and found.optimizer is None and not entries:
            raise CheckpointError("nothing is left to be written")
        refuse_losses(source, strict, told)
    if not dry_run:
        write(Path(target), found, entries)
    return told


def template_of(path: Path, aim: str) -> Mapping[str, Entry]:
    """The network whose names are wanted.

    Raises:
        ValueError: it has no names of the framework that is written for.
    """
    found = read(path, Told())
    if found.framework != aim or not found.weights:
        has = f"names of {found.framework}" if found.weights else "no network"
        raise ValueError(f"--like must be a checkpoint of a network of {aim}'s, and {path} has {has}")
    return found.weights


def repacked(source: Path, target: Path, strict: bool, dry_run: bool) -> Told:
    """From one of MindSpore's two formats to the other: the same entries."""
    codec: Any = mindspore_ckpt if kind_of(source) == CKPT else mindspore_safetensors
    entries, told = codec.read(source), Told()
    texts = [name for name, entry in entries.items() if isinstance(entry, str)]
    if target.suffix == ".safetensors" and texts:
        told.lost.append(f"{listed(texts)}: texts, which safetensors cannot hold")
        entries = {name: entry for name, entry in entries.items() if name not in texts}
    told.travelled.append(f"{len(entries)} entries, bit for bit")
    refuse_losses(source, strict, told)
    if not dry_run:
        write(target, Portable("mindspore"), entries)
    return told


def refuse_losses(source: Any, strict: bool, told: Told) -> None:
    """Raise CheckpointError if nothing may be lost and something is."""
    if strict and told.lost:
        raise CheckpointError(f"{source}: with --strict nothing may be lost, but {'; '.join(told.lost)}")


def summary(found: Portable, told: Told) -> None:
    """What is in the new file."""
    first = []
    if found.weights:
        first.append(
            f"{len(found.weights)} parameters and buffers, {sum(e.data.nbytes for e in found.weights.values()):,} bytes"
        )
    if found.optimizer is not None:
        state, family = found.optimizer, FAMILIES[found.optimizer.family]
        side: Any = family.torch if found.framework == "torch" else family.mindspore
        slots = sorted({slot for p in state.params.values() for slot in p.slots})
        steps = f", step {state.clock}" if state.clock is not None else ""
        first.append(
            f"the state of {side.name}: {len(state.params)} parameters, slots {', '.join(slots) or 'none'}{steps}"
        )
    told.travelled[:0] = first


def framework_of(target: Path, to: str | None) -> str:
    """Whose file it is to be.

    Raises:
        ValueError: an ending that says nothing, or one that contradicts ``to``.
    """
    known = {".ckpt": "mindspore", **dict.fromkeys(TORCH_ENDS, "torch"), ".safetensors": to or "torch"}
    found = known.get(target.suffix)
    if found is None:
        raise ValueError(f"{target}: the ending must be one of {', '.join(known)}, and says what is written")
    if to not in (None, found):
        raise ValueError(f"{target}: a {target.suffix} is a file of {found}, and --to says {to}")
    return found


def family_asked(name: str | None) -> str | None:
    """The family that a user means.

    Raises:
        ValueError: no such optimizer.
    """
    if name is not None and name not in BY_NAME:
        raise ValueError(f"--optimizer must be one of {', '.join(sorted(BY_NAME))}, but got {name!r}")
    return None if name is None else BY_NAME[name]


def spoken(family: str) -> tuple[str, ...]:
    """What both frameworks call a family."""
    known = FAMILIES.get(family)
    return (known.torch.name, known.mindspore.name) if known else ()


def kind_of(path: Path) -> str:
    """What a file is, by how it begins.

    Raises:
        CheckpointError: no checkpoint.
        OSError: it is not there.
    """
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; {instead(path)}")
    with open(path, "rb") as file:
        first = file.read(9)
    if first.startswith(b"PK\x03\x04"):
        return ZIP
    if first[8:9] == b"{":
        with open(path, "rb", buffering=0) as raw:
            told = safetensors.Reader(path, raw).told
        return CALANDO if told.get("format") == "calando" else SAFE if told.get("format") != "ms" else SAFE + "-ms"
    if first.startswith((b"\x0a", *mindspore_ckpt.ENCRYPTED)):
        return CKPT
    if first.startswith(b"\x80"):
        raise CheckpointError(
            f"{path} is a file of pickle, or of torch.save before PyTorch 1.6; calando does not open it: load it "
            "in torch and save its state_dict() again"
        )
    raise CheckpointError(f"{path} is no checkpoint of PyTorch, MindSpore or calando" if first else f"{path} is empty")


def instead(folder: Path) -> str:
    """What to give in the place of a folder: the newest checkpoint in it."""
    ends = (*TORCH_ENDS, ".ckpt", ".safetensors", f".{CALANDO}")
    found = [path for path in folder.rglob("*") if path.suffix in ends and path.is_file()]
    if not found:
        return f"give a checkpoint, a file; no file in it ends in {', '.join(ends)}"
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
    return f"give one of its {len(found)} checkpoints, a file; the newest is {newest}"


def read(
    path: Path, told: Told, family: str | None = None, given: Iterable[str] = (), aim: str | None = None
) -> Portable:
    """A checkpoint of any kind.

    Args:
        given: hyperparameters that the user gives, so that none need be told.
        aim: whose words are wanted, where the file has both.
    """
    kind = kind_of(path)
    if kind == ZIP:
        return torch.read(path)
    if kind == SAFE:
        return torch_safetensors.read(path)
    if kind == CALANDO:
        return run(path, told, aim)
    codec: Any = mindspore_ckpt if kind == CKPT else mindspore_safetensors
    found = mindspore.portable(path, codec.read(path), told, family, frozenset(given))
    if kind != CKPT and found.optimizer is not None:
        told.lost.append(
            "the order of the parameters: a safetensors file of MindSpore is sorted by names, and torch.optim takes "
            "state by number; convert the .ckpt, or give --like a checkpoint of the torch network"
        )
    return found


def write(path: Path, found: Portable, entries: Mapping[str, Entry | str] | None) -> None:
    """The new file."""
    if entries is not None:
        codec: Any = mindspore_ckpt if path.suffix == ".ckpt" else mindspore_safetensors
        codec.write(path, entries)
    elif path.suffix == ".safetensors":
        torch_safetensors.write(path, found)
    else:
        torch.write(path, found)


def narrowed(found: Portable, only: str | None, values: Mapping[str, float]) -> None:
    """Leave out the network or the optimizer, and put the user's numbers in the place of those in the file."""
    if values:
        overruled(found, values)
    if only is None:
        return
    if only not in ("network", "optimizer"):
        raise ValueError(f"--only must be network or optimizer, but got {only!r}")
    if only == "network":
        found.optimizer = None
    elif found.optimizer is None:
        raise CheckpointError("--only optimizer: the file has none")
    else:
        own = {name for group in found.optimizer.groups for name in group.params}
        found.weights = {name: entry for name, entry in found.weights.items() if name in own}
        found.beside = {}


def bounds(name: str) -> tuple[float, float]:
    """What a hyperparameter may be: [low, high), by the rules that have it."""
    known = [rule.domain[name] for rule in RULES.values() if name in rule.domain] or [(-inf, inf)]
    return min(low for low, _ in known), max(high for _, high in known)


def overruled(found: Portable, values: Mapping[str, float]) -> None:
    """Put the user's numbers in the place of those in the file.

    Raises:
        ValueError: there is no such hyperparameter, or no optimizer; a number that no rule takes.
    """
    if found.optimizer is None:
        raise ValueError("--set: the file has no optimizer")
    state, rest = found.optimizer, dict(values)
    wrong = [f"{name}={value:g}" for name, value in rest.items() if not isfinite(value)]
    if wrong:
        raise ValueError(f"--set: {wrong[0]}: a hyperparameter is a finite number")
    if "step" in rest:
        step = rest.pop("step")
        if step != int(step) or not 0 <= step < 2**31:
            raise ValueError(f"--set: step={step:g}: it counts updates, from 0 to {2**31 - 1}")
        state.clock = int(step)
        for param in state.params.values():
            param.age = state.clock if param.slots else param.age
    for group in state.groups:
        for name, value in rest.items():
            if name not in group.numbers:
                raise ValueError(f"--set: there is no {name!r}; it has step, {', '.join(group.numbers)}")
            low, high = bounds(name)
            if not low <= value < high:
                raise ValueError(f"--set: {name}={value:g}: {name} must {interval(low, high)}")
            group.numbers[name] = value
