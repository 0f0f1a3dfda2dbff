# The commands of this repository. `make` alone lists them.
# Two verbs: check never writes a source file, fix does.

# One target directory for every clone and every command, one profile, one choice of packages
# (--workspace): then RocksDB compiles once per machine. See CONTRIBUTING.md.
export CARGO_TARGET_DIR ?= $(or $(AKASHI_TARGET),$(HOME)/.cache/akashi-target)
# With ccache in front, a RocksDB that must be built again takes a minute, not twenty. The directory
# may come into being while `setup` runs.
export PATH := /usr/lib/ccache:$(PATH)
export CCACHE_MAXSIZE ?= 2G

CARGO ?= cargo
BIN := $(CARGO_TARGET_DIR)/debug
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-deep sim mutants oracles fuzz fuzz-seeds fuzz-min bench bench-apply bench-presence bench-proofs bench-statement check fmt-check tidy lint docs fix deny images up down smoke

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## name and install the Debian packages that a build needs
	@ops/setup.sh

build: setup ## all binaries, into $CARGO_TARGET_DIR/debug
	$(CARGO) build --locked --workspace --bins

demo: build ## three nodes on this machine, calls, refusals, a killed leader, a receipt (DEMO=--keep leaves them running)
	$(BIN)/akashi demo $(DEMO)

test: build ## every test that a change must pass
	@ops/setup.sh webhooks
	$(CARGO) test --locked --workspace --no-fail-fast

test-deep: build oracles ## the same with the oracles, more simulated seeds and longer storms over real nodes
	@ops/setup.sh webhooks
	AKASHI_SIM_SEEDS=$(or $(AKASHI_SIM_SEEDS),20000) AKASHI_GATE_FRAMES=$(or $(AKASHI_GATE_FRAMES),10000000) \
		AKASHI_KILL_SECONDS=$(or $(AKASHI_KILL_SECONDS),300) AKASHI_KILLS=$(or $(AKASHI_KILLS),200) \
		AKASHI_MUTATIONS=$(or $(AKASHI_MUTATIONS),100000) \
		AKASHI_SOAK_SUBMISSIONS=$(or $(AKASHI_SOAK_SUBMISSIONS),100000) \
		$(CARGO) test --locked --workspace --no-fail-fast

sim: ## the simulated cluster alone: no RocksDB, no gRPC (AKASHI_SIM_SEEDS=n, or AKASHI_SIM_SEED=n for one)
	$(CARGO) test --locked -p akashi-sim

mutants: setup ## plants known bugs into a copy of the sources, one by one: the tests must notice each (MUTANTS=part of a name)
	CARGO="$(CARGO)" tests/mutants/run.sh $(MUTANTS)

# criterion, a development dependency there, asks clang for link-time optimisation, which mold cannot read.
oracles: setup ## akashi-proof against other people's implementations, in both directions
	CC=gcc $(CARGO) test --locked --manifest-path tests/oracles/Cargo.toml

# A nightly toolchain and cargo-fuzz; see tests/fuzz/README.md.
FUZZ ?= $(notdir $(wildcard tests/fuzz/corpus/*))
FUZZ_SECONDS ?= 60
fuzz: ## every fuzz target for FUZZ_SECONDS (FUZZ=name for one); needs nightly and cargo-fuzz
	set -e; for target in $(FUZZ); do $(CARGO) +nightly fuzz run --fuzz-dir tests/fuzz/targets $$target \
		tests/fuzz/corpus/$$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=120; done

fuzz-min: ## the smallest corpus that reaches as much as the one there is
	set -e; for target in $(FUZZ); do $(CARGO) +nightly fuzz cmin --fuzz-dir tests/fuzz/targets $$target \
		tests/fuzz/corpus/$$target; done

fuzz-seeds: ## the first inputs of the fuzz targets, from the golden vectors
	$(CARGO) run --locked -p akashi-fuzz --example seeds

bench: build ## figures against etcd on this machine, into benches/RESULTS.md
	@ops/setup.sh bench
	$(BIN)/akashi-bench --out benches/RESULTS.md $(BENCH)

bench-proofs: setup ## proofs beside Ed25519, other range proofs and AnonCreds, into benches/RESULTS.md
	@ops/setup.sh proofs
	$(CARGO) build --locked --manifest-path benches/peers/Cargo.toml
	$(BIN)/akashi-peers --python $(CARGO_TARGET_DIR)/anoncreds/bin/python --out benches/RESULTS.md $(BENCH)

bench-presence: build ## heartbeats of 50,000 agents, blackouts and locks on three nodes, into benches/RESULTS.md
	$(BIN)/presence_bench --out benches/RESULTS.md $(BENCH)

bench-statement: build ## a statement of 100,000 contacts made and checked, into benches/RESULTS.md
	$(BIN)/statement_bench 100000 10 benches/RESULTS.md

bench-apply: build ## one replica applies a million announcements; a log of 1 GiB is opened; into benches/RESULTS.md
	$(BIN)/apply_bench --dir $(CARGO_TARGET_DIR) --out benches/RESULTS.md $(BENCH)

check: fmt-check tidy lint docs ## format, tidy rules, lints and documentation; writes nothing

fmt-check:
	$(CARGO) fmt --all -- --check

# The tidy rules need the standard library only, so they compile alone in seconds; `make test` runs
# the same file as a part of the one integration test binary.
tidy: ## the rules about layers, names, sizes and documents
	@mkdir -p $(CARGO_TARGET_DIR)/tidy
	@CARGO_MANIFEST_DIR=$(CURDIR)/tests rustc --edition 2024 --test -o $(CARGO_TARGET_DIR)/tidy/tidy tests/it/tidy.rs
	@RUST_BACKTRACE=0 $(CARGO_TARGET_DIR)/tidy/tidy --quiet

lint: setup ## clippy on everything, warnings are errors
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

docs: setup ## rustdoc on everything, warnings are errors
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

fix: setup ## format, and apply what clippy can repair by itself
	$(CARGO) fmt --all
	$(CARGO) clippy --workspace --all-targets --fix --allow-dirty --allow-staged

deny: ## licences, sources and banned or doubled crates; needs the network
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --locked check bans licenses sources $(DENY)

images: setup ## container images, built without any registry
	@ops/setup.sh images
	CARGO="$(CARGO)" ops/docker/build-image.sh

up: images ## three nodes in containers
	$(COMPOSE) up -d

down: ## stop the containers and throw their data away
	$(COMPOSE) down --volumes --remove-orphans

smoke: images ## containers end to end: a call verified, a node killed, calls go on
	COMPOSE="$(COMPOSE)" ops/docker/smoke.sh
