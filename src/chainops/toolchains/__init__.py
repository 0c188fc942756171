"""What a toolchain can do for a project (build, test, cover, measure), an adapter for each."""
