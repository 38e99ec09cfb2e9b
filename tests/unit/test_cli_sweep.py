"""vdsocat sweep and vdsocat extract on the command line: what they print, what they write, and their statuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from elf_builder import Symbol
from fake_mirror import FakeMirror, Server, archive_of, serving
from outcomes import Command
from small_images import CLOCK, I386_SYMBOLS, SIGRETURN, i386_image, notes, write_vmlinux
from small_mirror import add_kernel

from vdsocat.cli.kernel_options import KernelAccess
from vdsocat.documents import data_directory, schema_problems

NEW = Symbol("__vdso_brand_new", "LINUX_2.6")


@pytest.fixture
def mirror(tmp_path: Path) -> FakeMirror:
    return FakeMirror(tmp_path / "mirror")


@pytest.fixture
def server(mirror: FakeMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The mirror, which the command line takes for Debian's."""
    with serving(mirror.root) as server:
        monkeypatch.setattr(KernelAccess, "archive", archive_of(server.url, tmp_path / "cache"))
        yield server


def test_a_sweep_that_conforms_is_status_0_and_leaves_evidence(
    vdsocat: Command, mirror: FakeMirror, server: Server, catalog_root: Path
) -> None:
    for version in ("6.1.9-1", "6.12.9-1"):
        add_kernel(mirror, version)
    mirror.publish("bookworm")
    outcome = vdsocat("sweep", "--suite", "bookworm", "--suite", "gone")
    assert outcome.status == 0, outcome
    assert outcome.out.splitlines()[1].split() == ["i386", "2", "6.1.9", "to", "6.12.9", "2", "6", "0", "0", "0"]
    assert outcome.out.splitlines()[-1] == "2 kernels, 2 images, 6 exports compared: 0 fail, 0 review, 0 unknown"
    assert "Passed over: The Debian mirror" in outcome.err
    assert outcome.err.splitlines()[-1].startswith("2 kernels: 2 judged, 0 known from the evidence, ")
    assert (catalog_root / "evidence/i386.yaml").is_file()


def test_the_summary_needs_no_kernel_and_tells_the_same(vdsocat: Command, mirror: FakeMirror, server: Server) -> None:
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    swept = vdsocat("sweep", "--suite", "bookworm")
    server.asked.clear()
    summary = vdsocat("sweep", "--summary")
    assert (summary.status, summary.out, summary.err) == (0, swept.out, "")
    assert server.asked == []


def test_a_missing_symbol_is_status_1_in_a_sweep_and_in_the_summary(
    vdsocat: Command, mirror: FakeMirror, server: Server
) -> None:
    add_kernel(mirror, "6.1.9-1", symbols=(CLOCK, SIGRETURN))
    mirror.publish("bookworm")
    outcome = vdsocat("sweep", "--suite", "bookworm")
    assert outcome.status == 1
    assert "fail: i386, 6.1.9: SYM-MISSING __vdso_getcpu@@LINUX_2.6: it must be there" in outcome.out
    assert outcome.out.splitlines()[-1].endswith("2 exports compared: 1 fail, 0 review, 0 unknown")
    assert "debian:bookworm/i386/686 6.1.9-1: fail" in outcome.err
    assert vdsocat("sweep", "--summary").status == 1


def test_a_new_export_is_printed_as_an_entry_ready_to_paste(
    vdsocat: Command, mirror: FakeMirror, server: Server, catalog_root: Path
) -> None:
    add_kernel(mirror, "6.0.9-1")
    add_kernel(mirror, "6.1.9-1", symbols=(*I386_SYMBOLS, NEW))
    mirror.publish("bookworm")
    outcome = vdsocat("sweep", "--suite", "bookworm")
    assert outcome.status == 0
    head, _, text = outcome.out.partition("Proposed for catalog/abis/i386.yaml:\n")
    assert "review: i386, 6.1.9: SYM-NEW __vdso_brand_new@@LINUX_2.6: " in head
    entry = text.partition("\n\n")[0] + "\n"
    catalogue = catalog_root / "abis/i386.yaml"
    functions = catalog_root / "functions.yaml"
    catalogue.write_text(catalogue.read_text() + yaml.safe_dump(yaml.safe_load(entry)))
    functions.write_text(functions.read_text() + "- {function: brand_new, summary: Is new., callable: true}\n")
    after = vdsocat("sweep", "--suite", "bookworm")
    assert (after.status, after.out.splitlines()[-1]) == (
        0, "2 kernels, 2 images, 7 exports compared: 0 fail, 0 review, 0 unknown",
    )  # fmt: skip


