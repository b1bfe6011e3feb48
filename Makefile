# Two commands do it all on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-long test-bounds coverage dist lint docs setup lock validate sample reference bench study-coverage \
	rng-battery fuzz \
	fuzz-readers clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("funnelsim needs Python 3.11 or newer, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL) --no-deps --editable .
	touch $@

.venv/tools: .venv/ready requirements-dev.lock
	$(INSTALL) --require-hashes -r requirements-dev.lock
	touch $@

.venv/docs: .venv/ready requirements-docs.lock
	$(INSTALL) --require-hashes -r requirements-docs.lock
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

# The bounds of pyproject.toml are true: the tests with the lowest or the newest packages, on a Python of their own. Needs uv.
RESOLUTION ?= lowest-direct
BOUNDS := build/bounds-$(RESOLUTION)
test-bounds:
	uv venv --quiet --clear --python $(PYTHON) $(BOUNDS)
	uv pip install --quiet --python $(BOUNDS) --resolution $(RESOLUTION) --group test --editable ".[cluster,optimise,backtest,postgres]"
	$(BOUNDS)/bin/python -m pytest -q -n 2 -m "not long"

# What is published: a source archive that holds its own tests, and a wheel made from it.
dist: .venv/tools
	rm -rf dist
	$(INSTALL) build
	$(BIN)/python -m build

# Lines that no test reaches. Compiled code is not seen: the engines agree instead.
coverage: .venv/tools
	$(BIN)/python -m pytest -q -n 2 -m "not long" --cov=funnelsim --cov-report=term:skip-covered --cov-report=xml

# The documentation site in build/site; a broken link, or a path that is no longer in the code, fails.
docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --site-dir build/site

# The lock files anew: newest versions within the bounds of pyproject.toml, with hashes. Needs uv.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade
lock:
	$(LOCK) pyproject.toml -o requirements.lock
	$(LOCK) pyproject.toml --all-extras --group dev -c requirements.lock -o requirements-dev.lock
	$(LOCK) --group docs -c requirements.lock -o requirements-docs.lock

# The campaign against everything that reads what people wrote: mutants, kills, races, damaged caches. Hours; it can be
# stopped and taken up again.
fuzz: .venv/tools
	cd tests && ../$(BIN)/python -m fuzz.campaign scenarios --count 100000
	cd tests && ../$(BIN)/python -m fuzz.campaign runs --count 10000
	cd tests && ../$(BIN)/python -m fuzz.campaign histories --count 20000
	cd tests && ../$(BIN)/python -m fuzz.campaign manifests --count 5000
	cd tests && ../$(BIN)/python -m fuzz.campaign names --count 200
	cd tests && ../$(BIN)/python -m fuzz.campaign faults --count 1000
	cd tests && ../$(BIN)/python -m fuzz.campaign engines --count 20000

# Coverage-guided fuzzing of the text readers, by Atheris, ten minutes each.
fuzz-readers: .venv/tools
	$(INSTALL) atheris
	cd tests && for reader in yaml toml values; do ../$(BIN)/python -m fuzz.coverage_guided $$reader -max_total_time=600; done

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
