# make scan | test | oracle | checkov | sdk | bench | docs | site | lock | dist | bill | clean.
# Needs Python >= 3.11 with pip and venv; writes below this folder only.

PYTHON ?= python3
VENV := .venv
TEST_VENV := .venv-test
CHECKOV_VENV := benchmarks/.venvs/checkov
SDK_VENV := benchmarks/.venvs/sdk
SDK3_VENV := benchmarks/.venvs/sdk3
SOURCES := $(shell find scanner rules policies config_rules -type f -not -path '*/__pycache__/*' 2>/dev/null)
PIP := -m pip --quiet --disable-pip-version-check

export PIP_CACHE_DIR := $(CURDIR)/.cache/pip
export PYTHONNOUSERSITE := 1
# Where it is set, every one of hundreds of processes would compile modules and rules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: scan test oracle checkov sdk bench docs site lock dist bill clean
.DEFAULT_GOAL := test

scan: $(VENV)/.installed
	@$(VENV)/bin/smguard scan --exit-zero examples/*.yaml

test: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/ruff check --quiet .
	@$(TEST_VENV)/bin/ruff format --check --quiet .
	@$(TEST_VENV)/bin/mypy --no-error-summary
	@$(TEST_VENV)/bin/python -m pytest --quiet -n 3 --dist worksteal --cov --cov-report=term

# A second opinion on what policies decide, which needs Node; the tests hold what it said last.
oracle: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/python -m tests.policy.oracle

# The tests of the controls inside checkov need it; its pins of boto3 and networkx need an environment of its own.
checkov: $(CHECKOV_VENV)/.installed-checkov

# The tests of the guard and of the SDK's defaults have both versions of the SageMaker SDK make the calls.
sdk: $(SDK_VENV)/.installed $(SDK3_VENV)/.installed

bench: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/python -m benchmarks.run || echo "the benchmark did not finish"

docs: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/python -m tools.generate_rules_readme
	@$(TEST_VENV)/bin/python -m tools.generate_config_rules

# The pages below docs/ with a reference of all controls, to be read from site/index.html without a server.
site: $(TEST_VENV)/.installed
	@$(TEST_VENV)/bin/python -m mkdocs build --quiet --strict

# What CI, the action and a release install, to the byte; what is oldest is what pyproject.toml still allows.
LOCK := .cache/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' pyproject.toml

lock:
	@$(call venv,.cache/lock)
	@.cache/lock/bin/python $(PIP) install --upgrade uv
	@$(LOCK) --output-file requirements/run.txt
	@$(LOCK) --output-file requirements/oldest.txt --resolution lowest-direct
	@$(LOCK) --output-file requirements/test.txt --extra test
	@$(LOCK:pyproject.toml=) --output-file requirements/build.txt --group build
	@$(LOCK:pyproject.toml=) --output-file requirements/release.txt --group release

# A release: sdist, the wheel of that sdist, and a bill of what installing it brings along. PYTHON is
# one with requirements/release.txt.
DIST ?= dist
INTO = $(PYTHON) $(PIP) --python $$folder/site/bin/python install --no-compile

dist:
	@rm -rf $(DIST)
	@$(PYTHON) -m build --no-isolation --outdir $(DIST) . >/dev/null

bill:
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	version=$$($(PYTHON) -c 'import scanner; print(scanner.__version__)'); \
	$(PYTHON) -m venv --without-pip $$folder/site; \
	$(INTO) --require-hashes --requirement requirements/run.txt; \
	$(INTO) --no-index --no-deps $(DIST)/*.whl; \
	sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml >$$folder/pyproject.toml; \
	$(PYTHON) -m cyclonedx_py environment --pyproject $$folder/pyproject.toml --output-reproducible \
		--output-file $(DIST)/sagemaker_guardrails-$$version.cdx.json $$folder/site

clean:
	@rm -rf $(VENV) $(TEST_VENV) .cache .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		build dist site benchmarks/.venvs benchmarks/.work
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml hatch_build.py README.md $(SOURCES)
	@$(call venv,$(VENV))
	@$(VENV)/bin/python $(PIP) install .
	@touch $@

# An editable install reads scanner/ and rules/ where they are: only new dependencies make it stale.
# Where not every locked file can be had (a mirror, a newer Python), what pyproject.toml allows will do.
$(TEST_VENV)/.installed: pyproject.toml hatch_build.py requirements/test.txt
	@$(call venv,$(TEST_VENV))
	@$(TEST_VENV)/bin/python $(PIP) install --require-hashes --requirement requirements/test.txt \
		|| echo "requirements/test.txt can't be installed here: taking what pyproject.toml allows" >&2
	@$(TEST_VENV)/bin/python $(PIP) install --editable '.[test]'
	@touch $@

$(CHECKOV_VENV)/.installed-checkov:
	@$(call venv,$(CHECKOV_VENV))
	@$(CHECKOV_VENV)/bin/python $(PIP) install checkov
	@touch $@

$(SDK_VENV)/.installed: Makefile
	@$(call venv,$(SDK_VENV))
	@$(SDK_VENV)/bin/python $(PIP) install 'sagemaker<3' ipython
	@touch $@

# All of version 3 that makes jobs; what else its pipelines come with is large, and takes pip minutes to resolve.
$(SDK3_VENV)/.installed: Makefile
	@$(call venv,$(SDK3_VENV))
	@$(SDK3_VENV)/bin/python $(PIP) install sagemaker-train sagemaker-serve
	@$(SDK3_VENV)/bin/python $(PIP) install --no-deps sagemaker-mlops
	@touch $@

define venv
test -x $(1)/bin/python || { \
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")' \
	&& $(PYTHON) -m venv $(1); }
endef
