"""``calando explain``: what an optimizer does, on one page."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from cli_runs import call, done

from calando.kernels.entry import Entry, Order
from calando.rules import RULES
from calando.show import explain, floor
from calando.show.traffic import Traffic


def said(*args):
    """The page as one line, so that columns do not matter."""
    return " ".join(done("explain", *args).output.split())


def every_name():
    return [f"{room}.{name}" for room in explain.ROOMS for name in explain.names(room)]


@pytest.mark.parametrize("name", every_name())
def test_every_optimizer_and_every_rule_has_a_page(name):
    about = explain.subject(name)
    text = explain.page(about)
    assert about.rule.source in text and "Hyperparameters" in text
    assert all(slot in text for slot in about.rule.slots)
    assert about.fused == ("bytes" in text)


def test_both_front_ends_and_the_rules_are_there():
    names = every_name()
    assert {"torch.AdamW", "mindspore.Lamb", "mindspore.LARS", "rule.adam"} <= set(names)
    assert {name.removeprefix("rule.") for name in names if name.startswith("rule.")} == set(RULES)


def test_the_page_of_adamw(extra):
    text = said("adamw")
    assert text.startswith("calando.torch.AdamW rule adam source arXiv:1412.6980, Algorithm 1")
    assert (
        "first g ← scale g, p ← (1 - lr λ) p (arXiv:1711.05101, Algorithm 2) p: the parameter, g: its gradient" in text
    )
    assert "scale: ±1 (minus to maximize) times the clip factor" in text and "λ: the weight decay slots" in text
    assert "center" not in text.partition("slots")[0]  # nothing is centred here
    assert "slots m (exp_avg), v (exp_avg_sq)" in text and "m ← m + (1 - β₁)(g - m)" in text
    assert "lr 0.001 must lie in [0, inf)" in text and "betas (0.9, 0.999) must lie in [0, 1), each" in text
    assert "28 bytes one pass: reads p, g, m, v; writes p, m, v" in text


def test_mindspore_and_what_has_no_default():
    text = said("mindspore.Lamb")
    assert text.startswith("calando.mindspore.nn.Lamb(learning_rate=0.001)")
    assert "slots m (lamb_m), v (lamb_v)" in text and "see also torch.Lamb, rule.lamb" in text
    assert "16 bytes before it, for norms: reads p, g, m, v" in text


def test_arguments_choose_the_rule(extra):
    assert "rule sgd source" in said("sgd")
    assert "rule sgd_nesterov" in said("torch.SGD", "momentum=0.9", "nesterov=true")
    assert "rule adam_epsilon_hat_ahead" in said("mindspore.Adam", "use_nesterov=True")


def test_a_long_name_and_any_case(extra):
    assert said("torch.optim.nadam") == said("NADAM") == said("calando.torch.NAdam")


@pytest.mark.parametrize(
    ("rule", "decay", "words", "expected"),
    [  # counted by hand: arrays read and written, 4 bytes each
        ("sgd", "l2", {}, 12),
        ("sgd_momentum", "l2", {}, 20),
        ("adam", "decoupled", {}, 28),
        ("adam", "decoupled", {"clipped": True}, 32),
        ("adam", "decoupled", {"centered": True}, 32),
        ("adam", "l2", {"centered": True}, 36),
        ("amsgrad", "l2", {}, 36),
        ("lamb", "inside", {}, 28 + 16),
        ("lamb", "inside", {"clipped": True}, 28 + 16 + 4),
    ],
)
def test_bytes_of_a_step(rule, decay, words, expected):
    from calando.decay import DECAYS

    assert Traffic.of(RULES[rule], DECAYS[decay], **words).total == expected
    assert Traffic.of(RULES[rule], DECAYS[decay], "float64", **words).total == 2 * expected


def test_slots_of_their_own_dtype_and_the_average():
    from calando.average import averaged
    from calando.decay import DECAYS

    adam, lamb = RULES["adam"], RULES["lamb"]
    assert Traffic.of(adam, DECAYS["l2"], "bfloat16", "float32").total == 3 * 2 + 4 * 4
    assert Traffic.of(averaged(adam), DECAYS["l2"]).total == 28 + 8
    assert Traffic.of(averaged(lamb), DECAYS["inside"]).total == 28 + 8 + 16  # the average needs no norm
    text = said("torch.AdamW", "ema=0.999", "--dtype", "bfloat16")
    assert "m ← m + (1 - β₁)(g - m)" in text and "e ← e + (1 - ema) (p - e)" in text
    assert "bfloat16, slots in float32 30 bytes one pass: reads p, g, m, v, ema; writes p, m, v, ema" in text


def test_clipping_by_value_and_centralization_are_on_the_page():
    text = said("torch.SGD", "clip_value=1.0", "grad_centralization=True", "weight_decay=0.1")
    assert "first each number clipped by its value, then g ← scale g + λ p - center" in text
    assert "center: the mean of the row (gradient centralization)" in text
    assert "clip_value g ← min(max(g, -clip_value), clip_value)" in text and "clip_value 1 must lie in (0, inf)" in text
    assert "12 bytes one pass: reads p, g; writes p 8 bytes before it, for norms: reads g, p" in text
    assert "within(g_[i], w0, w1)" in done("explain", "torch.SGD", "clip_value=1.0", "--kernel").output


def test_bounds_that_differ_stand_in_the_order_of_the_values():
    assert "eps (none, 0.001) must lie in [-1, inf) and in [0, inf)" in said("torch.Adafactor")


def test_lars_reads_two_arrays_more():
    assert "8 bytes before it, for norms: reads p, g" in said("mindspore.LARS")


def test_the_kernel_is_python_that_runs():
    """What is printed is the whole module: run, it takes p - lr g."""
    module = ModuleType("printed")
    exec(done("explain", "rule.sgd", "--kernel").output.replace("cache=True", "cache=False"), module.__dict__)
    p, g = np.array([3.0, 5.0], np.float32), np.array([1.0, -2.0], np.float32)
    address = np.array([[p.ctypes.data, g.ctypes.data]], np.uint64)
    line = np.zeros(1, np.int64)
    scalars = np.array([[1.0, 0.0, 0.0, 0.5]], np.float32)  # scale, decay, zero, lr
    Entry(module.kernel)(Order((address, np.array([2]), line, np.zeros(1, np.float32), scalars), [(0, 1)]))
    assert p.tolist() == [2.5, 6.0]


def test_a_rule_with_norms_has_two_kernels():
    text = done("explain", "rule.lamb", "--kernel", "--dtype", "float64").output
    assert (
        text.count("def kernel(") == 2
        and "lamb_measured" in text
        and "carray(pointer(address[c, 0]), size, float64)" in text
    )


def test_the_floor_is_bytes_over_bandwidth():
    found = floor.Measured(10, 280, np.array([3.0, 5.0, 4.0]), np.array([1.0, 2.0, 4.0]), 140)
    assert found.bandwidth == 70.0 and found.floor == 4.0
    assert found.ratios.tolist() == [1.5, 1.25, 0.5]


def test_measuring_leaves_a_number():
    text = said("torch.AdamW", "slot_dtype=int8", "--measure", "--elements", "100000")
    assert "16.06 bytes one pass" in text and "parameters, float32, slots in int8, " in text and "for 2 MB" in text
    text = said("torch.AdamW", "slot_dtype=bfloat16", "--measure", "--elements", "100000")
    assert "float32, slots in bfloat16 20 bytes one pass" in text and "parameters, float32, slots in bfloat16, " in text
    text = said("rule.adam", "--measure", "--elements", "100000")
    assert "Measured on 98,304 parameters" in text and "GB/s in an in-place add" in text and "× the floor" in text


def test_what_is_measured_is_the_step():
    """The matrix that is measured with is updated in every round; the optimizer's own array is not."""
    about = explain.subject("rule.sgd")
    explain.speed(about, 100_000)
    assert not about.group.params[0].any() and about.engine.clocks == [0]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nadamm"], "calando: nothing is called 'nadamm'; did you mean torch.NAdam, "),
        (["foo"], "? 'calando explain' lists all names\n"),
        (["keras.Adam"], "before the point of 'keras.Adam' stands torch or mindspore or rule, as in mindspore.Lamb"),
        (["rule.AdamW"], "nothing is called 'rule.AdamW'; did you mean rule.adam"),
        (["mindspore.SGD", "momentum"], "'momentum' is no argument; write it as in momentum=0.9"),
        (["mindspore.SGD", "momentum=-1"], "'momentum' must"),
        (["mindspore.SGD", "mementum=1"], "mementum"),
        (["rule.adam", "lr=1"], "rule 'adam' takes no arguments, but got lr"),
        (["mindspore.AdaFactor", "--kernel"], "has no kernel of one pass; it works on whole arrays, matrices in"),
        (["mindspore.LBFGS", "--measure"], "has no floor to be measured against"),
    ],
)
def test_mistakes(args, words):
    result = call("explain", *args)
    assert result.exit_code == 2 and words in result.stderr and "Traceback" not in result.stderr


