"""`python -m jivapay` is `jivapay`."""

from jivapay.cli.main import run

run()
