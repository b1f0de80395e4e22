"""Words for Numba: a number as the address of memory, or of a C function."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def pointer(typingctx, address):
    """The memory at ``address`` (uint64, bytes), for ``numba.carray`` to read and write."""

    def codegen(context, builder, signature, args):
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(address), codegen


WORD = ir.IntType(64)


@intrinsic
def word(typingctx, address):
    """The eight bytes at ``address`` (uint64), as a number."""

    def codegen(context, builder, signature, args):
        return builder.load(builder.inttoptr(args[0], WORD.as_pointer()))

    return types.uint64(types.uint64), codegen


@intrinsic
def counted(typingctx, counter):
    """Add one to the word at ``counter`` (uint64), whoever else does so at the same time; what it was before."""

    def codegen(context, builder, signature, args):
        return builder.atomic_rmw("add", builder.inttoptr(args[0], WORD.as_pointer()), WORD(1), "monotonic")

    return types.uint64(types.uint64), codegen


@intrinsic
def ask(typingctx, function, about):
    """What the C function at the address ``function`` gives of one word (both uint64)."""

    def codegen(context, builder, signature, args):
        known = builder.inttoptr(args[0], ir.FunctionType(WORD, [WORD]).as_pointer())
        return builder.call(known, [args[1]])

    return types.uint64(types.uint64, types.uint64), codegen


@intrinsic
def tell(typingctx, function, about, more):
    """What the C function at the address ``function`` gives of two words (all uint64)."""

    def codegen(context, builder, signature, args):
        known = builder.inttoptr(args[0], ir.FunctionType(WORD, [WORD, WORD]).as_pointer())
        return builder.call(known, [args[1], args[2]])

    return types.uint64(types.uint64, types.uint64, types.uint64), codegen


@intrinsic
def fma(typingctx, x, y, z):
    """x y + z, rounded once: as the processor does it, if it can."""

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    return z(z, z, z), codegen


@intrinsic
def fetch(typingctx, address):
    """Have the processor read the memory at ``address`` (uint64) ahead; an address that is none does no harm."""

    def codegen(context, builder, signature, args):
        known, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [known, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [known], kind)
        builder.call(prefetch, [builder.inttoptr(args[0], known), number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(types.uint64), codegen
