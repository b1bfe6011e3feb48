# Two commands do it all on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-long lint setup clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("funnelsim needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

demo: setup
	$(BIN)/funnelsim calibrate calibration/sample.history.yaml --out calibration/sample.fitted.yaml
	$(BIN)/funnelsim compare scenarios/old-way.yaml scenarios/old-way-with-promise.yaml scenarios/shared-funnel.yaml --out results

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -q -n 2 -m "not long"

test-long: lint
	$(BIN)/python -m pytest -q -n 2

clean:
	rm -rf .venv build dist src/*.egg-info
