"""Settings become objects: composes the config, chooses adapters, binds ports."""
