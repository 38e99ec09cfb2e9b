"""A kernel's build small enough for unit tests: the real make, a Makefile of a few lines, stand-ins for compilers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vdsocat.kernels.kbuild import BuildRecipe

# What a kernel's Makefile does, as far as a build asks for it.
MAKEFILE = """\
allnoconfig:
	cp $(KCONFIG_ALLCONFIG) $(O)/.config
olddefconfig:
	@sed -i '/CONFIG_REFUSED/d' $(O)/.config
vmlinux:
	@echo '  CC      init/main.o'
	@test ! -e $(CURDIR)/broken || { echo 'init/main.c:1:1: error: expected expression' ; exit 1; }
	@test ! -e $(CURDIR)/endless || { sleep 1.2; echo '  CC      init/slow.o'; sleep 600; }
	@mkdir -p $(O)/include/config
	@echo 7.3.4$(LOCALVERSION) > $(O)/include/config/kernel.release
	@echo "$(ARCH) $(CROSS_COMPILE) $(KBUILD_BUILD_TIMESTAMP) $(SECRET)" > $(O)/vmlinux
"""


def stand_in_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A search path with the real make and stand-ins for the compilers, so that the test needs no others."""
    assert shutil.which("make"), "this test needs make (Debian package make)"
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("make", "tar", "sh", "sed", "cp", "mkdir", "sleep", "test", "echo"):
        (directory / name).symlink_to(str(shutil.which(name)))
    for name in ("flex", "bison", "bc"):
        (directory / name).symlink_to("/bin/true")
    for name in ("gcc", "cross-gcc"):
        (directory / name).write_text(f"#!{shutil.which('sh')}\necho '{name} (Test) 12'\n")
        (directory / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))
    return directory


def tiny_recipe(tmp_path: Path) -> BuildRecipe:
    """A recipe with a fragment of one option."""
    fragment = tmp_path / "tiny.config"
    fragment.write_text("CONFIG_PPC32=y\n")
    return BuildRecipe("tiny", "powerpc", "cross-", "gcc-cross", fragment, ("trixie", "sid"), "7")
