# On a fresh machine, start with `make demo` or `make test`: both install what they need, once.
#
# Variables: PYTHON (the interpreter for .venv), UV (uv, where it is on the PATH; make setup UV= takes pip), ARGS (appended
# to the command), DEPTHS, MODELS, SOURCES and SEEDS (swept values, separated by commas), e.g.  make demo DEPTHS=3 SEEDS=0;
# BASELINES (parts of baselines);  ENCODER (for bench: a name or a folder)

PYTHON ?= python3
SEEDS ?= 0,1,2
ARGS ?=
UV ?= $(shell command -v uv)

VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo real nusax train sweep paper scaling epochs folds few_shot baselines
.PHONY: status sync report dashboard
.PHONY: test coverage-of-intervals bench faults notebook docs lint format coverage lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(INSTALLED) ## Create .venv with the pinned packages (all other targets run this first)

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
		{ echo "error: $(PYTHON) was not found. Install Python 3.11 or newer, or specify one: make setup PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1), but 3.11 or newer is needed. Specify one: make setup PYTHON=python3.12" >&2; exit 1; }
	@if [ -n "$(UV)" ]; then \
		echo "Installing into $(VENV) with uv"; \
		{ test -x $(RUN) || $(UV) venv --quiet --seed --python $(PYTHON) $(VENV); } && \
		$(UV) pip install --quiet --python $(RUN) -c constraints.txt -e '.[dev]'; \
	else \
		echo "Installing into $(VENV) with pip (a few minutes the first time)"; \
		{ $(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV); } && \
		$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'; \
	fi
	@touch $@

demo: DEPTHS ?= 3,6,12
demo: $(INSTALLED) ## Multilingual E5 small at three depths, trained on the written English reviews: no GPU
	$(RUN) train.py -m experiment=demo model.layers=$(DEPTHS) seed=$(SEEDS) $(ARGS)
	$(RUN) report.py multirun

real: DEPTHS ?= 3,6,12
real: $(INSTALLED) ## From English sentences to Indonesian and Japanese reviews, e5_small at three depths, three seeds: downloads the data
	$(RUN) train.py -m experiment=real model.layers=$(DEPTHS) seed=$(SEEDS) $(ARGS)
	$(RUN) report.py multirun

nusax: DEPTHS ?= 3,6,12
nusax: $(INSTALLED) ## From English sentences to NusaX in twelve languages, e5_small at three depths, three seeds: downloads the data
	$(RUN) train.py -m experiment=nusax model.layers=$(DEPTHS) seed=$(SEEDS) $(ARGS)
	$(RUN) report.py multirun

train: $(INSTALLED) ## One run, e.g. make train ARGS="model=large seed=1"; without ARGS the paper's protocol
	$(RUN) train.py $(ARGS)

sweep: $(INSTALLED) ## A sweep, e.g. make sweep ARGS="model=base,large seed=0,1,2"
	$(RUN) train.py -m $(ARGS)

paper: SOURCES ?= amazon_en,amazon_ja,amazon_enja
paper: $(INSTALLED) ## The paper's cells: XLM-R base from three sources, three seeds each (needs a GPU)
	$(RUN) train.py -m experiment=paper source=$(SOURCES) seed=$(SEEDS) $(ARGS)
	$(RUN) report.py multirun

scaling: MODELS ?= base,large,xl,xxl
scaling: $(INSTALLED) ## Sizes x three sources x five seeds, e.g. make scaling MODELS=base,large (needs large GPUs)
	$(RUN) train.py -m experiment=scaling model=$(MODELS) $(ARGS)
	$(RUN) report.py multirun

epochs: $(INSTALLED) ## The paper's protocol over 1 to 8 epochs, three seeds (needs a GPU)
	$(RUN) train.py -m experiment=epochs $(ARGS)
	$(RUN) report.py multirun

folds: $(INSTALLED) ## IndoLEM supervised: five folds, three seeds (needs a GPU)
	$(RUN) train.py -m experiment=folds $(ARGS)
	$(RUN) report.py multirun

few_shot: $(INSTALLED) ## 8 to 2,048 and all labels of SmSA and AmazonJA, with and without AmazonEN (needs a GPU)
	$(RUN) train.py -m experiment=paper source=amazon_en $(ARGS)
	$(RUN) train.py -m experiment=few_shot $(ARGS)
	$(RUN) train.py -m protocol=supervised targets=smsa_id,amazon_ja seed=$(SEEDS) $(ARGS)
	$(RUN) report.py multirun

