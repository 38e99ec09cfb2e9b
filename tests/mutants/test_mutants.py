"""The list of mutants, and the planting and counting around it; `make mutants` builds and boots what it describes."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from pathlib import Path

import planted
import pytest
import run
from planted import Edit, Mutant, look_for, read_mutants, tripped
from trees import Tree

from vdsocat.capture import AbiCapture, Capture, Provenance
from vdsocat.cli.terminal import StatusLine
from vdsocat.documents import data_directory
from vdsocat.errors import InputError, RunError
from vdsocat.guest.machines import load_machines
from vdsocat.judging import finding as findings
from vdsocat.judging.finding import Finding, Verdict
from vdsocat.judging.judge import AbiJudgement, Judgement
from vdsocat.kernels.kbuild import BuildRecipe, KernelBuild
from vdsocat.kernels.table import BuildRequest, expand_source, load_kernel_table

MUTANTS = read_mutants()
MACHINES = load_machines(data_directory("qemu-images") / "machines")
TABLE = load_kernel_table(data_directory("qemu-images"))
LATE = Mutant("tiny-late", "tiny", "It is late.", ("ppc64",), "CALL-VALUE", (Edit("clock.c", "now", "later"),))
GOOD = Finding("CALL-VALUE", Verdict.PASS, "clock", "agrees")
BAD = replace(GOOD, verdict=Verdict.FAIL, reason="is late")
OTHER = Finding("CALL-ORDER", Verdict.FAIL, "clock", "stepped back")


def judgement(**by_abi: list[Finding]) -> Judgement:
    abis = tuple(AbiJudgement(abi, "big", "native", tuple(found), None) for abi, found in by_abi.items())
    captures = tuple(AbiCapture(abi, "big", "complete") for abi in by_abi)
    return Judgement(Capture(Provenance("test", "2026-01-02T03:04:05+00:00", "linux"), captures), "7.3", abis)


CLEAN = judgement(ppc64=[GOOD], ppc32=[GOOD])


def test_there_are_ten_mutants_of_three_architectures_each_with_a_defect_of_its_own() -> None:
    assert len(MUTANTS) >= 10
    assert len({mutant.kernel for mutant in MUTANTS}) >= 3
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.kernel, mutant.edits) for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_of_a_kernel_that_is_built_and_of_abis_that_it_runs(mutant: Mutant) -> None:
    (request,) = expand_source(f"built:{mutant.kernel}", TABLE)
    assert isinstance(request, BuildRequest)
    run_there = {abi for machine in MACHINES if machine.kernel_arch == request.recipe.arch for abi in machine.abis}
    assert mutant.abis
    assert set(mutant.abis) <= run_there
    assert mutant.name.startswith(f"{mutant.kernel}-")
    judging = Path(findings.__file__).parent
    texts = "".join(path.read_text(encoding="utf-8") for path in judging.glob("*.py"))
    assert all(f'"{rule}"' in texts for rule in (mutant.rule, *mutant.also))


def test_an_entry_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mutants.yaml"
    monkeypatch.setattr(planted, "_LIST", path)
    path.write_text("- {mutant: a, kernel: b, defect: c, abis: [d], rule: E-F, edits: [], verdicts: fail}\n")
    with pytest.raises(InputError, match="verdicts"):
        read_mutants()
    path.write_text("- {kernel: b, defect: c, abis: [d], rule: E-F, edits: []}\n")
    with pytest.raises(InputError, match="'mutant'"):
        read_mutants()


@pytest.mark.parametrize("text", ["now and now", "never"])
def test_an_edit_has_one_place(text: str) -> None:
    with pytest.raises(RunError, match=r"clock.c has 'now' [02] times, not once"):
        LATE.edits[0].applied_to(text)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A source of one file, and a copy that is a link to it."""
    (tmp_path / "pristine").mkdir()
    (tmp_path / "copy/linux").mkdir(parents=True)
    (tmp_path / "pristine/clock.c").write_text("now")
    os.link(tmp_path / "pristine/clock.c", tmp_path / "copy/linux/clock.c")
    return Tree(tmp_path / "pristine", tmp_path / "copy")