def test_json_on_stdout_is_only_json(vdsocat: Command, mirror: FakeMirror, server: Server) -> None:
    add_kernel(mirror, "6.1.9-1", symbols=(CLOCK, SIGRETURN, NEW))
    mirror.kernel("bookworm", "i386", "686", "5.10.1-1", image=b"no kernel at all")
    mirror.publish("bookworm")
    outcome = vdsocat("sweep", "--suite", "bookworm", "--format", "json")
    document = json.loads(outcome.out)
    assert outcome.status == 1
    assert list(schema_problems(document, "sweep")) == []
    assert (document["kernels"], document["images"], document["exports"]) == (1, 1, 3)
    assert [(one["rule"], one["releases"]) for one in document["findings"]] == [
        ("SYM-MISSING", ["6.1.9"]), ("SYM-NEW", ["6.1.9"]),
    ]  # fmt: skip
    assert [one["symbol"] for one in document["proposals"]] == ["__vdso_brand_new"]
    assert "is no kernel image" in document["not_judged"][0]["error"]


def test_a_kernel_that_cannot_be_read_is_status_2_when_nothing_fails(
    vdsocat: Command, mirror: FakeMirror, server: Server
) -> None:
    mirror.kernel("bookworm", "i386", "686", "5.10.1-1", image=b"no kernel at all")
    mirror.publish("bookworm")
    outcome = vdsocat("sweep", "--suite", "bookworm")
    assert outcome.status == 2
    assert outcome.out == "0 kernels, 0 images, 0 exports compared: 0 fail, 0 review, 0 unknown\n"


def test_a_suite_that_does_not_exist_is_one_sentence(vdsocat: Command, server: Server) -> None:
    assert vdsocat("sweep", "--suite", "bokworm").refused_in_one_sentence("There is no kernel to sweep over: ")


def write_kernel(directory: Path, *images: bytes) -> Path:
    return write_vmlinux(directory / "vmlinux", images=images)


def test_extract_prints_what_a_kernel_carries(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("extract", write_kernel(tmp_path, i386_image()))
    assert outcome.status == 0
    head, *exports = outcome.out.splitlines()
    assert head == (
        "i386 (native, little-endian, static) of 6.1.0-50-686: EM_386 32-bit, soname linux-gate.so.1, "
        f"hash sysv+gnu, {len(i386_image())} bytes"
    )
    assert sorted(exports) == [
        "  __kernel_sigreturn@@LINUX_2.5 NOTYPE GLOBAL",
        "  __vdso_clock_gettime@@LINUX_2.6 FUNC GLOBAL",
        "  __vdso_getcpu@@LINUX_2.6 FUNC GLOBAL",
    ]


def test_extract_writes_the_images_and_numbers_alternatives(vdsocat: Command, tmp_path: Path) -> None:
    twins = i386_image(), i386_image(entry=64)
    outcome = vdsocat("extract", write_kernel(tmp_path, *twins), "--out", tmp_path / "images", "--format", "json")
    assert outcome.status == 0
    document = json.loads(outcome.out)
    assert list(schema_problems(document, "images")) == []
    files = [Path(one["file"]) for one in document["images"]]
    assert [path.name for path in files] == ["6.1.0-50-686-i386-little.so", "6.1.0-50-686-i386-little-2.so"]
    assert [path.read_bytes() for path in files] == list(twins)
    assert sorted((tmp_path / "images").iterdir()) == sorted(files)


def test_an_extracted_image_can_be_checked(vdsocat: Command, tmp_path: Path) -> None:
    vdsocat("extract", write_kernel(tmp_path, i386_image(notes=notes("6.1.9"))), "--out", tmp_path / "images")
    (image,) = (tmp_path / "images").iterdir()
    outcome = vdsocat("check", image)
    assert outcome.status == 0
    assert "6.1.9" in outcome.out
    (tmp_path / "images/less.so").write_bytes(i386_image((CLOCK, SIGRETURN), notes=notes("6.1.9")))
    assert vdsocat("check", tmp_path / "images/less.so").status == 1


def test_a_kernel_without_images_is_said_to_have_none(vdsocat: Command, tmp_path: Path) -> None:
    kernel = write_kernel(tmp_path)
    outcome = vdsocat("extract", kernel)
    assert (outcome.status, outcome.out, outcome.err) == (0, "", f"{kernel}: carries no vDSO image.\n")
    assert json.loads(vdsocat("extract", kernel, "--format", "json").out)["images"] == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("vmlinux", "--abi", "x86-64"), "carries no vDSO image for x86-64."),
        (("vmlinux", "--abi", "i387"), "There is no ABI 'i387' in the catalogue; did you mean 'i386'"),
        (("vmlinux", "--out", "vmlinux/sub"), "cannot be written"),
        (("nothing-here.so",), "'nothing-here.so' is no kernel"),
        (("./nothing-here.so",), "nothing-here.so does not exist."),
        (("text",), "text is no kernel image: it is a text file."),
    ],
    ids=" ".join,
)
def test_bad_input_to_extract_is_one_sentence(
    vdsocat: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str
) -> None:
    write_kernel(tmp_path, i386_image())
    (tmp_path / "text").write_text("hello\n")
    monkeypatch.chdir(tmp_path)
    assert vdsocat("extract", *words).refused_in_one_sentence(sentence)


