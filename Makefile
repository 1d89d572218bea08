# Everything runs in an environment of its own under .venv; nothing is installed beside it without being asked.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PORT   ?= 8080
LIVES  ?= 2000
NIGHTS ?= 365
SEED   ?=

# Programs that the tests need, each with Debian's package that brings it: program=package.
# A file stands for what is no program: what drives the browser needs libatomic.
TEST_PROGRAMS := hledger=hledger chromium=chromium nginx=nginx-light mariadbd=mariadb-server openssl=openssl \
                 systemd-analyze=systemd \
                 /usr/lib/*/libatomic.so.1=libatomic1
LONG_PROGRAMS := mariadbd=mariadb-server /usr/lib/galera/libgalera_smm.so=galera-4 rsync=rsync
SERVER_PROGRAMS := debootstrap=debootstrap systemd-nspawn=systemd-container openssl=openssl

# Many tests start the program as a process of its own: where no bytecode is kept, each would compile
# all of it again, a second of work.
test test-long test-server: export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-long test-server check soak year bench screenshots manual format pins clean programs system

demo: $(VENV)/.installed  ## A made-up school with its cabinet in the browser; nothing to configure.
	@$(BIN)/coinsync demo --port $(PORT)

# Lint, types and contracts take a minute of one core, which the suite leaves idle now and then: they run beside
# it. Nobody wants to read two programs at once, so what they print is kept back, and shown only if they fail.
# Three tests run at a time even on two cores, because browsers and servers are waited for.
test: programs $(VENV)/.tested  ## Everything that is checked: lint, types, import contracts, and the whole suite.
	@mkdir -p build
	@$(MAKE) --no-print-directory check >build/check.log 2>&1 & check=$$!; \
	trap "kill $$check 2>/dev/null" INT TERM; \
	$(BIN)/python -m pytest -n 3 --dist worksteal; suite=$$?; \
	wait $$check || { cat build/check.log; echo "make check failed: see above" >&2; exit 1; }; \
	exit $$suite

test-long: TEST_PROGRAMS := $(LONG_PROGRAMS)
test-long: programs $(VENV)/.tested  ## What takes long: servers that die, a cluster of three, kills at every step, bugs that must be found.
	$(BIN)/python -m pytest -n 2 --dist loadfile -m long

test-server: TEST_PROGRAMS := $(SERVER_PROGRAMS)
test-server: programs $(VENV)/.tested  ## A whole server on a bare Debian, as docs/operations.md sets it up; as root.
	$(BIN)/python -m pytest -m server

check: $(VENV)/.tested  ## The quick part: lint, format, types, import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: $(VENV)/.tested  ## A school that lives at random, for long: LIVES=5000; SEED=1 repeats the lives of a printed seed.
	$(BIN)/python -m pytest -s --timeout 0 tests/test_machine.py -k whatever_happens --lives $(LIVES) $(if $(SEED),--lives-seed $(SEED))

year: TEST_PROGRAMS := mariadbd=mariadb-server
year: programs $(VENV)/.tested  ## Every night of a year with every trouble, on both engines: NIGHTS=120; SEED=1 repeats a printed seed.
	$(BIN)/python -m pytest -s --timeout 0 -m year tests/year --nights $(NIGHTS) $(if $(SEED),--year-seed $(SEED))

bench: $(VENV)/.tested  ## Our speed against its floors, as ratios, in build/bench.json too; LINES="3 14" measures these lines.
	$(BIN)/python -m bench $(LINES)

screenshots: programs $(VENV)/.tested  ## Pictures of every screen of the cabinet, light and dark, in build/screenshots.
	$(BIN)/python -m tests.browser.screenshots build/screenshots

manual: $(VENV)/.tested  ## The documents that are made from the program: commands, configuration, the first day.
	$(BIN)/python -m tests.support.manual

format: $(VENV)/.tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Every file that pip takes from an index must have a hash of the list; the project itself has none, and is
# built by the setuptools of that list, not by one that pip fetches for the build.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check

$(VENV)/.installed: setup.py pyproject.toml requirements.txt | $(BIN)/pip
	$(INSTALL) --require-hashes --requirement requirements.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tested: setup.py pyproject.toml requirements.txt requirements-test.txt | $(BIN)/pip
	$(INSTALL) --require-hashes --requirement requirements-test.txt
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.installed $@

# The hashes are those of every file that the index has of a release, so that they serve for all platforms.
PINS := build/pins/bin/uv pip compile --quiet --no-config --generate-hashes --no-annotate --no-header \
        --python-version 3.11 --python-platform linux setup.py

pins: build/pins/bin/uv  ## Newest releases that setup.py allows, with hashes, into requirements*.txt; PINS_KEEP=1 keeps releases.
	@[ -n "$(PINS_KEEP)" ] || rm -f requirements.txt requirements-test.txt
	sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml | $(PINS) - --output-file requirements.txt
	$(PINS) --extra test --constraint requirements.txt --output-file requirements-test.txt \
	  $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.txt)
	sed -i '1i -r requirements.txt' requirements-test.txt

build/pins/bin/uv:
	$(PYTHON) -m venv build/pins
	build/pins/bin/pip install --quiet --disable-pip-version-check uv

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "coinsync needs Python 3.11 or newer; say which: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory system PACKAGES=python3-venv
	$(PYTHON) -m venv $(VENV)

programs:
	@PATH="$$PATH:/usr/sbin"; missing=; for one in $(TEST_PROGRAMS); do \
	  command -v "$${one%%=*}" >/dev/null || [ -f $${one%%=*} ] || missing="$$missing $${one#*=}"; done; \
	[ -z "$$missing" ] || $(MAKE) --no-print-directory system PACKAGES="$${missing# }"

# Debian's packages: installed where that is allowed, else the one line to run is said.
system:
	@if [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES); \
	else echo "Run once, then again make:  sudo apt-get install -y $(PACKAGES)"; exit 1; fi
