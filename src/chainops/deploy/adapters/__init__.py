"""Runners of deploy scripts, one for each toolchain."""
