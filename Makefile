# What a developer and the CI start. It needs Linux, macOS or WSL with Rust (rustup), Python 3.11 and a C
# compiler. Everything else goes into .tools/, nothing into the system. V=1 shows all output of builds.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Each in its own environment, because their dependencies conflict: tools/python/<environment>.txt. The name of
# the file that marks it as installed has the list's checksum.
ready = .tools/$(1)/.$(firstword $(shell cksum < tools/python/$(1).txt))
LAMBDA_READY := $(call ready,cargo-lambda)
SAM_READY := $(call ready,sam)
CFN_LINT_READY := $(call ready,cfn-lint)
CHECKOV_READY := $(call ready,checkov)
WORKFLOWS_READY := $(call ready,workflows)
SCHEMATHESIS_READY := $(call ready,schemathesis)
MINISTACK_READY := $(call ready,ministack)
MOTO_READY := $(call ready,moto)

# In Chromium, which is installed where it is missing.
BROWSER_READY := tests/browser/node_modules/.$(firstword $(shell cksum < tests/browser/package-lock.json))

# From crates.io.
CARGO_FUZZ := cargo-fuzz==0.13.2
CARGO_MACHETE := cargo-machete==0.9.2
STYLUA := stylua==2.6.0
SELENE := selene==0.31.0
CARGO_FUZZ_READY := .tools/cargo-fuzz/.$(CARGO_FUZZ)
CARGO_MACHETE_READY := .tools/cargo-machete/.$(CARGO_MACHETE)
STYLUA_READY := .tools/stylua/.$(STYLUA)
SELENE_READY := .tools/selene/.$(SELENE)

# `sam build` looks for cargo-lambda, cargo for cargo-fuzz, and the templates' tools need no account.
export PATH := $(CURDIR)/.tools/cargo-lambda/bin:$(CURDIR)/.tools/cargo-fuzz/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

.PHONY: help dev test screenshots cloud-test fuzz soak bench bench-check sizes release-functions check build deploy package \
  roblox roblox-check roblox-types install fmt tools lambda-tool python-tools clean check-tools needs-rust needs-python \
  needs-nightly needs-aws

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

