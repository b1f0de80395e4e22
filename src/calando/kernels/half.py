"""Words for Numba, which has neither bfloat16 nor float16 on a CPU: how such a number is read into float32 and rounded.

A bfloat16 is the upper half of a float32. A float16 is read and rounded by the processor where it has instructions
for it (measured: a step is twice as fast with them), else piece by piece; both are exact, as IEEE 754 says. (Without
the instructions LLVM would call a function that Numba's code does not find.)
"""

from llvmlite import ir
from numba import float32, njit, types, uint16, uint32
from numba.core.registry import cpu_target
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
def widen_bfloat16(half):
    """The float32 of a bfloat16: exact."""
    return as_float32(uint32(half) << uint32(16))  # type: ignore[call-arg]


@njit(inline="always")
def narrow_bfloat16(number):
    """The bfloat16 nearest to a float32, of two the even one; as in torch, every not-a-number is 0x7FC0."""
    x = float32(number)
    bits = as_uint32(x)  # type: ignore[call-arg,var-annotated]
    rounded = (bits + uint32(0x7FFF) + ((bits >> uint32(16)) & uint32(1))) >> uint32(16)
    return uint16(0x7FC0) if x != x else uint16(rounded)


@intrinsic
def extended(typingctx, half):
    """The float32 of a float16, by the processor."""

    def codegen(context, builder, signature, args):
        return builder.fpext(builder.bitcast(args[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), codegen


@intrinsic
def truncated(typingctx, number):
    """The float16 nearest to a float32, of two the even one, by the processor."""

    def codegen(context, builder, signature, args):
        return builder.bitcast(builder.fptrunc(args[0], ir.HalfType()), ir.IntType(16))

    return types.uint16(types.float32), codegen


@njit(inline="always")
def widen_by_processor(half):
    """The float32 of a float16: exact."""
    return extended(uint16(half))  # type: ignore[call-arg]


@njit(inline="always")
def narrow_by_processor(number):
    """The float16 nearest to a float32, of two the even one."""
    return truncated(float32(number))  # type: ignore[call-arg]


@njit(inline="always")
def widen_by_pieces(half):
    """The float32 of a float16: exact. Exponents differ by 112; multiplying also lifts what is subnormal."""
    low = uint32(half) & uint32(0x7FFF)
    bits = as_uint32(as_float32(low << uint32(13)) * as_float32(uint32(0x77800000)))  # type: ignore[call-arg,var-annotated]
    bits = bits | (uint32(0x7F800000) if low >= uint32(0x7C00) else uint32(0))
    return as_float32(uint32(bits | ((uint32(half) & uint32(0x8000)) << uint32(16))))


@njit(inline="always")
def narrow_by_pieces(number):
    """The float16 nearest to a float32, of two the even one. Adding 0.5 rounds what becomes subnormal."""
    bits = as_uint32(float32(number))  # type: ignore[call-arg,var-annotated]
    size = uint32(bits & uint32(0x7FFFFFFF))
    small = uint32(as_uint32(as_float32(size) + as_float32(uint32(0x3F000000))) - uint32(0x3F000000))
    odd = uint32(size >> uint32(13)) & uint32(1)
    large = uint32(uint32(size - uint32(0x38000000) + uint32(0xFFF) + odd) >> uint32(13))
    large = large if size < uint32(0x47800000) else uint32(0x7C00)
    rounded = small if size < uint32(0x38800000) else large
    rounded = uint32(0x7E00) if size > uint32(0x7F800000) else rounded
    return uint16(rounded | (uint32(bits >> uint32(16)) & uint32(0x8000)))


def has_instructions(feature: str) -> bool:
    """Whether the processor that kernels are compiled for converts float16 (``f16c``) or multiplies and adds in one
    (``fma``) itself."""
    triple, _, features = cpu_target.target_context.codegen().magic_tuple()
    return f"+{feature}" in features.split(",") or triple.startswith(("aarch64", "arm64"))


widen_float16 = widen_by_processor if has_instructions("f16c") else widen_by_pieces
narrow_float16 = narrow_by_processor if has_instructions("f16c") else narrow_by_pieces
