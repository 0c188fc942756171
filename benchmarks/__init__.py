"""Speed and memory of the product beside its peers: `python -m benchmarks`."""
