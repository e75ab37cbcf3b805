"""What the compiled loops share. Importing it imports numba, which the rest of the bot does without."""

from typing import Final

from numba import types

INPUT: Final = types.Array(types.float64, 1, "C", readonly=True)
OUTPUT: Final = types.Array(types.float64, 1, "C")
BLOCK: Final = 2048  # outputs per block of a blocked loop: 16 KiB, half of a first-level cache
