"""Executors: what turns a decision into an order."""
