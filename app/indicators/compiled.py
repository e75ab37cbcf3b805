"""What the compiled loops share. Importing it imports numba, which the rest of the bot does without."""

from typing import Any, Final, TypeAlias

from numba import types
from numba.extending import intrinsic

INPUT: Final = types.Array(types.float64, 1, "C", readonly=True)
OUTPUT: Final = types.Array(types.float64, 1, "C")
BLOCK: Final = 2048  # outputs per block of a blocked loop: 16 KiB, half of a first-level cache
Typed: TypeAlias = Any  # numba's own objects, which have no stubs


@intrinsic
def multiply_add(_: Typed, left: Typed, right: Typed, more: Typed) -> Typed:
    """`left * right + more`, rounded once. https://llvm.org/docs/LangRef.html#llvm-fma-intrinsic."""

    def generate(_context: Typed, builder: Typed, _signature: Typed, arguments: Typed) -> Typed:
        return builder.fma(*arguments)

    return types.float64(left, right, more), generate
