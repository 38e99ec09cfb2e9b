"""Kernel releases and their order, exports and sets of them."""

import pytest

from vdsocat.exports import Binding, Export, ExportSet, KernelRelease, SymbolType


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("6.1", (6, 1)),
        ("v6.1", (6, 1)),
        ("2.6.15", (2, 6, 15)),
        ("2.6.32.71", (2, 6, 32, 71)),
        (" 7.3 \n", (7, 3)),
        ("6.1.0-50-amd64", (6, 1, 0)),
        ("6.12.107+deb13-amd64", (6, 12, 107)),
        ("7.3-rc2", (7, 3)),
        ("6.1.102-1.182.amzn2023.x86_64", (6, 1, 102)),
        ("7.2.13~bpo13+1", (7, 2, 13)),
    ],
)
def test_parse_release(text: str, parts: tuple[int, ...]) -> None:
    assert KernelRelease.parse(text).parts == parts


@pytest.mark.parametrize("text", ["", "6", "linux", "LINUX_2.6", "6.x", "6.1.2.3.4", "-6.1", "6.1foo"])
def test_what_is_no_release_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no kernel release such as") as caught:
        KernelRelease.parse(text)
    assert repr(text) in str(caught.value)


def test_releases_are_ordered_as_numbers() -> None:
    order = [
        "2.6.9",
        "2.6.15",
        "2.6.32",
        "2.6.32.71",
        "2.6.39",
        "3.0",
        "4.20",
        "5.2",
        "5.10",
        "6.1",
        "6.1.55",
        "6.12",
        "7.0",
    ]
    releases = [KernelRelease.parse(text) for text in order]
    shuffled = releases[1::2] + releases[::2]
    assert sorted(shuffled) == releases
    assert releases[0] < releases[1] and releases[-1] >= releases[-2]


def test_a_release_equals_itself_with_a_zero_at_the_end() -> None:
    assert KernelRelease((6, 1)) == KernelRelease((6, 1, 0))
    assert hash(KernelRelease((6, 1))) == hash(KernelRelease((6, 1, 0)))
    assert KernelRelease((6, 1)) != KernelRelease((6, 1, 1))
    assert KernelRelease((6, 1)) != "6.1"


@pytest.mark.parametrize(
    ("text", "mainline"),
    [("6.1.176", "6.1"), ("6.1", "6.1"), ("3.0.5", "3.0"), ("2.6.32.71", "2.6.32"), ("2.6.15", "2.6.15")],
)
def test_mainline_release(text: str, mainline: str) -> None:
    assert str(KernelRelease.parse(text).mainline) == mainline


def test_a_release_prints_as_its_numbers() -> None:
    assert str(KernelRelease.parse("v6.12.107+deb13-amd64")) == "6.12.107"


def test_versioned_names() -> None:
    assert Export("__vdso_getcpu", "LINUX_2.6").versioned_name == "__vdso_getcpu@@LINUX_2.6"
    assert Export("__vdso_getcpu", None).versioned_name == "__vdso_getcpu"


def test_exports_compare_by_all_they_say() -> None:
    assert Export("f", "V") == Export("f", "V", SymbolType.FUNC, Binding.GLOBAL, 0, 0)
    assert Export("f", "V") != Export("f", "V", SymbolType.NOTYPE)
    assert len({Export("f", "V"), Export("f", "V"), Export("f", "W")}) == 2


def test_an_export_set_keeps_order_and_finds_all_of_one_name() -> None:
    exports = (Export("f", "V_2"), Export("g", "V_1"), Export("f", "V_1"))
    claimed = ExportSet("x86-64", "a test", exports)
    assert tuple(claimed) == exports
    assert claimed.named("f") == (exports[0], exports[2])
    assert claimed.named("h") == ()
