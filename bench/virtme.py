"""The kernel's own vDSO selftests through virtme-ng on a Debian kernel, as a developer would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "system"))

from selftests import build_selftests  # noqa: E402

PROGRAMS = ("vdso_test_abi", "vdso_test_correctness", "vdso_test_getcpu", "vdso_test_gettimeofday")


class VirtmeNg:
    """virtme-ng in an environment of its own, a kernel package of Debian's unpacked, the programs built."""

    def __init__(self, directory: Path, source: Path) -> None:
        """`source` is a tree of the kernel; SystemExit when something cannot be had."""
        self.directory = directory
        self._run(sys.executable, "-m", "venv", directory / "venv")
        self._run(directory / "venv/bin/python", "-m", "pip", "install", "--quiet", "virtme-ng")
        self.package = self._fetch_package()
        self._run("dpkg-deb", "-x", self.package, directory / "root")
        (self.kernel,) = (directory / "root/boot").glob("vmlinuz-*")
        self._run("/usr/sbin/depmod", "-b", directory / "root", self.kernel.name.removeprefix("vmlinuz-"))
        build_selftests(PROGRAMS, source, "x86_64", "", directory / "programs")

    def command(self) -> list[str]:
        """The run of the selftests: vng finds the modules beside the kernel."""
        script = "; ".join(f"{self.directory}/programs/{name}" for name in PROGRAMS)
        # vng looks for its other half on PATH.
        path = f"PATH={self.directory}/venv/bin:{os.environ['PATH']}"
        # Debian 12's kernel has 9p alone as a file system of the host's; KVM is left out on both sides.
        return [
            "env",
            path,
            "vng",
            "--run",
            str(self.kernel),
            "--disable-kvm",
            "--force-9p",
            "--exec",
            f"{script}; true",
        ]

    def _fetch_package(self) -> Path:
        said = self._run("apt-cache", "depends", "linux-image-amd64")
        name = next(line.split()[-1] for line in said.splitlines() if "Depends: linux-image-" in line)
        self._run("apt-get", "download", "-qq", name)
        (package,) = self.directory.glob(f"{name}_*.deb")
        return package

    def _run(self, *command: object) -> str:
        self.directory.mkdir(parents=True, exist_ok=True)
        words = [str(word) for word in command]
        done = subprocess.run(words, cwd=self.directory, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)}: status {done.returncode}\n{done.stderr[-1000:]}")
        return done.stdout
