# The two commands are `make demo` and `make test`; both do all set-up and can be run again at any time.
.PHONY: demo test setup check chaos bench lock clean
.DEFAULT_GOAL := help
CHAINOPS := .venv/bin/chainops

help:
	@echo "make demo   run the whole pipeline on examples/vault"
	@echo "make test   install what the tests need and run them"
	@echo "make chaos  the long random and destructive tests"
	@echo "make bench  speed and memory against peers"
	@echo "make lock   write requirements/*.txt anew"

demo:
	@scripts/setup.sh run
	@scripts/demo.sh

test:
	@scripts/setup.sh dev
	@scripts/test.sh

chaos:
	@scripts/setup.sh dev
	@$(CHAINOPS) tools install
	@.venv/bin/python -m pytest -m chaos -q

bench:
	@scripts/setup.sh dev
	@.venv/bin/python -m benchmarks

lock:
	@scripts/lock.sh
