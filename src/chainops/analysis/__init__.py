"""Findings of every analyzer in one model, with suppressions and a baseline."""
