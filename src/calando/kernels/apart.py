"""Arrays of which the compiler is told that they lie apart.

Before vector code may run it is compared whether what a loop writes lies where it reads, each array with each: for
loops over a block of 256 numbers that costs a twentieth of the time. The arrays of a kernel lie apart (slots are ours;
a gradient that is its own parameter is read before it is written, number by number), so each gets a name, and its reads
and writes say that they are of that name and of no other.

Source: LLVM Language Reference, "'noalias' and 'alias.scope' Metadata".
"""

import operator
from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

DOMAIN = "calando"


class Apart(types.Type):
    """Numbers of one dtype under a name.

    Args:
        own: the name.
        all_: all names in the loop.
        dtype: as Numba calls it.
    """

    def __init__(self, own: str, all_: Sequence[str], dtype: Any):
        self.own, self.all, self.dtype = own, tuple(all_), dtype
        super().__init__(name=f"Apart({own} of {self.all}, {dtype})")


@register_model(Apart)
class Place(models.OpaqueModel):
    """Where the numbers begin."""


def apart(own: str, all_: Sequence[str], dtype: Any) -> Any:
    """What makes an address (uint64, bytes) an array under a name, for a loop over arrays with all these names."""
    kind = Apart(own, all_, dtype)

    @intrinsic
    def opened(typingctx, address):
        def codegen(context, builder, signature, args):
            return builder.inttoptr(args[0], cgutils.voidptr_t)

        return kind(types.uint64), codegen

    return opened


def room(own: str, all_: Sequence[str], dtype: Any, count: int) -> Any:
    """What makes an array of so many numbers under a name, which lasts as long as the loop."""
    kind = Apart(own, all_, dtype)

    @intrinsic
    def made(typingctx):
        def codegen(context, builder, signature, args):
            numbers = cgutils.alloca_once(builder, ir.ArrayType(context.get_value_type(dtype), count))
            return builder.bitcast(numbers, cgutils.voidptr_t)

        return kind(), codegen

    return made


@infer_global(operator.getitem)
class Read(AbstractTemplate):
    """``array[i]``."""

    def generic(self, args: Any, kws: Any) -> Any:
        array, *index = args
        if isinstance(array, Apart) and len(index) == 1 and isinstance(index[0], types.Integer):
            return signature(array.dtype, array, types.intp)


@infer_global(operator.setitem)
class Written(AbstractTemplate):
    """``array[i] = x``."""

    def generic(self, args: Any, kws: Any) -> Any:
        array, *rest = args
        if isinstance(array, Apart) and len(rest) == 2 and isinstance(rest[0], types.Integer):
            return signature(types.none, array, types.intp, array.dtype)


def place(context: Any, builder: Any, array: Apart, base: Any, index: Any) -> Any:
    """Where number ``index`` lies."""
    kind = context.get_value_type(array.dtype)
    return builder.gep(builder.bitcast(base, kind.as_pointer()), [index], inbounds=True)


def named(builder: Any, array: Apart, access: Any) -> None:
    """Say of a reading or writing that it is of this name and of no other."""
    access.align = array.dtype.bitwidth // 8
    note = builder.module.add_metadata
    scopes = {name: note([name, note([DOMAIN])]) for name in array.all}
    access.set_metadata("alias.scope", note([scopes.pop(array.own)]))
    access.set_metadata("noalias", note(list(scopes.values())))


@lower_builtin(operator.getitem, Apart, types.Integer)
def read(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    found = builder.load(place(context, builder, sig.args[0], args[0], args[1]))
    named(builder, sig.args[0], found)
    return found


@lower_builtin(operator.setitem, Apart, types.Integer, types.Any)
def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    done = builder.store(args[2], place(context, builder, sig.args[0], args[0], args[1]))
    named(builder, sig.args[0], done)
    return context.get_dummy_value()
