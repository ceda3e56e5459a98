"""What `docs/performance.md` asks for: each figure against a yardstick of the same run, interleaved, as medians.

Nothing here changes the product: workers, servers and statements run as shipped. `python -m benchmarks --quick`.
"""
