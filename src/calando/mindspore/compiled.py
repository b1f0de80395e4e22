"""What a step says when MindSpore compiles it: ``@mindspore.jit``, or GRAPH_MODE, around ``optimizer(grads)``.

MindSpore compiles a function by reading the source of everything that it calls, and our step, which walks through
memory, cannot be part of a graph. Its own words for that («Unsupported statement 'Try'») name neither the cause nor a
way out. An operation whose type is found out while MindSpore compiles can say it; called by Python it answers False.
"""

from typing import Any

WAY_OUT = (
    "compile the forward and gradient function instead, as grad_fn = mindspore.jit(mindspore.value_and_grad(…)), and "
    "call optimizer(grads) outside of it, in plain Python"
)


def never() -> bool:
    """Whether MindSpore is compiling: not without MindSpore."""
    return False


def asked(owner: str) -> Any:
    """As ``never`` where the parameters are MindSpore's; while it compiles, an error with the way out."""
    from mindspore.ops import PrimitiveWithInfer

    class Compiling(PrimitiveWithInfer):
        def __init__(self) -> None:
            super().__init__("calando_compiling")
            self.set_const_prim(True)
            self.add_prim_attr("constexpr_prim", True)

        def __infer__(self, *_: Any) -> Any:
            told = "the step stands inside what @mindspore.jit or GRAPH_MODE compiles, and cannot be a part of it"
            raise RuntimeError(f"For '{owner}': {told}; {WAY_OUT}")

        def __call__(self, *_: Any) -> bool:
            return False

        def __deepcopy__(self, memo: Any) -> Any:
            return asked(owner)

        def __reduce__(self) -> Any:
            return asked, (owner,)

    return Compiling()
