"""The vocabulary of trading: values, instruments, fills, positions, errors. Standard library only."""