baselines: BASELINES ?= zero_shot indolem smsa ulmfit_indolem ulmfit_smsa
baselines: $(INSTALLED) ## mBERT, IndoBERT and ULMFiT, zero-shot and supervised, e.g. make baselines BASELINES=ulmfit_smsa
	@for each in $(BASELINES); do \
		$(RUN) train.py -m experiment=baselines_$$each $(ARGS) || failed=1; \
	done; $(RUN) report.py multirun && exit $${failed:-0}

status: $(INSTALLED) ## Finished, running and queued jobs of a sweep, e.g. make status ARGS=multirun
	$(RUN) -m sentiment_transfer status $(ARGS)

sync: $(INSTALLED) ## Upload W&B runs that were logged offline, each once
	$(RUN) -m sentiment_transfer sync $(ARGS)

report: $(INSTALLED) ## The page, figures and tables of all finished runs, e.g. make report ARGS="multirun --out paper"
	$(RUN) report.py $(ARGS)

dashboard: $(INSTALLED) ## The same comparison on Weights & Biases, e.g. make dashboard WANDB=me/project
	$(RUN) report.py $(ARGS) --dashboard $(WANDB)

# Three workers, also on two cores: the tests wait for processes that they start for two fifths of the time.
test: $(INSTALLED) ## Run the tests
	$(RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: ENCODER ?= FacebookAI/xlm-roberta-base
bench: $(INSTALLED) ## Benchmark against transformers.Trainer and update the tables (hours, on an idle machine)
	$(RUN) -m benchmarks.job --encoder $(ENCODER)
	$(RUN) -m benchmarks.speed --encoder $(ENCODER) $(ARGS)
	$(RUN) -m benchmarks.growth --encoder $(ENCODER)
	$(RUN) -m benchmarks.table

faults: $(INSTALLED) ## Inject at least 300 faults into sweeps and runs: bit-identical or refused (half an hour)
	$(RUN) -m tests.launcher.faults $(ARGS)

notebook: $(INSTALLED) ## Run the notebook and store it with its outputs (a few minutes)
	$(RUN) -m tests.helpers.stored_notebook

docs: $(INSTALLED) ## Build the documentation in build/site; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build
	@echo "Open build/site/index.html"

options: $(INSTALLED) ## Write docs/options.md from the comments beside the options
	$(RUN) -m sentiment_transfer.config.options_page

lint: $(INSTALLED) ## Check style and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: $(INSTALLED) ## Fix style and format the code
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

coverage: $(INSTALLED) ## Run the tests and list uncovered lines of src; below 95 % is an error
	$(RUN) -m pytest --cov=sentiment_transfer --cov-report=term-missing:skip-covered --cov-fail-under=95 $(ARGS)

coverage-of-intervals: $(INSTALLED) ## Simulate the coverage of the report's intervals, over languages too (an hour)
	$(RUN) -m benchmarks.coverage_of_intervals $(ARGS)
	$(RUN) -m benchmarks.coverage_over_languages
	$(RUN) -m benchmarks.false_claims_of_slices
	$(RUN) -m benchmarks.power_of_plans

# The old pins are kept until the new environment has been installed. torch's local version (+cpu, +cu130) is not pinned, so
# that the file works on every machine. uv.lock gets the same pins; FORKED are packages whose pin needs a later 3.11 than
# 3.11.0, for which uv chooses two versions.
FORKED := pymdown-extensions
lock: ## Update every pin in constraints.txt from a fresh environment, and uv.lock with it (needs uv)
	@test -n "$(UV)" || { echo "error: uv was not found, which writes uv.lock. Install it: pip install uv" >&2; exit 1; }
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	{ sed '/^[^#]/,$$d' constraints.txt; \
	  build/lock/bin/python -m pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//'; } > build/constraints.txt
	mv build/constraints.txt constraints.txt && rm -rf build/lock
	$(UV) lock --no-config --default-index https://pypi.org/simple \
		$$(sed -n '/^$(FORKED)==/d; s/^[A-Za-z0-9][^ ]*==.*/-P &/p' constraints.txt)

clean: ## Remove caches and build files; keeps results, checkpoints and .venv
	rm -rf build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache src/*.egg-info
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
