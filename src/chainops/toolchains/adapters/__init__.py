"""An adapter for each toolchain; `app` chooses one."""
