"""Networks, JSON-RPC, the embedded dev chain and the crash-safe sender."""