def test_a_defect_is_there_only_while_it_is_planted_and_never_in_the_source(tree: Tree) -> None:
    with pytest.raises(KeyboardInterrupt), tree.planted(LATE):
        assert (tree.source / "clock.c").read_text() == "later"
        assert (tree.pristine / "clock.c").read_text() == "now"
        raise KeyboardInterrupt
    assert (tree.source / "clock.c").read_text() == "now"


def test_what_a_killed_run_left_is_healed(tree: Tree) -> None:
    (tree.source / "clock.c").unlink()
    (tree.source / "clock.c").write_text("later")
    tree.heal(LATE)
    assert (tree.source / "clock.c").read_text() == "now"


def test_a_defect_without_a_place_is_not_planted(tree: Tree) -> None:
    lost = replace(LATE, edits=(*LATE.edits, Edit("clock.c", "then", "")))
    with pytest.raises(RunError, match="has 'then' 0 times"), tree.planted(lost):
        pass
    assert (tree.source / "clock.c").read_text() == "now"


@pytest.mark.parametrize(
    ("found", "caught", "missed_on", "beyond", "others"),
    [
        ({"ppc64": [BAD], "ppc32": [GOOD]}, True, (), (), ()),
        ({"ppc64": [BAD, OTHER], "ppc32": []}, True, (), (), ("CALL-ORDER",)),
        ({"ppc64": [GOOD], "ppc32": []}, False, ("ppc64",), (), ()),
        ({"ppc64": [OTHER], "ppc32": []}, False, ("ppc64",), (), ("CALL-ORDER",)),
        ({"ppc64": [replace(BAD, verdict=Verdict.REVIEW)]}, False, ("ppc64",), (), ()),
        ({"ppc64": [BAD], "ppc32": [BAD]}, False, (), ("ppc32",), ()),
        ({"ppc32": [BAD]}, False, ("ppc64",), ("ppc32",), ()),
    ],
)
def test_caught_is_what_its_rule_names_where_the_defect_is_and_nowhere_else(
    found: dict[str, list[Finding]],
    caught: bool,
    missed_on: tuple[str, ...],
    beyond: tuple[str, ...],
    others: tuple[str, ...],
) -> None:
    catch = look_for(LATE, judgement(**found), CLEAN)
    assert (catch.is_caught, catch.missed_on, catch.beyond, catch.others) == (caught, missed_on, beyond, others)


def test_rules_that_follow_from_a_defect_are_not_others() -> None:
    follows = replace(LATE, also=("CALL-ORDER",))
    assert look_for(follows, judgement(ppc64=[BAD, OTHER]), CLEAN).others == ()


def test_what_passes_or_is_unknown_trips_nothing() -> None:
    unknown = replace(GOOD, verdict=Verdict.UNKNOWN)
    assert tripped(judgement(ppc64=[GOOD, unknown], ppc32=[BAD])) == {("ppc32", BAD)}


def test_what_the_clean_kernel_shows_too_is_not_the_defects() -> None:
    catch = look_for(LATE, judgement(ppc64=[replace(BAD, seen="7"), OTHER]), judgement(ppc64=[replace(BAD, seen="8")]))
    assert (catch.missed_on, catch.others) == (("ppc64",), ("CALL-ORDER",))


def test_mutants_are_chosen_by_their_names_or_their_kernels() -> None:
    early = replace(LATE, name="tiny-early")
    other = replace(LATE, name="big-late", kernel="big")
    every = (LATE, early, other)
    assert run.chosen((), every) == [LATE, early, other]
    assert run.chosen(("tiny",), every) == [LATE, early]
    assert run.chosen(("big-late", "tiny-early"), every) == [early, other]
    with pytest.raises(InputError, match=r"'tiny-lte'.*did you mean 'tiny-late'"):
        run.chosen(("tiny-lte",), every)


