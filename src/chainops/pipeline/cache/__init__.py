"""Takes a stage's result from an earlier run when nothing that it stands on has changed."""
