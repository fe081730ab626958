# The few commands of the house. Each one installs what it needs first and asks nothing.
.DEFAULT_GOAL := help
.PHONY: help setup run test chaos browsers check bench format tools screens figures
SHELL := /bin/sh
PY := .venv/bin/python

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

setup: ## install Baton into .venv, without starting it
	@scripts/setup.sh

run: setup ## start Baton with a demo shop on http://127.0.0.1:8000 (BATON_PORT, BATON_DATA …)
	@exec .venv/bin/baton serve --demo

# Everything a test or a check may need: Python packages, a Chromium, Node, the JS packages.
tools:
	@scripts/setup.sh test,check,scale
	@$(PY) -m scripts.get_programs

test: tools ## all checks and all tests (ARGS="tests/unit -k fold" runs a part of the tests only)
	@$(PY) -m scripts.run_tests $(ARGS)

chaos: tools ## 10,000 simulated days under every fault, then the long trials (ARGS="--seed N" lives one day again, line by line)
	@$(PY) -m scripts.run_chaos $(ARGS)

browsers: tools ## the phone's main job and the page in a proof, in Firefox and WebKitGTK
	@$(PY) -m scripts.get_programs engines
	@$(PY) -m pytest -q -m elsewhere tests/elsewhere $(ARGS)

bench: tools ## events and photos a second, beside the bare databases and disk, on SQLite and PostgreSQL
	@$(PY) -m scripts.run_bench $(ARGS)

format: tools ## lay out Python, JavaScript and CSS the one way
	@$(PY) -m scripts.run_format

check: tools ## formatting, lint, types, floors, templates, JavaScript
	@$(PY) -m scripts.run_checks

screens: tools ## take every picture in docs/screens (ARGS=--all writes all of them anew)
	@$(PY) -m scripts.screens $(ARGS)

figures: tools ## measure the phone's cold start without a network, and the bytes of its first load
	@$(PY) -m scripts.figures $(ARGS)
