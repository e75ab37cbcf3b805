"""Asking for memory before it is needed: the pass jumps from signal to signal, and each jump would wait for a miss."""

from typing import Final

from numba import types
from numba.core import cgutils
from numba.core.cgutils import ir
from numba.extending import intrinsic

from app.indicators.compiled import Typed

LINE: Final = 8  # numbers that memory gives at once


@intrinsic
def fetch(_: Typed, array: Typed, index: Typed) -> Typed:
    """Have the processor bring `array[index]` into its cache while it works on. It changes nothing else.

    https://llvm.org/docs/LangRef.html#llvm-prefetch-intrinsic; an index beyond the array is no fault.
    """

    def generate(context: Typed, builder: Typed, signature: Typed, arguments: Typed) -> Typed:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.gep(data, [arguments[1]])
        pointer, number = place.type, ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(call, [place, number(0), number(3), number(1)])  # to read, into all caches, data
        return context.get_dummy_value()

    return types.void(array, index), generate
