"""Helpers of the tests; imported as `support.…` (pytest puts `tests` on the path)."""
