# Every target works from a fresh clone with nothing but Python 3.11 and its venv module; arguments go into ARGS:
#   make demo ARGS="--orders 200"      make test ARGS="tests/unit -k money"
# The long form of each, for machines without make, is what stands under it, with .venv/bin/uv for $(UV).

PYTHON ?= python3
ARGS ?=
UV := .venv/bin/uv
RUN := $(UV) run --locked

.DEFAULT_GOAL := help
.PHONY: help demo up test check format docs bench-quick bench browser-matrix model payouts-long clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: $(UV) ## Everything on this machine with simulated shops, customers and traders
	$(RUN) jivapay demo $(ARGS)

up: $(UV) ## Everything on this machine, empty
	$(RUN) jivapay up $(ARGS)

test: $(UV) ## All tests, on a real PostgreSQL and Valkey
	$(RUN) pytest $(ARGS)

check: $(UV) ## What CI checks besides the tests
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) lint-imports --no-logo
	$(RUN) python scripts/check_lock.py
	$(RUN) python scripts/generate_docs.py --check
	$(RUN) python scripts/check_secrets.py

format: $(UV) ## Format the code and mend what can be mended by itself
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

docs: $(UV) ## Write the generated documents again
	$(RUN) python scripts/generate_docs.py

bench-quick: $(UV) ## The measures of docs/performance in about three minutes
	$(RUN) python -m benchmarks --quick $(ARGS)

bench: $(UV) ## All measures
	$(RUN) python -m benchmarks $(ARGS)

browser-matrix: $(UV) ## The payment page in every language, theme and width
	JIVAPAY_BROWSER_MATRIX=full $(RUN) pytest tests/web/browser $(ARGS)

model: $(UV) ## The stateful model of the pay-in, at length
	JIVAPAY_MODEL=long $(RUN) pytest tests/model -n0 --timeout=3600 $(ARGS)

payouts-long: $(UV) ## A thousand payout requests while workers are killed
	JIVAPAY_PAYOUTS=1000 $(RUN) pytest tests/faults/test_payouts.py -n0 --timeout=900 $(ARGS)

clean: ## Remove caches; data in var/ stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv alone: `uv run --locked` brings the rest, exactly as uv.lock says.
$(UV):
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q --disable-pip-version-check uv
