# `make demo` and `make test` do all their own set-up; they need Python 3.11 and make, nothing else.
PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile --constraint constraints.txt
MEND := Mend: install Python 3.11 with its venv module (on Debian or Ubuntu the packages python3.11 and python3.11-venv), or say where one is: make PYTHON=/path/to/python3.11
# One numeric thread per process: more only get in each other's way at these sizes.
export OMP_NUM_THREADS ?= 1

# Weights that ship, again from nothing: `make weights`, some hours on two cores. `PRESET=tiny` makes those of the model that looks through
# cameras, for the Panda alone. Cut off, the same command goes on; with other values of these variables it makes other weights. Last of all it
# copies them to where they ship from, with their card.
WEIGHTS ?= runs/weights
PRESET ?= tiny-scene
# Demonstrations, and stills for a model that sees: cell:episodes:seed.
SETS_tiny-scene ?= panda_tabletop:170:11 two_pandas:37:13 xarm6_tabletop:80:12
SETS_tiny ?= panda_tabletop:84:11
STILLS_tiny ?= panda_tabletop:500:21
SETS ?= $(SETS_$(PRESET))
STILLS ?= $(STILLS_$(PRESET))
PICTURES ?= 10
DEMOS ?=
# The right arm of two_pandas stands in every demonstration.
STANDS = joint1=0 joint2=-0.785398 joint3=0 joint4=-2.356194 joint5=0 joint6=1.570796 joint7=0.785398
TRAIN_tiny-scene ?= --stage pretrain:8000 $(STANDS:%=--constant right_panda_%)
TRAIN_tiny ?= --stage pretrain:2400 --rate 0.0007
# What a preset learns after that, from those weights, and last of all; both in so many processes.
THEN_tiny ?= --decoder-from tiny-scene --stage action:120 --stage pretrain:3200 --rate 0.0006 --batch 32 --precision bfloat16
SHARED_tiny ?= 2
LAST_tiny ?= --stage geometry:400 --rate 0.002 --batch 64 --precision bfloat16 --store bfloat16
TRAIN ?= $(TRAIN_$(PRESET)) --batch 32 --precision bfloat16
THEN ?= $(THEN_$(PRESET))
SHARED ?= $(SHARED_$(PRESET))
LAST ?= $(LAST_$(PRESET))
# How much of the sets may be read, compressed, [MiB]; 60 where nothing is said. `tiny` reads 86.5 of 93.5.
READ_tiny ?= 90
READ ?= $(READ_$(PRESET))
# The first cell is judged on every axis, with the gate and without; the others on what was taught. `tiny`, whose episodes take twice as
# long, was judged on fewer, and under the gate alone.
EVAL_tiny ?= --episodes 18 --no-puppet
EVAL ?= --variation all $(or $(EVAL_$(PRESET)),--episodes 50)
EVAL_OTHERS ?= $(EVAL) --no-held-out --no-puppet
# What the results do not show, for the card.
SHIP_tiny ?= \
  --limit "Simulated, in one cell, with the Panda alone; nothing was shown on a real arm." \
  --limit "n = 18 a row is little: the intervals are wide, and rows a few episodes apart do not differ. It was not played without the gate." \
  --limit "Found places are off, median on fresh stills, by 1 cm within 12 cm of the tool and by 2 cm over all." \
  --limit "With words and names of colours that it was never told it does its task about three times in four."
SHIP ?= $(SHIP_$(PRESET))
WORKERS ?= 2
CELLS = $(foreach one,$(SETS),$(firstword $(subst :, ,$(one))))
SEEN = $(foreach one,$(STILLS),$(firstword $(subst :, ,$(one)))_stills)
RUN = $(WEIGHTS)/$(PRESET)
DATA = $(foreach one,$(CELLS) $(SEEN),--data $(RUN)/demos/$(one))
# A training alone may be ended after so many seconds.
END_S ?=
ASK = --preset $(PRESET) $(DATA) $(if $(READ),--max-read-mib $(READ))
LEARN = $(if $(END_S),timeout --foreground --kill-after=30 $(END_S)) $(BIN)/interlock train $(ASK)
TOGETHER = $(if $(SHARED),$(BIN)/torchrun --standalone --nproc-per-node $(SHARED) -m interlock.policy.training $(ASK),$(LEARN))
each = set -e; for one in $(1); do IFS=:; set -- $$one; unset IFS; $(BIN)/interlock demos --cell $$1 --episodes $$2 --seed $$3 --workers $(WORKERS) --out $(RUN)/demos $(2); done

