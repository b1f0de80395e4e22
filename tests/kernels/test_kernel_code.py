"""What the compiler makes of a rule: vector code, in the precision that was asked for."""

import ast
import platform
import re

import pytest

from calando.decay import DECAYS, DECOUPLED, L2
from calando.kernels import compile, source
from calando.ops import WORDS
from calando.rules import RULES
from calando.rules.adam import ADAM
from entries import listing

COMPILED = {name: rule for name, rule in RULES.items() if rule.kernel and not rule.whole}
EVERY_RULE = pytest.mark.parametrize("rule", COMPILED.values(), ids=COMPILED)
X86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"),
    reason="the instructions looked for are those of x86-64",
)


@pytest.fixture(scope="module")
def assembly():
    """The machine code of a kernel, compiled in memory: what comes from the disk cache has no listing."""
    found: dict[tuple[str, str], str] = {}

    def assembly(rule, decay=L2, dtype="float32"):
        key = rule.name, decay.name
        if key not in found:
            text = compile.source(rule, decay, dtype, cache=False)
            module = compile.run_module(f"listing_{rule.name}_{decay.name}", "<listing>", text)
            found[key] = listing(module.kernel)
        return found[key]

    return assembly


@X86
@EVERY_RULE
def test_float32_is_never_widened(rule, assembly):
    code = assembly(rule)
    assert not re.search(r"\bv?cvt(ss2sd|ps2pd|sd2ss|pd2ps)\b", code)


@X86
@EVERY_RULE
def test_the_loop_is_vector_code(rule, assembly):
    assert re.search(r"\bv?(mulps|fn?m(add|sub)\d+ps)\b", assembly(rule))


@X86
@pytest.mark.parametrize("decay", DECAYS.values(), ids=DECAYS)
def test_adams_square_root_is_taken_of_many_at_once(decay, assembly):
    code = assembly(ADAM, decay)
    assert re.search(r"\bv?sqrtps\b", code)
    assert not re.search(r"\bv?f(n?m)(add|sub)", code), "fused multiply-add rounds once where NumPy rounds twice"


@EVERY_RULE
@pytest.mark.parametrize("decay", DECAYS.values(), ids=DECAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_source_is_a_module_of_words_two_bodies_and_a_loop(rule, decay, dtype):
    tree = ast.parse(compile.source(rule, decay, dtype))
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions == [*source.SPOKEN, decay.element.__name__, rule.element.__name__, "kernel"]
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(WORDS) <= {*imported, *functions}
    assert ast.get_docstring(tree).startswith(f"{rule.name}, {decay.name} decay, {dtype}: written by calando")


def test_the_text_for_the_disk_and_the_text_for_memory_differ_in_one_word():
    disk, memory = (compile.source(ADAM, DECOUPLED, "float32", cache) for cache in (True, False))
    assert disk.replace("cache=True", "cache=False") == memory != disk
