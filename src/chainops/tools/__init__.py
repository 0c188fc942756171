"""Provisions the external tools: lock file, isolated installs, verification."""
