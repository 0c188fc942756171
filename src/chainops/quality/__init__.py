"""Measurements become verdicts: quality gates, the quality vector and the committed baseline."""
