# Sluice. `make` prints this help.
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
INSTALLED := node_modules/.package-lock.json
LOADER := agents/enforcer/bpf/build/sluice-loader

.DEFAULT_GOAL := help
.PHONY: help install setup check unit test broker kube peer kernel demo loop generate golden bench bench-streams bench-discovery torture cases guest loader clean

help: ## what you can make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): package.json package-lock.json
	@bash infra/setup/requirements.sh
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

install: $(INSTALLED) ## the npm packages, with the Node they run on

setup: install ## all that the tests need: Debian packages, Kafka, the registry, the API server, the guest kernel, the containers' root
	bash infra/guest/packages.sh
	node infra/local/fetch.ts
	bash infra/go/packages.sh
	node infra/kube/setup.ts
	node infra/peers/setup.ts
	node infra/guest/setup.ts
	node infra/loop/containers/build.ts
	$(MAKE) --no-print-directory loader

loader: ## the BPF programs and their loader
	$(MAKE) --no-print-directory -C agents/enforcer/bpf

check: install ## format, lint, types, arrows, generated files, tests without services
	biome check --error-on-warnings
	tsc -p .
	depcruise --output-type err-long $(wildcard agents cli connectors infra pipelines schemas)
	node schemas/generate.ts --check
	vitest run --project unit

broker: install ## the tests against a real Kafka, registry and Redis
	node infra/local/fetch.ts
	vitest run --project broker

kube: install ## the documents against a real Kubernetes API server; SLUICE_KUBEARMOR_DEFINITIONS=FOLDER for KubeArmor's own definitions
	bash infra/go/packages.sh
	node infra/kube/setup.ts
	vitest run --project kube

peer: install ## our evaluator against those of others: Cilium's policy engine, Cyclonus
	bash infra/go/packages.sh
	node infra/peers/setup.ts
	vitest run --project peer

kernel: setup ## the tests in a guest kernel with BPF-LSM
	vitest run --project kernel

test: setup check broker kube peer kernel loop ## everything

demo: install ## replay a recorded capture, discover its policies, print them
	node infra/demo/main.ts

loop: setup ## learn, enforce, attack, kill, adopt: the whole loop in a kernel guest
	node infra/loop/main.ts

generate: install ## TypeScript types from the Avro schemas
	node schemas/generate.ts

golden: install ## rewrite the golden files
	node schemas/golden.ts
	vitest run --project unit -u

bench: install ## every benchmark; each prints one JSON object last
	@for file in infra/bench/*.bench.ts; do echo "== $$file"; node --expose-gc $$file || exit 1; done

bench-streams: install ## streams against Kafka Streams and @kafkats/flow on one broker; ARGS='--suite all' for more
	node infra/bench/streams/main.ts $(ARGS)

bench-discovery: install ## quality of policies, ours and three peers', over a week of event time; ARGS='--seed N --apps LIST --explain'
	node infra/bench/discovery/main.ts $(ARGS)

torture: install ## streams killed with -9 again and again, and their broker; then every count is looked at. ARGS='--seed N'
	node infra/local/fetch.ts
	node pipelines/streams/torture/main.ts $(ARGS)

cases: install ## discovery scored on cases with an expectation; CASES=FOLDER for others than our own
	node infra/cases/main.ts $(or $(CASES),infra/cases/own)

guest: setup ## run a command in the guest: make guest CMD='uname -r'
	node infra/guest/main.ts -- $(CMD)

clean: ## remove what was built here (caches outside the tree stay)
	rm -rf node_modules .sluice agents/enforcer/bpf/build
