"""The scripts in the manner of real repositories, their migrations, and runs of both sides."""

import io
import re
import tokenize
from functools import cache
from pathlib import Path

from calando.migrate import Wish, migrate
from calando.migrate.prove.journal import load
from programs import run

HERE = Path(__file__).parent.parent / "references" / "migrate" / "real"
ALL = sorted(path.stem for path in HERE.iterdir() if path.suffix == ".py" or (path.is_dir() and path.name[0] != "_"))
LIBRARIES = {
    "lightning_module",
    "hf_accelerate",
    "fabric_loop",
    "bert_glue",
    "hf_schedules",
}  # they train with libraries that are not run here
# What MindSpore's side leaves to a human, and a word of the reason.
LEFT = {
    "adam_then_lbfgs": "no LBFGS",
    "backward_not_cleared": "not cleared between",
    "by_name": "only known when it runs",
    "class_table": "only known when it runs",
    "fairseq_trainer": "'params' is used",
    "getattr_config": "only known when it runs",
    "ignite_engine": "who calls update_lr",
    "language_model": "by hand",
    "lbfgs_sine": "no LBFGS",
    "lightning_module": "no call that updates",
    "loss_compute_called": "x comes from a network that is run before line 37, in another function",
    "loss_without_forward": "not found beside it",
    "notebook_fit_one_cycle": "only known when it runs",
    "own_optimizer_beside": "of the script's own in the same function",
    "part_clipped": "a part of the optimizer's parameters",
    "pix2pix": "is made inside backward_D",
    "registry_build": "no call that updates",
    "runner_hooks": "no call that updates",
    "sac_temperature": "stand by themselves",
    "sam_own_optimizer": "own",
    "style_transfer": "stand by themselves",
    "unknown_branch": "not known here",
}
# What no side of a target is rewritten of; of "pix2pix" one file is.
WHOLE = {"calando": {"getattr_config", "language_model"}, "mindspore": LEFT.keys() - {"pix2pix"}}
SAID = re.compile(
    r"\.zero_grad\(|\.backward\(|\.step\(|\.step_update\(|get_last_lr\(|\.param_groups|clip_grad_|GradScaler\(|unscale_\(|"
    r"scaler\.|optim\.[A-Z]\w+\(|[a-z]LR\(|add_param_group\(|(optimizer|scheduler)\.(load_)?state_dict\(|first_step|second_step"
)


def files(name):
    """The scripts of one sample: its name → its bytes."""
    if (HERE / name).is_dir():
        return {f"{name}/{path.name}": path.read_bytes() for path in sorted((HERE / name).glob("*.py"))}
    return {f"{name}.py": (HERE / f"{name}.py").read_bytes()}


@cache
def migrated(name, to, style="exact"):
    return migrate(files(name), Wish(to=to, style=style))


def spoken_of(data):
    """The lines with calls that have to do with an optimizer or schedule; comments and texts do not count."""
    found = set()
    lines = {}
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        if token.type not in (tokenize.COMMENT, tokenize.STRING, tokenize.ENCODING):
            lines.setdefault(token.start[0], []).append(token.string)
    for number, parts in lines.items():
        text = "".join(parts)
        if SAID.search(text) and not text.startswith(("import", "from", "class", "def")):
            found.add(number)
    return found


def rewritten(to):
    """The samples that are rewritten for a target and can be run."""
    return [name for name in ALL if name not in LIBRARIES | WHOLE[to]]


def play(room):
    """Run every sample and its migrations; journals by name and kind."""
    jobs = []
    for name in ALL:
        sides = {"source": None, "calando": "calando", "mindspore": "mindspore"}
        for side, to in sides.items():
            results = migrated(name, to or "calando").results
            if to and name not in LIBRARIES:
                assert any(result.changed for result in results) == (name in rewritten(to)), name
            if name in LIBRARIES or (to and name not in rewritten(to)):
                continue
            for result in results:
                place = room / side / result.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(result.after if to else result.before)
            script = room / side / (f"{name}/main.py" if (HERE / name).is_dir() else f"{name}.py")
            common = {
                "script": str(script),
                "folder": str(script.parent),
                "sides": ["torch"],
                "bridge": "",
                "replay": "",
            }
            if to == "mindspore":
                common.update(sides=["torch", "mindspore"], bridge="lend")
            kinds = {"source": [("source", "")], "calando": [("calando", "source")]}
            for kind, replay in kinds.get(side, [("mindspore", "source"), ("free", "")]):
                fed = str(room / f"{name}-{replay}.npz") if replay else ""
                jobs.append({**common, "replay": fed, "out": str(room / f"{name}-{kind}.npz")})
    run(room, jobs)
    return {path.stem: load(path) for path in room.glob("*.npz")}
