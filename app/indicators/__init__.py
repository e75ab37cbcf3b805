"""Compiled kernels: float64 arrays in, arrays out. The value at i depends on values until i, never on later ones."""
