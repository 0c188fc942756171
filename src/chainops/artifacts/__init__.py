"""The content-addressed store of what a run produces, and its manifest."""
