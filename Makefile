# `make demo` and `make test` do all their own set-up; they need Python 3.11 and make, nothing else.
PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
MEND := Mend: install Python 3.11 with its venv module (on Debian or Ubuntu the packages python3.11 and python3.11-venv), or say where one is: make PYTHON=/path/to/python3.11
# One numeric thread per process: more only get in each other's way at these sizes.
export OMP_NUM_THREADS ?= 1

# The shipped weights, again from nothing: `make weights`, many hours on two cores. Cut off, the same command goes on; with
# other values of these variables it makes other weights. Last of all it copies them to where they ship from, with their card.
WEIGHTS ?= runs/weights
CELLS ?= panda_tabletop xarm6_tabletop two_pandas
EPISODES ?= 250
DEMOS ?= --seed 11
PRESET ?= tiny
TRAIN ?= --precision bfloat16 --stage t2a:500 --stage pretrain:10000
EVAL ?= --variation all --episodes 50
WORKERS ?= 2
# The variant that is told where things are, in the first cell alone: its results stand beside in the card. May be empty.
BESIDE ?= tiny-scene
BESIDE_TRAIN ?= --stage pretrain:5000
TRAINED = $(WEIGHTS)/$(PRESET)/checkpoint
FIRST = $(firstword $(CELLS))

.PHONY: demo test test-slow check mutate evidence evidence-slice tables bench venv clean
.PHONY: train-smoke weights weights-demos weights-train weights-eval
demo: venv ; $(BIN)/python -m interlock.orchestrator.demo --out runs/demo
test: venv ; $(BIN)/pytest -n 2 -m "not slow and not network and not gpu and not hardware"
test-slow: venv ; $(BIN)/pytest -n 2 -m "slow and not network and not gpu and not hardware"
check: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
mutate: venv ; $(BIN)/python tests/mutation/mutate.py
evidence: venv ; $(BIN)/python tests/evidence/run.py --all
evidence-slice: venv ; $(BIN)/python tests/evidence/run.py --slice 0.01 --compare
tables: venv ; $(BIN)/python tests/evidence/run.py --tables
bench: venv build/peer/.complete ; $(BIN)/interlock bench
weights-demos: venv ; $(BIN)/interlock demos $(CELLS:%=--cell %) --episodes $(EPISODES) $(DEMOS) --workers $(WORKERS) --out $(WEIGHTS)/demos
weights-train: weights-demos ; $(BIN)/interlock train --preset $(PRESET) $(CELLS:%=--data $(WEIGHTS)/demos/%) --out $(WEIGHTS)/$(PRESET) $(TRAIN)
weights-eval: weights-train
	set -e; for cell in $(CELLS); do \
	$(BIN)/interlock policy eval --cell $$cell --checkpoint $(TRAINED) $(EVAL) --workers $(WORKERS) --out $(WEIGHTS)/eval/$(PRESET)-$$cell; done
weights: weights-eval
	$(if $(BESIDE),$(MAKE) weights-eval PRESET=$(BESIDE) CELLS=$(FIRST) TRAIN='$(BESIDE_TRAIN)')
	$(BIN)/python -m interlock.orchestrator.ship --checkpoint $(TRAINED) \
	  $(foreach cell,$(CELLS),--results $(cell)=$(WEIGHTS)/eval/$(PRESET)-$(cell)) \
	  $(if $(BESIDE),--beside $(WEIGHTS)/$(BESIDE)/checkpoint:$(FIRST)=$(WEIGHTS)/eval/$(BESIDE)-$(FIRST)) $(SHIP)
# The same commands, small enough for CI: the loss has to fall and the checkpoint to load.
train-smoke: venv
	rm -rf runs/smoke
	$(MAKE) --no-print-directory weights-train WEIGHTS=runs/smoke CELLS=panda_tabletop EPISODES=2 PRESET=smoke \
	  DEMOS='--noise 0 --goal "pick up the red block"' \
	  TRAIN='--stage t2a:20 --stage pretrain:120 --batch 16 --draws 2 --rate 3e-3 --held-out 0'
	$(BIN)/python tests/smoke/check_training.py runs/smoke/smoke
# What `bench gate` compares with needs jax, and an environment of its own; without it that comparison is left out.
build/peer/.complete: pyproject.toml constraints.txt
	@$(PYTHON) -m venv build/peer && build/peer/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt cbfpy elastiqp \
	&& touch $@ || echo "Missing: pip could not install cbfpy (see above); the benchmark says so and goes on." >&2
venv: .venv/.complete
.venv/.complete: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Missing: there is no '$(PYTHON)' (PyBullet has Linux wheels for Python 3.11 only). $(MEND)"; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Missing: '$(PYTHON)' does not run Python 3.11. $(MEND)"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "Missing: '$(PYTHON)' has no venv module. $(MEND)"; exit 1; } >&2
	@echo "Setting up .venv with the pinned packages of constraints.txt; this takes a minute or two, once."
	@$(PYTHON) -m venv .venv
	@$(PIP) hatchling editables && $(PIP) --no-build-isolation --editable '.[sim,vla,remote,dev]' || { echo "Missing: pip could not install the packages of constraints.txt (see above). Mend: check the network and pip's index, then run make again."; exit 1; } >&2
	@touch $@
clean: ; rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
