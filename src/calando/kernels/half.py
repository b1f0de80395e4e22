"""Two words for Numba, which has no bfloat16: such a number is the upper half of a float32."""

from numba import float32, njit, types, uint16, uint32
from numba.extending import intrinsic


@intrinsic
def as_float32(typingctx, bits):
    """The float32 with these 32 bits."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.float32))

    return types.float32(types.uint32), codegen


@intrinsic
def as_uint32(typingctx, number):
    """The 32 bits of a float32."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], context.get_value_type(types.uint32))

    return types.uint32(types.float32), codegen


@njit(inline="always")
def widen(half):
    """The float32 of a bfloat16: exact."""
    return as_float32(uint32(half) << uint32(16))  # type: ignore[call-arg]


@njit(inline="always")
def narrow(number):
    """The bfloat16 nearest to a float32, of two the even one; as in torch, every not-a-number is 0x7FC0."""
    x = float32(number)
    bits = as_uint32(x)  # type: ignore[call-arg,var-annotated]
    rounded = (bits + uint32(0x7FFF) + ((bits >> uint32(16)) & uint32(1))) >> uint32(16)
    return uint16(0x7FC0) if x != x else uint16(rounded)