DEPLOYED := $(notdir $(wildcard functions/*))
BUILD := tools/quietly cargo build
# Like --all-targets, without an empty test of each function.
ALL_TARGETS := --workspace --lib --bins --examples --tests

dev: needs-rust needs-python ## Run the whole service on this machine until Ctrl-C
	@[ -e target/debug/local-stack ] || echo "The first build takes about five minutes on two cores and 2 GB of disk."
	@$(MAKE) --silent lambda-tool & $(BUILD) --bin local-stack $(DEPLOYED:%=--bin %) && wait $$!
	@$(if $(filter release,$(PROFILE)),$(BUILD) --release $(DEPLOYED:%=--bin %))
	@exec cargo run --quiet --bin local-stack

# Half of a test's time is waiting, for a time limit or a schedule.
TEST_THREADS := $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3 / 2)

test: needs-rust $(SCHEMATHESIS_READY) $(BROWSER_READY) ## Run all tests; they start what they need
	@$(BUILD) --locked $(ALL_TARGETS)
	@if cargo nextest --version >/dev/null 2>&1; \
	then set -x; cargo nextest run --locked --workspace --test-threads $(TEST_THREADS); \
	else set -x; cargo test --locked --workspace; fi
	target/debug/examples/on-the-stack tests/end-to-end/schemathesis/run --seed 1 --max-examples 20
	target/debug/examples/on-the-stack tests/browser/run

screenshots: needs-rust $(BROWSER_READY) ## Take the screenshots of the console in docs/screenshots/
	@$(BUILD) --locked --workspace --bins --example on-the-stack
	target/debug/examples/on-the-stack node tests/browser/screenshots.mjs

cloud-test: needs-rust $(SAM_READY) $(MINISTACK_READY) $(MOTO_READY) ## Deploy to an AWS emulator and test what is deployed
	@$(BUILD) --locked $(ALL_TARGETS)
	.tools/sam/bin/python tests/cloud/run.py

# A quarter of the time for each of the two keys, and half for the fuzz targets.
fuzz: MINUTES := 10
fuzz: needs-rust needs-nightly $(SCHEMATHESIS_READY) $(CARGO_FUZZ_READY) ## Search for harmful input for ten minutes (MINUTES=…)
	@$(BUILD) --locked --workspace --bins --example on-the-stack
	target/debug/examples/on-the-stack tests/end-to-end/schemathesis/run --max-time $$(($(MINUTES) * 15))
	tests/fuzz/runner/run $$(($(MINUTES) * 30 / 9))

# For how long, and with which plan: `make soak MINUTES=1 SEED=7`.
MINUTES := 3

soak: needs-rust ## Inject faults for three minutes and check every answer (MINUTES=…, SEED=… repeats a run)
	@$(BUILD) --locked --workspace --bins
	target/debug/soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# By package: built together with the tools, the functions' dependencies would have more features than
# the deployed ones.
FUNCTIONS := $(DEPLOYED) baseline

# What links a function for Lambda: tools/functions.ld says why.
LINKED := RUSTFLAGS="-C link-arg=-Wl,-T,tools/functions.ld -C link-arg=-Wl,--no-eh-frame-hdr"

# With a target, the flags are not those of build scripts.
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
RELEASE = $(LINKED) $(BUILD) --locked --release --target $(HOST)

bench: needs-rust release-functions ## Measure size, starts, cost, growth, throughput (SECTIONS=… for some)
	cargo build --locked --release --package portcullis
	cargo run --locked --profile measure --bin bench -- --functions target/$(HOST)/release $(SECTIONS) $(addprefix --variant ,$(VARIANTS)) $(BANS:%=--bans %)

bench-check: needs-rust release-functions ## Compare a short benchmark with tools/bench/bounds.json
	@$(BUILD) --locked $(ALL_TARGETS)
	target/debug/bench --check --functions target/$(HOST)/release --program target/debug/portcullis $(SECTIONS)

release-functions:
	$(RELEASE) $(addprefix --package ,$(FUNCTIONS))

# Linking one function as deployed takes half a minute, so .ci/run links only the largest and the ban check. The
# deploy workflow measures all of them. A test of `make test` compares what calls cost.
SIZED := is-banned console

sizes: needs-rust ## Compare the sizes of the largest functions with their bounds
	@$(BUILD) --locked $(ALL_TARGETS)
	@$(RELEASE) $(SIZED:%=--package %)
	target/debug/bench --check --functions target/$(HOST)/release $(SIZED:%=--only %) size

check: needs-rust check-tools ## Check formatting, lints, documentation, wording and the template
	cargo fmt --all --check
	tools/check-words
	.tools/cargo-machete/bin/cargo-machete
	cargo fetch --locked --quiet --manifest-path tests/fuzz/runner/Cargo.toml
	cargo fetch --locked --quiet --manifest-path tools/roblox-package/Cargo.toml
	cargo fetch --locked --quiet --manifest-path tools/roblox-types/Cargo.toml
	tools/quietly cargo clippy --locked $(ALL_TARGETS) -- --deny warnings
	RUSTDOCFLAGS=--deny=warnings tools/quietly cargo doc --locked --workspace --no-deps
	.tools/sam/bin/sam validate --lint --region us-east-1
	.tools/cfn-lint/bin/cfn-lint template.yaml observability.yaml
	.tools/checkov/bin/checkov --file template.yaml observability.yaml
	.tools/workflows/bin/actionlint -shellcheck= -pyflakes=
	.tools/workflows/bin/zizmor --offline --quiet .github

# The processors that the functions are built for and run on. samconfig.toml has the deployed one.
ARCHITECTURE := $(or $(shell sed -n '/^parameter_overrides/s/.*Architecture=[\\"]*\([a-z0-9_]*\).*/\1/p' samconfig.toml \
  | tail -1),arm64)

build: needs-rust $(LAMBDA_READY) $(SAM_READY) ## Build the functions as they are deployed
	cargo fetch --locked --quiet
	$(LINKED) .tools/sam/bin/sam build --parameter-overrides Architecture=$(ARCHITECTURE)
	tools/pin-architecture $(ARCHITECTURE)

deploy: needs-aws build ## Deploy to your AWS account; it shows the changes and asks first
	.tools/sam/bin/sam deploy $(if $(GUIDED),--guided)

# What a release has for operators, to deploy with the AWS CLI or portcullis deploy. PROFILE=debug packages the programs of
# the tests for this machine's own processor.
ARCHITECTURES := arm64 x86_64
ONLY := $(DEPLOYED)
PACKAGE := target/package
OWN_ARCHITECTURE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

package: needs-rust $(if $(filter debug,$(PROFILE)),,$(LAMBDA_READY)) ## Fill target/package with what a release has
ifeq ($(PROFILE),debug)
	@$(BUILD) --locked $(ALL_TARGETS)
	tools/package $(PACKAGE) $(OWN_ARCHITECTURE)=target/debug --only $(ONLY)
else
	for architecture in $(ARCHITECTURES); do \
	  $(LINKED) cargo lambda build --locked --release --$${architecture/_/-} --lambda-dir target/lambda/$$architecture \
	    $(ONLY:%=--package %) || exit 1; \
	done
	tools/package $(PACKAGE) $(foreach one,$(ARCHITECTURES),$(one)=target/lambda/$(one)) --only $(ONLY)
endif

ROBLOX_PACKAGE := --locked --quiet --manifest-path tools/roblox-package/Cargo.toml --target-dir target/roblox-package

roblox: needs-rust ## Pack the Luau module into target/roblox: a model file, and one script
	@cargo run $(ROBLOX_PACKAGE) -- roblox/src target/roblox

# Not part of `make check`: building the tools takes ten minutes on two cores.
roblox-check: needs-rust $(STYLUA_READY) $(SELENE_READY) ## Check format and lints of the Luau module, and its packer
	.tools/stylua/bin/stylua --check --config-path roblox/stylua.toml roblox
	cd roblox && RUST_MIN_STACK=67108864 ../.tools/selene/bin/selene --quiet src integrations
	cargo test $(ROBLOX_PACKAGE)

# Not part of `make check`: building Luau's checker takes ten minutes on two cores.
ROBLOX_TYPES := --locked --quiet --manifest-path tools/roblox-types/Cargo.toml --target-dir target/roblox-types

roblox-types: needs-rust ## Check the types of the Luau module strictly
	cargo test $(ROBLOX_TYPES)
	cargo run $(ROBLOX_TYPES) -- tools/roblox-types/definitions.luau roblox/src

install: needs-rust ## Install the portcullis command into ~/.cargo/bin
	tools/quietly cargo install --locked --profile tool --path cli

fmt: needs-rust ## Format the code
	cargo fmt --all

lambda-tool: $(LAMBDA_READY)

tools: lambda-tool check-tools ## Install the tools into .tools/

clean: ## Delete everything that was built and installed here
	cargo clean
	rm -rf .aws-sam .tools

check-tools: $(SAM_READY) $(CFN_LINT_READY) $(CHECKOV_READY) $(WORKFLOWS_READY) $(CARGO_MACHETE_READY)

# The lists are complete, and pip cannot combine the extras in them with --require-hashes: hence --no-deps.
.tools/%: | needs-python
	@echo "installing $(*D) into $(@D)"
	@python3 -m venv --clear $(@D) && \
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --requirement tools/python/$(*D).txt \
	  || { rm -rf $(@D); echo "could not install $(*D)" >&2; exit 1; }
	@touch $@

# UPGRADE=1 also updates what the tools depend on.
python-tools: $(call ready,uv) ## Write the lists of the Python tools after a change to tools/python/*.in
	@for list in tools/python/*.in; do \
	  .tools/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    $(if $(UPGRADE),--upgrade) --custom-compile-command 'make python-tools' --output-file $${list%.in}.txt $$list \
	    || exit 1; \
	done

$(STYLUA_READY): FEATURES := --no-default-features --features luau

$(CARGO_FUZZ_READY) $(CARGO_MACHETE_READY) $(STYLUA_READY) $(SELENE_READY): | needs-rust
	@echo "installing $(patsubst .%,%,$(@F)) into $(@D)"
	@cargo install --quiet --locked --debug --root $(@D) $(FEATURES) $(patsubst .%,%,$(subst ==,@,$(@F)))
	@touch $@

needs-rust:
	@command -v cargo >/dev/null || { echo "Rust is missing: https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null || \
	  { echo "A C compiler is missing: apt install build-essential, or xcode-select --install" >&2; exit 1; }

needs-python:
	@python3 -c 'import venv, ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or later with its venv module is missing: https://www.python.org" >&2; exit 1; }

$(BROWSER_READY): tests/browser/package-lock.json
	@tests/browser/install
	@touch $@

needs-nightly:
	@cargo +nightly --version >/dev/null 2>&1 || \
	  { echo "Fuzzing needs Rust's nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
	@command -v c++ >/dev/null || { echo "Fuzzing needs a C++ compiler, c++" >&2; exit 1; }

needs-aws: $(SAM_READY)
	@.tools/sam/bin/python -c 'import boto3; aws = boto3.Session(); \
	  account = aws.client("sts").get_caller_identity()["Account"]; \
	  print("AWS account", account, "in", aws.region_name)' 2>/dev/null || \
	  { echo "No AWS credentials or region: see aws configure, AWS_PROFILE and AWS_REGION" >&2; exit 1; }
