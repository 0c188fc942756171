"""Networks, the JSON-RPC client, the run's own chain and the crash-safe sender."""