.PHONY: demo test test-slow test-network check mutate evidence evidence-slice tables bench venv clean
.PHONY: train-smoke weights weights-demos weights-train weights-eval
demo: venv ; $(BIN)/python -m interlock.orchestrator.demo --out runs/demo
test: venv ; $(BIN)/pytest -n 2 --dist worksteal -m "not slow and not network and not gpu and not hardware"
# What installs a package from the network into an environment of its own: openpi's own client against ours.
test-network: venv ; $(BIN)/pytest -m network
test-slow: venv ; $(BIN)/pytest -n 2 --dist worksteal -m "slow and not network and not gpu and not hardware"
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
weights-demos: venv
	$(if $(SETS),,$(error There are no demonstrations for '$(PRESET)'. Mend: name them, SETS=cell:episodes:seed))
	$(call each,$(SETS),$(DEMOS))
	$(if $(SEEN),$(call each,$(STILLS),--stills $(PICTURES)))
weights-train: weights-demos
	$(LEARN) --out $(RUN)$(if $(THEN)$(LAST),/first) $(TRAIN)
	$(if $(THEN),$(TOGETHER) --from $(RUN)/first/checkpoint --out $(RUN)$(if $(LAST),/second) $(THEN))
	$(if $(LAST),$(TOGETHER) --from $(RUN)/$(if $(THEN),second,first)/checkpoint --out $(RUN) $(LAST))
weights-eval: weights-train
	set -e; judged='$(EVAL)'; for cell in $(CELLS); do \
	eval "$(BIN)/interlock policy eval --cell $$cell --checkpoint $(RUN)/checkpoint $$judged --workers $(WORKERS) --out $(RUN)/eval-$$cell"; \
	judged='$(EVAL_OTHERS)'; done
weights: weights-eval
	$(BIN)/python -m interlock.orchestrator.ship --checkpoint $(RUN)/checkpoint $(foreach cell,$(CELLS),--results $(cell)=$(RUN)/eval-$(cell)) $(SHIP)
# The same commands, small enough for CI: the training has to end within three minutes, the loss to fall and the checkpoint to load.
train-smoke: venv
	rm -rf runs/smoke
	$(MAKE) --no-print-directory weights-train WEIGHTS=runs/smoke SETS=panda_tabletop:2:11 STILLS=panda_tabletop:1:0 PICTURES=4 PRESET=smoke END_S=180 \
	  DEMOS='--noise 0 --goal "pick up the red block"' \
	  TRAIN='--stage t2a:20 --stage pretrain:120 --batch 16 --draws 2 --rate 3e-3 --held-out 0'
	$(BIN)/python tests/smoke/check_training.py runs/smoke/smoke
# What `bench gate` compares with needs jax, and an environment of its own; without it that comparison is left out.
build/peer/.complete: pyproject.toml constraints.txt
	@$(PYTHON) -m venv build/peer && build/peer/bin/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt cbfpy elastiqp \
	&& touch $@ || echo "Missing: pip could not install cbfpy (see above); the benchmark says so and goes on." >&2
# Compiled last, on all cores, where pip would use one; that some files of packages are no Python is no matter.
venv: .venv/.complete
.venv/.complete: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "Missing: there is no '$(PYTHON)' (PyBullet has Linux wheels for Python 3.11 only). $(MEND)"; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Missing: '$(PYTHON)' does not run Python 3.11. $(MEND)"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "Missing: '$(PYTHON)' has no venv module. $(MEND)"; exit 1; } >&2
	@echo "Setting up .venv with the pinned packages of constraints.txt; this takes a minute or two, once."
	@$(PYTHON) -m venv .venv
	@$(PIP) hatchling editables && $(PIP) --no-build-isolation --editable '.[sim,vla,remote,dev]' || { echo "Missing: pip could not install the packages of constraints.txt (see above). Mend: check the network and pip's index, then run make again."; exit 1; } >&2
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib >/dev/null || true
	@touch $@
clean: ; rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