def test_check_static_boots_nothing_and_finds_what_is_missing(vdsocat: Command, tmp_path: Path) -> None:
    kernel = write_kernel(tmp_path, i386_image((CLOCK, SIGRETURN)))
    outcome = vdsocat("check", "--static", "--qemu", tmp_path, kernel)
    assert outcome.status == 1
    assert "fail: SYM-MISSING __vdso_getcpu@@LINUX_2.6" in outcome.out
    assert "2 exports\n" not in outcome.out
    assert "2 exports " in outcome.out


def test_check_static_and_dry_run_contradict_each_other(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", "--static", "--dry-run", write_kernel(tmp_path, i386_image()))
    assert outcome.status == 2
    assert "--static boots nothing" in outcome.err


def test_check_record_writes_evidence_of_packages_only(
    vdsocat: Command, mirror: FakeMirror, server: Server, tmp_path: Path, catalog_root: Path
) -> None:
    add_kernel(mirror, "6.1.9-1")
    mirror.publish("bookworm")
    loose = write_kernel(tmp_path, i386_image())
    outcome = vdsocat("check", "--static", "--record", "debian:bookworm/i386/686", loose)
    assert outcome.status == 0
    assert f"{loose}: left out of the evidence, being no kernel of a package." in outcome.err
    document = yaml.safe_load((catalog_root / "evidence/i386.yaml").read_text())
    assert [one["kernel"] for one in document["images"][0]["seen"]] == ["linux-image-6.1.9-686"]


def test_the_readme_prints_what_the_summary_prints(vdsocat: Command) -> None:
    root = data_directory("catalog").parent
    outcome = vdsocat("--catalog", root / "catalog", "sweep", "--summary")
    assert outcome.status == 0
    assert f"```\n{outcome.out}```\n" in (root / "README.md").read_text(encoding="utf-8")


def test_a_report_of_what_was_not_booted_says_so(vdsocat: Command, tmp_path: Path) -> None:
    outcome = vdsocat("check", "--static", "--format", "markdown", write_kernel(tmp_path, i386_image()))
    assert "| Looked at | in its file: nothing was booted |" in outcome.out
    assert "| Command |" not in outcome.out


def test_show_names_the_kernels_nearest_to_a_bound(vdsocat: Command, mirror: FakeMirror, server: Server) -> None:
    for version in ("5.1.9-1", "6.1.9-1", "6.12.9-1"):
        add_kernel(mirror, version, symbols=(CLOCK, SIGRETURN) if version < "6" else I386_SYMBOLS)
    mirror.publish("bookworm")
    assert "last seen" not in vdsocat("show", "i386", "__vdso_getcpu").out
    vdsocat("sweep", "--suite", "bookworm")
    told = " ".join(vdsocat("show", "i386", "__vdso_getcpu").out.split())
    assert "last seen: 6.12.9 in linux-image-6.12.9-686 6.12.9-1 (i386, static), 20" in told
    assert "; in 2 kernels since 6.1.9 without it: 5.1.9 in linux-image-5.1.9-686 5.1.9-1 (i386, static), " in told
    assert "gone from" not in told