class Judged(run.Run):
    """A run that neither builds nor boots: `answers` are what judging comes to, in turn."""

    def __init__(self, *answers: Judgement | RunError) -> None:
        # What is not needed to count and to tell is left out.
        self.answers = iter(answers)
        self.status = StatusLine(io.StringIO(), 1)
        self.caught = self.missed = self.tripped = self.undone = 0

    def judge(self, name: str, build: KernelBuild, cpus: int) -> Judgement:
        answer = next(self.answers)
        if isinstance(answer, RunError):
            raise answer
        return answer


def build_of(tree: Tree) -> KernelBuild:
    recipe = BuildRecipe("tiny", "powerpc", "cross-", "gcc-cross", tree.directory / "tiny.config", ("sid",), "7")
    return KernelBuild(recipe, tree.source, tree.directory / "tiny", tree.directory / "log", print, 1)


def test_each_mutant_is_told_as_it_fared(tree: Tree, capsys: pytest.CaptureFixture[str]) -> None:
    told = Judged(judgement(ppc64=[BAD]), judgement(ppc64=[OTHER], ppc32=[BAD]), RunError("The kernel did not boot"))
    for _ in range(3):
        told.mutant(LATE, tree, build_of(tree), CLEAN)
    assert (told.caught, told.missed, told.undone) == (1, 1, 1)
    lines = [re.sub(r"\(\d+ s\)", "(TIME)", line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "caught  tiny-late: CALL-VALUE on ppc64 (TIME)",
        "        It is late.",
        "        CALL-VALUE clock: is late",
        "MISSED  tiny-late: CALL-VALUE on ppc64 (TIME)",
        "        It is late.",
        "        CALL-VALUE clock: is late",
        "        not on ppc64",
        "        although not there, on ppc32",
        "        other rules: CALL-ORDER",
        "UNDONE  tiny-late: The kernel did not boot.",
    ]


def test_a_clean_kernel_trips_a_rule_that_fails_and_tells_what_is_for_review(
    tree: Tree, capsys: pytest.CaptureFixture[str]
) -> None:
    review = replace(OTHER, verdict=Verdict.REVIEW)
    told = Judged(judgement(ppc64=[GOOD], ppc32=[review]), judgement(ppc64=[GOOD], ppc32=[OTHER]))
    told.clean(build_of(tree))
    assert told.tripped == 0
    told.clean(build_of(tree))
    assert told.tripped == 1
    assert capsys.readouterr().out.splitlines() == [
        "clean   tiny, CPUs: 1, ABIs: ppc64, ppc32",
        "        review on ppc32: CALL-ORDER clock: stepped back",
        "TRIPPED tiny, CPUs: 1, ABIs: ppc64, ppc32",
        "        fail on ppc32: CALL-ORDER clock: stepped back",
    ]


@pytest.mark.parametrize(
    ("counts", "status"), [({}, 0), ({"missed": 1, "undone": 1}, 1), ({"tripped": 1}, 1), ({"undone": 1}, 3)]
)
def test_the_exit_status_tells_the_worst(counts: dict[str, int], status: int) -> None:
    told = Judged()
    for name, count in counts.items():
        setattr(told, name, count)
    assert told.exit_status() == status


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [(["nope"], 2, "There is no mutant and no kernel 'nope'."), (["--nope"], 2, "No such option '--nope'.")],
)
def test_bad_input_is_one_sentence(
    words: list[str], status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["run.py", *words])
    monkeypatch.setattr(run, "raise_on_ending_signals", lambda: None)
    assert run.run_program() == status
    assert capsys.readouterr().err.splitlines()[-1].endswith(said)


def test_an_interrupted_run_has_a_status_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> tuple[Mutant, ...]:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["run.py"])
    monkeypatch.setattr(run, "raise_on_ending_signals", lambda: None)
    monkeypatch.setattr(run, "read_mutants", interrupted)
    assert run.run_program() == 130
