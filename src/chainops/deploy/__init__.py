"""Deployment manifests, their execution, and the checks that follow."""
