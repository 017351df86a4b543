"""Benchmark of the recurrent kernels beside their peers: `python -m benchmarks.kernels --help`."""
