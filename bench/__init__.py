"""Speed, each figure beside its yardstick (docs/benchmarks.md)."""
