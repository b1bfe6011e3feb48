# Two commands do it all on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-long lint setup validate sample reference bench study-coverage rng-battery clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("funnelsim needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.venv/tools: .venv/ready requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	touch $@

demo: setup
	$(BIN)/funnelsim calibrate calibration/sample.history.yaml --out calibration/sample.fitted.yaml
	$(BIN)/funnelsim compare scenarios/old-way.yaml scenarios/old-way-with-promise.yaml scenarios/shared-funnel.yaml --out results

lint: .venv/tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -q -n 2 -m "not long"

test-long: lint
	$(BIN)/python -m pytest -q -n 2

# The published cases of docs/background, simulated.
validate: setup
	$(BIN)/funnelsim validate

# The sample history again from its truth: the same bytes.
sample: setup
	$(BIN)/python calibration/make_sample.py

# schema/scenario.json and docs/reference from the models of the file format.
reference: setup
	$(BIN)/python -c 'from pathlib import Path; from funnelsim.scenario.format_reference import write; write(Path())'

# Speed, scale and start-up; see benchmarks/README.md. Run it on a quiet machine.
bench: setup
	$(BIN)/python benchmarks/funnel_a.py
	$(BIN)/python benchmarks/scale.py
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/sweep.py

# Do the intervals of calibration keep their promise? Some 15 minutes; can be stopped and taken up again.
study-coverage: setup
	$(BIN)/python calibration/coverage_study.py

# dieharder on the draws, some ten minutes; needs Debian's dieharder.
rng-battery: setup
	$(BIN)/python benchmarks/rng_battery.py

clean:
	rm -rf .venv build dist src/*.egg-info
