# make scan | test | checkov | bench | docs | clean. Needs Python >= 3.11 with pip and venv; writes below this folder only.

PYTHON ?= python3
VENV := .venv
TEST_VENV := .venv-test
CHECKOV_VENV := benchmarks/.venvs/checkov
SOURCES := $(shell find scanner rules policies config_rules -type f -not -path '*/__pycache__/*' 2>/dev/null)
PIP := -m pip --quiet --disable-pip-version-check

export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export PYTHONNOUSERSITE := 1

.PHONY: scan test checkov bench docs clean
.DEFAULT_GOAL := test

scan: $(VENV)/.installed
	@$(VENV)/bin/smguard scan --exit-zero examples

test: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/ruff check --quiet .
	@$(TEST_VENV)/bin/ruff format --check --quiet .
	@$(TEST_VENV)/bin/mypy --no-error-summary
	@$(TEST_VENV)/bin/python -m pytest --quiet -n 2 --cov --cov-report=term

# The tests of the controls inside checkov need it; its pins of boto3 and networkx need an environment of its own.
checkov: $(CHECKOV_VENV)/.installed-checkov

bench: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/python -m benchmarks.run || echo "the benchmark did not finish"

docs: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/python -m tools.generate_rules_readme

clean:
	@rm -rf $(VENV) $(TEST_VENV) .cache .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		build dist benchmarks/.venvs benchmarks/.work
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml hatch_build.py README.md $(SOURCES)
	@$(call venv,$(VENV))
	@$(VENV)/bin/python $(PIP) install .
	@touch $@

# An editable install reads scanner/ and rules/ where they are: only new dependencies make it stale.
$(TEST_VENV)/.installed: pyproject.toml hatch_build.py
	@$(call venv,$(TEST_VENV))
	@$(TEST_VENV)/bin/python $(PIP) install --editable '.[test]'
	@touch $@

$(CHECKOV_VENV)/.installed-checkov:
	@$(call venv,$(CHECKOV_VENV))
	@$(CHECKOV_VENV)/bin/python $(PIP) install checkov
	@touch $@

define venv
test -x $(1)/bin/python || { \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")' \
	&& $(PYTHON) -m venv $(1); }
endef
