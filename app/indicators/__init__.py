"""Technical indicators as compiled kernels: float64 arrays in, arrays out. Import the family that is needed."""
