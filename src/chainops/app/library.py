"""The public library: `from chainops import Pipeline`."""


class Pipeline:
    """Runs a project's pipeline."""
