"""Real kernels in every form that a SOURCE may have, made with the forms' own tools from kernels that others built."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vdsocat.cli.kernel_options import KernelAccess
from vdsocat.cli.settings import Settings
from vdsocat.kernels.build import find_source, source_tree
from vdsocat.kernels.files import KernelFiles
from vdsocat.kernels.table import BuildRequest

# What Kbuild calls (scripts/Makefile.lib), at a level that takes less time.
COMMANDS = {
    "gzip": ("gz", "gzip -1"),
    "bzip2": ("bz2", "bzip2 -1"),
    "xz": ("xz", "xz -0 --check=crc32"),
    "lzma": ("lzma", "xz -0 --format=lzma"),
    "lz4": ("lz4", "lz4 -l -1 - -"),
    "lzo": ("lzo", "lzop -1"),
    "zstd": ("zst", "zstd -1"),
}
_CONFIG_TITLE = "#\n# Automatically generated file; DO NOT EDIT.\n"


@dataclass
class Workshop:
    """Where forms are made; what several forms are made from is made once."""

    directory: Path
    _made: dict[str, Path] = field(default_factory=dict)
    _kernels: dict[str, KernelFiles] = field(default_factory=dict)

    @property
    def access(self) -> KernelAccess:
        """The named kernels, in the cache of whoever runs the tests."""
        return KernelAccess(Settings.from_environment(None, None, os.environ))

    def kernel(self, name: str) -> KernelFiles:
        """A named kernel, fetched or built if need be."""
        if name not in self._kernels:
            access = self.access
            (request,) = access.expand(name)
            self._kernels[name] = access.ensure(request, print)
        return self._kernels[name]

    def image(self, name: str) -> Path:
        """The image of a named kernel."""
        return self.kernel(name).image

    def make(self, name: str, how: Callable[[Path], object]) -> Path:
        """The file or directory of that name, made by `how` when it is first asked for."""
        if name not in self._made:
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            how(path)
            self._made[name] = path
        return self._made[name]

    def written(self, name: str, data: Callable[[], bytes]) -> Path:
        """The file of that name, with these bytes."""
        return self.make(name, lambda path: path.write_bytes(data()))

    def vmlinux(self, name: str) -> Path:
        """The ELF kernel within a Debian bzImage, cut out and unpacked by xz."""

        def data() -> bytes:
            image = self.image(name).read_bytes()
            start, end = _x86_payload(image)
            return run("xz -dc --single-stream", image[start : end - 4])  # the last four bytes are its size

        return self.written(f"{name}/vmlinux", data)

    def binary(self, name: str, prefix: str) -> Path:
        """The memory image of a kernel that is an ELF file, as Kbuild makes Image and vmlinux.bin of it."""
        source = self.image(name)
        options = ["-O", "binary", "-R", ".note", "-R", ".note.gnu.build-id", "-R", ".comment", "-S"]
        return self.make(f"{name}/vmlinux.bin", lambda path: tool(f"{prefix}objcopy", *options, source, path))

    def packed(self, source: Path, compression: str) -> Path:
        """A file compressed, beside the others of its directory."""
        suffix, command = COMMANDS[compression]
        name = f"packed/{source.parent.name}/{source.name}.{suffix}"
        return self.written(name, lambda: run(command, source.read_bytes()))

    def bzimage(self, name: str, compression: str) -> Path:
        """A Debian bzImage with its kernel packed otherwise: setup, extractor and header stay what they were."""

        def data() -> bytes:
            image = bytearray(self.image(name).read_bytes())
            start, end = _x86_payload(image)
            kernel = self.vmlinux(name)
            size = b"" if compression == "gzip" else struct.pack("<I", kernel.stat().st_size)
            payload = self.packed(kernel, compression).read_bytes() + size
            image[start:end] = payload
            struct.pack_into("<I", image, 0x24C, len(payload))
            setup = (image[0x1F1] + 1) * 512
            image += bytes(-(len(image) - setup) % 16)
            struct.pack_into("<I", image, 0x1F4, (len(image) - setup) // 16)
            return bytes(image)

        return self.written(f"{name}/bzImage.{compression}", data)

    def zimage(self, name: str, compression: str) -> Path:
        """A Debian zImage of arm with its kernel packed otherwise."""

        def data() -> bytes:
            image = self.image(name).read_bytes()
            start, unpacked = _xz_stream(image)
            kernel = self.written(f"{name}/Image", lambda: unpacked)
            size = struct.pack("<I", kernel.stat().st_size)
            out = bytearray(image[:start] + self.packed(kernel, compression).read_bytes() + size)
            struct.pack_into("<II", out, 0x28, 0, len(out))
            # The EFI stub's PE header promises sections that are cut off here: without the stub it is a plain zImage.
            out[:2] = b"\0\0"
            return bytes(out)

        return self.written(f"{name}/zImage.{compression}", data)

    def zboot(self, name: str, compression: str) -> Path:
        """A Debian EFI zboot image with its kernel packed otherwise."""

        def data() -> bytes:
            image = bytearray(self.image(name).read_bytes())
            start, size = struct.unpack_from("<II", image, 8)
            stream = bytes(image[start : start + size])
            kernel = self.written(f"{name}/Image", lambda: run("zstd -dc", stream))
            payload = self.packed(kernel, compression).read_bytes()
            payload += bytes(max(0, size - len(payload)))  # the sections of its PE header are to stay in the file
            image[start : start + size] = payload
            struct.pack_into("<I", image, 12, len(payload))
            image[24:32] = compression.encode().ljust(8, b"\0")
            return bytes(image)

        return self.written(f"{name}/zboot.{compression}", data)

    def uimage(self, source: Path, arch: str, compression: str = "none") -> Path:
        """A legacy uImage, by mkimage."""
        content = source if compression == "none" else self.packed(source, compression)
        words = ["-A", arch, "-O", "linux", "-T", "kernel", "-C", compression, "-a", "0x8000", "-e", "0x8000"]
        return self.make(
            f"uImage/{source.parent.name}-{compression}",
            lambda path: tool("mkimage", *words, "-n", "Linux", "-d", content, path),
        )

    def fit(self, source: Path, arch: str, compression: str = "none", *options: str) -> Path:
        """A FIT image, by mkimage and dtc, with a sha256 hash as U-Boot's examples have it."""
        content = source if compression == "none" else self.packed(source, compression)

        def make(path: Path) -> None:
            description = path.with_suffix(".its")
            description.write_text(
                f"""/dts-v1/;
                / {{
                    description = "a kernel"; #address-cells = <1>;
                    images {{ kernel {{
                        description = "Linux"; data = /incbin/("{content}"); type = "kernel"; arch = "{arch}";
                        os = "linux"; compression = "{compression}"; load = <0x8000>; entry = <0x8000>;
                        hash-1 {{ algo = "sha256"; }};
                    }}; }};
                    configurations {{ default = "conf-1"; conf-1 {{ kernel = "kernel"; }}; }};
                }};
                """
            )
            tool("mkimage", *options, "-f", description, path)

        return self.make(f"fit/{source.parent.name}-{compression}{''.join(options)}.fit", make)

    def deb(self, name: str, compression: str) -> Path:
        """A package with the kernel and its configuration, by dpkg-deb."""
        files = self.kernel(name)

        def make(path: Path) -> None:
            root = path.with_suffix(".root")
            (root / "DEBIAN").mkdir(parents=True)
            (root / "DEBIAN/control").write_text(
                f"Package: linux-image-{files.release}\nVersion: {files.version}\nArchitecture: {files.architecture}\n"
                "Maintainer: nobody <nobody@nowhere.invalid>\nDescription: a kernel\n"
            )
            (root / "boot").mkdir()
            shutil.copyfile(files.image, root / f"boot/vmlinuz-{files.release}")
            assert files.config is not None
            shutil.copyfile(files.config, root / f"boot/config-{files.release}")
            (root / "DEBIAN/md5sums").write_bytes(run(f"cd {root} && md5sum boot/*", b""))
            tool("dpkg-deb", f"-Z{compression}", "-z1", "--root-owner-group", "--build", root, path)
            shutil.rmtree(root)

        return self.make(f"{name}-{compression}.deb", make)

    def tree(self, name: str, place: str, *, source: bool = False) -> Path:
        """What `make` leaves, of a kernel that somebody else built: an image, vmlinux, .config and the release."""
        files = self.kernel(name)

        def make(root: Path) -> None:
            (root / "include/config").mkdir(parents=True)
            (root / "include/config/kernel.release").write_text(f"{files.release}\n")
            assert files.config is not None
            shutil.copyfile(files.config, root / ".config")
            if source:
                for entry in ("Kconfig", "Makefile"):
                    (root / entry).touch()
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            if place != "vmlinux" and name in ("amd64-6.1", "i386-6.1"):
                shutil.copyfile(self.vmlinux(name), root / "vmlinux")
            shutil.copyfile(files.image, root / place)

        return self.make(f"{'in-place' if source else 'O'}-{name}", make)

    def linked(self, arch: str, target: str) -> Path:
        """A build tree of Debian's newest linux-source in which nothing is built but the vDSO images."""
        access = self.access
        (request,) = access.expand("riscv64")
        assert isinstance(request, BuildRequest)
        suite, package = find_source(request.recipe, access.archive)
        source = source_tree(package, suite, access.archive)

        def make(root: Path) -> None:
            root.mkdir()
            options = ["-s", f"-j{os.cpu_count()}", "-C", source, f"ARCH={arch}", f"O={root}"]
            tool("make", *options, "x86_64_defconfig")
            tool("make", *options, target)

        return self.make(f"linked-{arch}", make)


def run(command: str, data: bytes) -> bytes:
    """What a shell's command makes of the bytes."""
    done = subprocess.run(["bash", "-c", command], input=data, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')[-500:]}"
    return done.stdout


def tool(*command: object) -> None:
    """Run a tool of another project; what it says is in the failure."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {(done.stdout + done.stderr)[-1500:]}"


def _x86_payload(image: bytes | bytearray) -> tuple[int, int]:
    """Documentation/arch/x86/boot.rst: payload_offset and payload_length count from the end of the setup sectors."""
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    return start, start + length


def _xz_stream(image: bytes) -> tuple[int, bytes]:
    """Where the kernel is in a self-extracting one, and what xz unpacks there; its magic is in the extractor, too."""
    start = image.find(b"\xfd7zXZ\x00")
    while start >= 0:
        unpacked = run("xz -dc --single-stream 2>/dev/null || true", image[start:])
        if len(unpacked) > 1 << 20:
            return start, unpacked
        start = image.find(b"\xfd7zXZ\x00", start + 1)
    raise AssertionError("no xz stream with a kernel was found")
