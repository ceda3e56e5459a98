# Every target works from a fresh clone with nothing but Python 3.11 and its venv module; arguments go into ARGS:
#   make demo ARGS="--orders 200"      make test ARGS="tests/unit -k money"
# The long form of each, for machines without make, is what stands under it, with .venv/bin/uv for $(UV).

PYTHON ?= python3
ARGS ?=
UV := .venv/bin/uv
RUN := $(UV) run --locked

COMPOSE := docker compose --env-file .env --file deploy/compose.yaml
WORKERS := worker-orders worker-callbacks
IMAGE ?= $(or $(JIVAPAY_IMAGE),$(shell sed -n 's/^JIVAPAY_IMAGE=//p' .env 2>/dev/null),jivapay)

.DEFAULT_GOAL := help
.PHONY: help demo local test coverage test-coverage check format docs bench-quick bench browser-matrix model races payouts-long fuzz-schema clean \
  up down build restart logs workerlogs beatlogs build-prod push-prod makemigrations migrate \
  needs-docker needs-compose needs-tag

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: $(UV) ## Everything on this machine with simulated shops, customers and traders
	$(RUN) jivapay demo $(ARGS)

local: $(UV) ## Everything on this machine, empty, without containers
	$(RUN) jivapay up $(ARGS)

test: $(UV) ## All tests, on a real PostgreSQL and Valkey
	$(RUN) pytest $(ARGS)

coverage: $(UV) ## All tests, and which lines they reach; pages in htmlcov/
	$(RUN) pytest --cov --cov-report=term:skip-covered --cov-report=html $(ARGS)

test-coverage: coverage ## The same, by its other name

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

browser-matrix: $(UV) ## The payment page in every language, theme and width, with pictures in artifacts/pay/
	JIVAPAY_BROWSER_MATRIX=full $(RUN) pytest tests/web/browser $(ARGS)

model: $(UV) ## The stateful model of everything that moves money, at length
	JIVAPAY_MODEL=200 $(RUN) pytest tests/model -n0 --timeout=7200 $(ARGS)

races: $(UV) ## Every two moves on one deal at once, 200 times each
	JIVAPAY_RACES=200 $(RUN) pytest tests/concurrency --dist=load --timeout=1800 $(ARGS)

payouts-long: $(UV) ## A thousand payout requests, two hundred as pay-out orders, while workers are killed
	JIVAPAY_PAYOUTS=1000 $(RUN) pytest tests/faults/test_payouts.py -n0 $(ARGS)

fuzz-schema: $(UV) ## What /api/schema/ and the gateway say of themselves, taken at their word by schemathesis
	JIVAPAY_FUZZ=100 $(RUN) pytest tests/api/payouts/test_fuzz.py tests/api/gateway/test_fuzz.py -n0 $(ARGS)

makemigrations: $(UV) ## A new migration from what the models say and the schema lacks: ARGS="what it does"
	$(RUN) python scripts/make_migration.py "$(ARGS)"

migrate: $(UV) ## Bring the database to the newest schema
	$(RUN) jivapay db upgrade $(ARGS)

up: needs-compose ## The platform in containers, as in production
	$(COMPOSE) up --build --detach --wait $(ARGS)

down: needs-compose ## Stop the containers; data stays
	$(COMPOSE) down $(ARGS)

build: needs-compose ## Build the image anew, its base pulled
	$(COMPOSE) build --pull $(ARGS)

restart: needs-compose ## Restart the containers
	$(COMPOSE) restart $(ARGS)

logs: needs-compose ## Follow the log of the server
	$(COMPOSE) logs --follow --tail 200 web $(ARGS)

workerlogs: needs-compose ## Follow the logs of the workers
	$(COMPOSE) logs --follow --tail 200 $(WORKERS) $(ARGS)

beatlogs: needs-compose ## Follow the log of the scheduler, the document's beat
	$(COMPOSE) logs --follow --tail 200 scheduler $(ARGS)

build-prod: needs-docker needs-tag ## The image of a release: TAG=0.1.8, IMAGE=registry/name
	docker build --pull --file deploy/Dockerfile --tag $(IMAGE):$(TAG) $(ARGS) .

push-prod: needs-docker needs-tag ## Publish it: TAG=0.1.8, IMAGE=registry/name
	@case "$(IMAGE)" in */*) ;; *) echo "push-prod: say where to, IMAGE=registry/name (or JIVAPAY_IMAGE in .env)" >&2; exit 2 ;; esac
	docker push $(IMAGE):$(TAG)

needs-docker:
	@command -v docker >/dev/null || { echo "docker is not installed; \`make local\` runs the platform without it" >&2; exit 2; }

needs-compose: needs-docker
	@docker compose version >/dev/null 2>&1 || { echo "docker has no compose plugin; \`make local\` runs the platform without it" >&2; exit 2; }
	@[ -f .env ] || { echo "there is no .env: cp .env.example .env" >&2; exit 2; }

needs-tag:
	@[ -n "$(TAG)" ] || { echo "say which release, TAG=0.1.8" >&2; exit 2; }

clean: ## Remove caches; data in var/ stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov

# uv alone: `uv run --locked` brings the rest, exactly as uv.lock says.
$(UV):
	$(PYTHON) -m venv .venv
	.venv/bin/pip install -q --disable-pip-version-check uv
