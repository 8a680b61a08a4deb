# What a developer and the CI start. It needs Rust (rustup) and Python 3; everything else goes into
# .tools/, nothing into the system.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Each in an environment of its own: their dependencies contradict each other.
CARGO_LAMBDA := cargo-lambda==1.9.2
SAM := aws-sam-cli==1.170.0
CFN_LINT := cfn-lint==1.58.0
CHECKOV := checkov==3.3.30
SCHEMATHESIS := schemathesis==4.32.5
# From crates.io, for `make fuzz` alone.
CARGO_FUZZ := cargo-fuzz==0.13.2

# The file that says which version is installed; a new version is a new file.
LAMBDA_READY := .tools/venv/.$(CARGO_LAMBDA)
SAM_READY := .tools/sam/.$(SAM)
CFN_LINT_READY := .tools/cfn-lint/.$(CFN_LINT)
CHECKOV_READY := .tools/checkov/.$(CHECKOV)
SCHEMATHESIS_READY := .tools/schemathesis/.$(SCHEMATHESIS)
CARGO_FUZZ_READY := .tools/cargo-fuzz/.$(CARGO_FUZZ)

# `sam build` looks for cargo-lambda, cargo for cargo-fuzz, and the templates' tools need no account.
export PATH := $(CURDIR)/.tools/venv/bin:$(CURDIR)/.tools/cargo-fuzz/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

.PHONY: help dev test fuzz soak bench bench-docs bench-check release-functions check build fmt tools check-tools needs-rust needs-python needs-nightly

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: needs-rust $(LAMBDA_READY) ## Run the whole service on this machine, until Ctrl-C
	@exec cargo run --bin local-stack

test: needs-rust $(SCHEMATHESIS_READY) ## Run every test (set up nothing first: they start what they need)
	cargo build --locked --workspace --all-targets
	@if cargo nextest --version >/dev/null 2>&1; \
	then set -x; cargo nextest run --locked --workspace; \
	else set -x; cargo test --locked --workspace; fi
	target/debug/examples/on-the-stack tests/end-to-end/schemathesis/run --seed 1 --max-examples 20

# A quarter of the time for each of the two keys, and half for the fuzz targets.
fuzz: MINUTES := 10
fuzz: needs-rust needs-nightly $(SCHEMATHESIS_READY) $(CARGO_FUZZ_READY) ## Look for bad input that does harm, for ten minutes (MINUTES=… for more)
	cargo build --locked --workspace --bins --example on-the-stack
	target/debug/examples/on-the-stack tests/end-to-end/schemathesis/run --max-time $$(($(MINUTES) * 15))
	tests/fuzz/runner/run $$(($(MINUTES) * 30 / 8))

# For how long, and with which plan: `make soak MINUTES=1 SEED=7`.
MINUTES := 3

soak: needs-rust ## Call the service on a bad day and check every answer (MINUTES=3, SEED=… repeats a plan)
	cargo build --locked --workspace --bins
	target/debug/soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# One build of all functions, apart from the tools: together their dependencies would have other
# features than those that are deployed.
FUNCTIONS := $(notdir $(wildcard functions/*)) baseline

bench: needs-rust release-functions ## Measure size, starts, cost, growth, throughput (SECTIONS=… for some)
	cargo build --locked --release --package portcullis
	cargo run --locked --profile measure --bin bench -- $(SECTIONS) $(addprefix --variant ,$(VARIANTS))

bench-docs: needs-rust ## Put the tables of the last `make bench` into docs/performance.md
	cargo run --locked --profile measure --bin bench -- --docs

bench-check: needs-rust release-functions ## Compare a short form of it with tools/bench/bounds.json
	cargo build --locked --workspace --all-targets
	target/debug/bench --check --program target/debug/portcullis $(SECTIONS)

release-functions:
	cargo build --locked --release $(addprefix --package ,$(FUNCTIONS))

check: needs-rust check-tools ## Check formatting, lints and the template
	cargo fmt --all --check
	cargo fetch --locked --quiet --manifest-path tests/fuzz/runner/Cargo.toml
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	.tools/sam/bin/sam validate --lint --region us-east-1
	.tools/cfn-lint/bin/cfn-lint template.yaml observability.yaml
	.tools/checkov/bin/checkov --file template.yaml observability.yaml

build: needs-rust $(LAMBDA_READY) $(SAM_READY) ## Build the functions as they are deployed
	.tools/sam/bin/sam build

fmt: needs-rust ## Format the code
	cargo fmt --all

tools: $(LAMBDA_READY) check-tools ## Install the tools into .tools/

check-tools: $(SAM_READY) $(CFN_LINT_READY) $(CHECKOV_READY)

# .tools/<environment>/.<package>==<version>
.tools/%: | needs-python
	@echo "installing $(subst .,,$(firstword $(subst ==, ,$(@F)))) into $(@D)"
	@python3 -m venv --clear $(@D) && \
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check "$(patsubst .%,%,$(@F))" \
	  || { rm -rf $(@D); echo "could not install $(patsubst .%,%,$(@F))" >&2; exit 1; }
	@touch $@

$(CARGO_FUZZ_READY): | needs-rust
	@echo "installing $(CARGO_FUZZ) into $(@D)"
	@cargo install --quiet --locked --root $(@D) $(subst ==,@,$(CARGO_FUZZ))
	@touch $@

needs-rust:
	@command -v cargo >/dev/null || { echo "Rust is missing: https://rustup.rs" >&2; exit 1; }

needs-python:
	@python3 -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python 3 with its venv module is missing: https://www.python.org" >&2; exit 1; }

needs-nightly:
	@cargo +nightly --version >/dev/null 2>&1 || \
	  { echo "Fuzzing needs Rust's nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
	@command -v c++ >/dev/null || { echo "Fuzzing needs a C++ compiler, c++" >&2; exit 1; }
