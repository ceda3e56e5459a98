"""Merchants meet orders in a world of the test's own."""