def test_every_name_is_listed_where_none_is_asked_for():
    text = done("explain").output
    rooms = [block.replace(",", "").split() for block in text.split("\n\n")[:-1]]
    listed = {f"{room}.{name}" for room, *found in rooms for name in found}
    assert listed == set(every_name())
    assert max(map(len, text.splitlines())) <= 100


def test_without_torch_its_optimizers_are_missed(monkeypatch):
    monkeypatch.setitem(sys.modules, "calando.torch", None)
    monkeypatch.delitem(vars(sys.modules["calando"]), "torch", raising=False)
    told = "those of calando.torch need torch: pip install 'calando[torch]'"
    assert told in done("explain").output
    for name in ("adamw", "torch.AdamW"):
        result = call("explain", name)
        assert result.exit_code == 2 and told in result.stderr and "Traceback" not in result.stderr


def test_describing_compiles_nothing():
    """Numba takes half a second to load, and only --measure needs it."""
    use = "from calando.show import explain as e; e.kernel(e.subject('rule.adam'))"
    code = f"import sys; {use}; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False"]


PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


@pytest.mark.parametrize("line", [line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    ")])
def test_what_the_page_shows_can_be_typed(line, extra):
    command, *args = shlex.split(line)
    assert command == "calando"
    done(*args, *(["--elements", "100000"] if "--measure" in args else []))


def test_the_bytes_on_the_page():
    """The table names the rules that have these slots and no others."""
    rows = dict(re.findall(r"^\| ([^|]+?) \|[^|]*\|[^|]*\| (\d+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(rows) == 7
    for told, count in rows.items():
        for name in told.replace("with momentum", "").split(","):
            more = ["momentum=0.9"] if "momentum" in told and name.strip() in ("SGD", "LARS") else []
            more += ["amsgrad=true"] if name.strip() == "AMSGrad" else []
            kind = "torch.Adam" if name.strip() == "AMSGrad" else f"torch.{name.strip()}"
            about = explain.subject(kind, explain.read(more))
            assert Traffic.of(about.rule, about.decay).total == int(count), name
