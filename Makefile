# Two commands do everything on a fresh Debian 12: `make validate` and `make test`. `make help` lists the rest.

VENV     ?= .venv
VDSOCAT   = $(VENV)/bin/vdsocat
RESULTS  ?= build/validate

# Debian packages, by what they are for.
RUN_PACKAGES = python3-venv gpgv debian-archive-keyring \
	qemu-system-x86 qemu-system-arm qemu-system-mips qemu-system-ppc qemu-system-sparc qemu-system-misc opensbi
BUILD_PACKAGES = gcc make flex bison bc libelf-dev libssl-dev xz-utils
# The compilers of the kernels that are built, with what plugins for them take: those of set:core, and all that Debian 12 has.
core_COMPILERS = gcc-powerpc-linux-gnu gcc-powerpc64-linux-gnu gcc-mips64-linux-gnuabi64 gcc-riscv64-linux-gnu
full_COMPILERS = $(filter-out gcc-loongarch64-linux-gnu, \
	$(shell sed -n 's/^ *\(compiler\|plugin\)_package: *//p' qemu-images/kernels.yaml | sort -u)) \
	g++ libc6-dev libc6-dev-i386-cross
# What machines need a newer QEMU of than Debian 12 has.
NEWER_QEMU = $(shell grep -lE '^ *least_qemu: "([89]|[1-9][0-9])\.' qemu-images/machines/*.yaml | xargs sed -n 's/^qemu: //p' | sort -u)
PROBE_PACKAGES = $(shell sed -n 's/^package *= *"\(.*\)"/\1/p' validator/probe/probes.toml | tr ' ' '\n' | sort -u)
# What speed is measured against: virtme-ng's guest, and the tools that decompress kernels.
BENCH_PACKAGES = busybox-static kmod gcc libc6-dev xz-utils gzip bzip2 zstd lz4 lzop
TEST_PACKAGES = gcc make git binutils-ia64-linux-gnu cpio gpg gpg-agent qemu-user \
	bzip2 xz-utils lz4 lzop zstd u-boot-tools device-tree-compiler
# QEMU in a container is tested with a Docker daemon of the tests' own (another Docker's serves as well), and Podman.
ENGINE_PACKAGES = $(shell command -v dockerd >/dev/null || echo docker.io) podman catatonit debootstrap
# The HTML report is looked at in a real browser, and its print as text.
BROWSER_PACKAGES = chromium poppler-utils fonts-dejavu-core
# The kernel's own selftests are static programs with a C library, for each ABI in tests/system/selftests.yaml.
SELFTEST_PACKAGES = gcc-i686-linux-gnu gcc-aarch64-linux-gnu gcc-arm-linux-gnueabi gcc-powerpc64le-linux-gnu \
	gcc-s390x-linux-gnu gcc-riscv64-linux-gnu libc6-dev libc6-dev-i386-cross libc6-dev-arm64-cross \
	libc6-dev-armel-cross libc6-dev-ppc64el-cross libc6-dev-s390x-cross libc6-dev-riscv64-cross

.PHONY: help setup builders newer-qemu probe-compilers validate validate-full sweep mutants test unit system lint probes rules systems image bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(VENV)/installed ## install QEMU (apt) and vdsocat with its dependencies (.venv)
	@sh qemu-images/apt-install.sh $(RUN_PACKAGES)

$(VENV)/installed: pyproject.toml
	@sh qemu-images/apt-install.sh python3-venv
	python3 -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/browser: $(VENV)/installed
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,browser]'
	@touch $@

# SET=core: for the kernels of that set alone.
SET ?= full
builders: ## install what building kernels takes (apt)
	@sh qemu-images/apt-install.sh $(BUILD_PACKAGES) $($(SET)_COMPILERS)

newer-qemu: $(VENV)/installed ## fetch a newer QEMU for the machines that need one
	@$(VDSOCAT) qemu fetch $(NEWER_QEMU)

probe-compilers: ## install what rebuilding the probes takes (apt)
	@sh qemu-images/apt-install.sh $(PROBE_PACKAGES)

validate: setup ## boot one kernel per architecture, print the matrix
	@$(MAKE) --no-print-directory matrix SET=core

validate-full: setup newer-qemu ## boot every kernel of the full list, print the matrix
	@$(MAKE) --no-print-directory matrix SET=full

# Kernels that only have to be fetched come first, so that rows appear before any compiler is installed.
# Each is booted, whatever is kept of earlier boots; with RESUME=1 a run that was cut short goes on.
BOOTING = --again $(if $(RESUME),--resume)
.PHONY: matrix
matrix:
	@$(if $(RESUME),,rm -rf $(RESULTS);) status=0; \
	$(VDSOCAT) check set:$(SET) --except set:$(SET)-built $(BOOTING) --out $(RESULTS) || status=$$?; \
	$(MAKE) --no-print-directory builders && \
	{ $(VDSOCAT) check set:$(SET)-built $(BOOTING) --out $(RESULTS) || { built=$$?; [ $$status -ne 0 ] || status=$$built; }; } || status=3; \
	for form in markdown:md html:html; do \
		$(VDSOCAT) report --format $${form%:*} $(RESULTS) > $(RESULTS)/report.$${form#*:}; done; \
	echo "Captures, console logs and the compliance report, report.html and report.md, are in $(RESULTS)/."; exit $$status

sweep: $(VENV)/installed ## hold every kernel of Debian to the catalogue, record the evidence (gigabytes, minutes)
	$(VDSOCAT) sweep

mutants: setup builders ## plant defects in kernels, boot them, tell which are caught (builds for many minutes)
	$(VENV)/bin/python tests/mutants/run.py

test: setup builders newer-qemu probe-compilers $(VENV)/browser ## install everything, run every test
	@sh qemu-images/apt-install.sh $(TEST_PACKAGES) $(SELFTEST_PACKAGES) $(BROWSER_PACKAGES) $(ENGINE_PACKAGES)
	$(MAKE) --no-print-directory lint
	$(VENV)/bin/python validator/probe/build.py --check
	$(VENV)/bin/python -m pytest tests/unit tests/mutants tests/system

unit: setup ## the tests that need no QEMU (seconds)
	@sh qemu-images/apt-install.sh $(TEST_PACKAGES)
	$(VENV)/bin/python -m pytest -m "not long" tests/unit tests/mutants

system: setup builders newer-qemu probe-compilers $(VENV)/browser ## the tests that boot kernels
	@sh qemu-images/apt-install.sh $(TEST_PACKAGES) $(SELFTEST_PACKAGES) $(BROWSER_PACKAGES) $(ENGINE_PACKAGES)
	$(VENV)/bin/python -m pytest tests/system

lint: $(VENV)/installed ## catalogue, types and style
	$(VDSOCAT) lint
	$(VENV)/bin/ruff check validator tests bench
	$(VENV)/bin/ruff format --check validator tests bench
	$(VENV)/bin/mypy

probes: $(VENV)/installed probe-compilers ## rebuild the probes, bit for bit
	$(VENV)/bin/python validator/probe/build.py

rules: $(VENV)/installed ## write the pages of the rules, docs/rules/, from their docstrings
	rm -rf docs/rules
	$(VDSOCAT) rules --out docs/rules

systems: $(VENV)/installed ## write the README's list of what was booted, out of the catalogue
	$(VDSOCAT) kernels systems --into README.md

ENGINE ?= docker
IMAGE_OPTIONS ?=
image: ## build the images vdsocat-qemu and vdsocat (ENGINE=podman, IMAGE_OPTIONS="--build-arg QEMU_SUITE=…")
	$(ENGINE) build $(IMAGE_OPTIONS) --target qemu -t vdsocat-qemu -f qemu-images/Dockerfile .
	$(ENGINE) build $(IMAGE_OPTIONS) --target vdsocat -t vdsocat -f qemu-images/Dockerfile .

bench: setup builders ## hold the speed goals to what they are measured against (half an hour on an idle machine)
	@sh qemu-images/apt-install.sh $(BENCH_PACKAGES)
	@$(VDSOCAT) kernels fetch set:full > /dev/null
	@$(VENV)/bin/python bench/bench.py

clean: ## remove what was built here (the cache of kernels stays)
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache
