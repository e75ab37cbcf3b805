"""Faults on demand: rules that say what goes wrong, when, and how often."""
