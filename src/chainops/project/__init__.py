"""Detects what a folder is: toolchain, sources, compilers, dependencies."""
