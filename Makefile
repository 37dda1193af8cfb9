# `make demo` builds real crates; `make check` and `make test` run tests. Each target installs its tools first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2
SEEDS ?= 10
FLEET ?= 110

.PHONY: demo check test attack slow acts browser chaos fleet lint docs diagrams bench platforms layouts image lock clean

demo:
	@echo "This builds six small crates in sandboxes and packs them for npm."
	@echo "Then it installs each package into an empty folder and loads it there."
	@echo "It takes a minute or two on two cores, and another one the first time."
	@$(MAKE) --silent $(VENV)/.runtime
	@.ci/bubblewrap
	@$(BIN)/python .ci/demo.py --jobs $(JOBS)

# The tier for each edit: lint, types and unit tests. They need no toolchain and no Node.js: see tests/suite/tiers.py.
check: lint
	@$(BIN)/pytest --numprocesses 3 --dist loadfile -m "unit and not rush and not slow"

# More workers than cores, because tests wait half of the time for servers, npm and the clock. Attacks that take more than a
# unit test are in `make attack`.
test: $(VENV)/.dev
	@.ci/bubblewrap
	@$(BIN)/pytest --numprocesses 6 --dist loadfile --no-loadscope-reorder -m "not rush and not slow and (unit or not attack)"

# The tests marked as attacks, as root and as an ordinary user, with a table of results: see docs/security.md.
attack: $(VENV)/.dev
	@.ci/bubblewrap
	@.ci/attack

# Builds of a minute and more: for other platforms, with coverage, in both package layouts, with a failing sandbox
# service, and of the whole sample fleet on both backends. Those that are attacks or need the whole machine run below.
slow: $(VENV)/.dev
	@.ci/bubblewrap
	@$(BIN)/pytest --numprocesses 5 --dist loadscope --no-loadscope-reorder --timeout 2700 -m "slow and not rush and not attack"

# The workflows, each from its event to its end, in the order of the files: see tests/acts/__init__.py. One test waits for
# two whole releases, and other work may keep the machine busy.
acts: $(VENV)/.dev .cache/bin/act
	@.ci/bubblewrap
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --timeout 2700 -p no:randomly -rP tests/acts

.cache/bin/act: .ci/act
	@.ci/act "$(CURDIR)/.cache/bin"

# The page of a report in Chromium: see tests/reports/browser/conftest.py. One process, so that all tests have one browser.
browser: $(VENV)/.dev
	@.ci/chromium
	@$(BIN)/pytest tests/reports/browser

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/shellcheck generator/scripts/*.sh $$(grep -slE '^#!.*\b(ba)?sh$$' .ci/*)

# The documentation as a site. A link, an anchor or a page that is wrong fails it: see mkdocs.yml.
docs: $(VENV)/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --clean

# Pictures of the diagrams in docs/, for `make docs`. This needs Node.js 22 and Chromium.
diagrams: $(VENV)/.docs
	@$(BIN)/python .ci/diagrams.py

bench: $(VENV)/.dev
	@$(BIN)/python .ci/bench.py
	@$(BIN)/python .ci/transfer_bench.py

# The sample fleet for every platform that this machine can build. The platform's runtime loads each package.
platforms: $(VENV)/.dev
	@.ci/bubblewrap
	@.ci/toolchain .cache/toolchain
	@.ci/runtimes .cache/runtimes .cache/toolchain/bin/zig
	@$(BIN)/python .ci/platforms.py $(CRATES)

# Twelve repositories in the shape of other people's, from `init` to a loaded package, with a table: see tests/layouts.
layouts: $(VENV)/.dev
	@.ci/bubblewrap
	@$(BIN)/python -m tests.layouts $(LAYOUTS)

# The sandboxes' image, made here: each instruction, each check, and one crate of each kind, with a table of each.
image: $(VENV)/.dev
	@.ci/bubblewrap
	@$(BIN)/python -m tests.image .cache/image $(STAGES)

# Tests that need the whole machine: thirty sandboxes, thirty uploads, and the 110 crates with a failing service.
chaos: $(VENV)/.dev
	@CHAOS_SEEDS=$(SEEDS) $(BIN)/pytest -m rush

# Releases of 110 scripted builds: unchanged, stopped ten times, with broken crates, within the limits of the Hobby plan, and
# by the release workflow. Then three runs of 110 builds that sleep, with their time, predictions and costs.
fleet: $(VENV)/.dev .cache/bin/act
	@.ci/bubblewrap
	@FLEET_CRATES=$(FLEET) $(BIN)/pytest --timeout 5400 -p no:randomly -rP tests/releases/test_scripted_fleet.py \
		tests/acts/test_release_at_e2b.py
	@$(BIN)/python .ci/fleet_bench.py --crates $(FLEET)

# Hash-locked requirements; `--universal` makes one file for every Python and system.
LOCK := uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	--custom-compile-command "make lock"

lock: $(VENV)/.dev
	$(BIN)/$(LOCK) --upgrade --output-file requirements/runtime.txt pyproject.toml
	$(BIN)/$(LOCK) --upgrade --group build --constraints requirements/runtime.txt --output-file requirements/build.txt pyproject.toml
	$(BIN)/$(LOCK) --upgrade --group installer --output-file requirements/installer.txt
	.ci/pins cargo_zigbuild ziglang | $(BIN)/$(LOCK) --upgrade --output-file requirements/linkers.txt -
	.ci/pins cargo_xwin | $(BIN)/$(LOCK) --upgrade --output-file requirements/windows.txt -
	$(BIN)/$(LOCK) --upgrade --group dev --constraints requirements/build.txt --output-file requirements/dev.txt pyproject.toml
	$(BIN)/$(LOCK) --upgrade --group docs --constraints requirements/dev.txt --output-file requirements/docs.txt

clean:
	rm -rf $(VENV) dist site .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.runtime: pyproject.toml requirements/build.txt
	@.ci/venv "$(PYTHON)" $(VENV) requirements/build.txt
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.txt
	@.ci/venv "$(PYTHON)" $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/.runtime

# Into the same environment: the pages read the commands and the schema.
$(VENV)/.docs: requirements/docs.txt $(VENV)/.runtime
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/docs.txt
	@touch $@
