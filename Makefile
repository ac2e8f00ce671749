.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check bench ui cache clean

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TORCH := torch==2.13.0
TORCH_INDEX ?=
PRUNE ?=
export MLFLOW_DISABLE_TELEMETRY := true

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install into .venv; TORCH_INDEX=<address> chooses where PyTorch comes from

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@if $(BIN)/python -c 'import importlib.util as i, sys; sys.exit(i.find_spec("torch") is None)'; then \
		echo "PyTorch is there"; \
	elif [ -n "$(TORCH_INDEX)" ]; then \
		echo "PyTorch from $(TORCH_INDEX)"; \
		$(BIN)/pip install --quiet --index-url "$(TORCH_INDEX)" "$(TORCH)"; \
	elif $(BIN)/pip install --quiet "$(TORCH)+cpu" 2>/dev/null; then \
		echo "PyTorch for the CPU"; \
	else \
		echo "PyTorch as this platform gets it by default; on Linux that is the CUDA build, several GB (README: CPU and GPU)"; \
		$(BIN)/pip install --quiet "$(TORCH)"; \
	fi
	$(BIN)/pip install --quiet -e ".[dev]"
	@touch $@

demo: $(READY) ## train on synthetic heartbeats, print the numbers and where to look (under 3 minutes)
	$(BIN)/python -m ecg_lightning.train dataset.source=synthetic trainer.max_epochs=10

test: $(READY) ## the fast tests, in two processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile

test-all: $(READY) ## all tests, those of minutes and the browser included
	$(BIN)/python -m pytest -q -m ""

check: $(READY) ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY) ## speed and memory side by side with plain implementations (under 6 minutes)
	$(BIN)/python -m benchmarks

ui: $(READY) ## MLflow, for every run tracked from this folder
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow ui --backend-store-uri "sqlite:///$(CURDIR)/mlflow.db"

cache: $(READY) ## list prepared signals and twins; PRUNE=30 removes what was not used for 30 days
	$(BIN)/python -m ecg_lightning.cache $(if $(PRUNE),--prune $(PRUNE))

clean: ## remove build leftovers; data, runs and .venv stay
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find ecg_lightning tests benchmarks conf -name __pycache__ -prune -exec rm -rf {} +
