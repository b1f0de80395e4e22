"""How fast a step is, measured beside its peers: ``python -m benchmarks.run``."""
