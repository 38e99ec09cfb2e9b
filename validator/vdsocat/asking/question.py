"""A question to the catalogue, and the words of the command line that ask it: declared once, here."""

from __future__ import annotations

from vdsocat.errors import InputError

FORMATS = ("table", "json", "csv", "markdown", "list", "header")
MODES = ("native", "compat")


class Option:
    """One option of `vdsocat query`: `many` may be given several times, a `metavar` of None makes it a switch."""

    def __init__(
        self, name: str, metavar: str | None, help: str, choices: tuple[str, ...] = (), many: bool = False
    ) -> None:
        self.name = name
        self.metavar = metavar
        self.help = help
        self.choices = choices
        self.many = many

    @property
    def field(self) -> str:
        """The field of a Question that holds it."""
        return {"--format": "format_"}.get(self.name, self.name[2:])


OPTIONS = (
    Option("--abi", "ABI", "Only this ABI.", many=True),
    Option("--arch", "ARCH", "Only ABIs that this kernel architecture runs.", many=True),
    Option("--node", "NODE", "Only this version node, such as LINUX_2.6.", many=True),
    Option("--kernel", "RELEASE", "Answer for one kernel release, such as 5.4."),
    Option("--date", "DATE", "Answer for the release that was the newest on this day, such as 2020-05-31."),
    Option("--config", "FILE", "Answer for a kernel's .config, and for its release unless --kernel names one."),
    Option("--mode", "MODE", "Only where kernels run the ABI so.", choices=MODES),
    Option("--provider", "NAME", "What another provider of a vDSO exports, such as qemu-user."),
    Option("--lacking", None, "Who does not have it, and why."),
    Option("--format", "FORMAT", "How to print the answer.", choices=FORMATS),
)
_BY_NAME = {option.name: option for option in OPTIONS}


class Question:
    """What is asked: the patterns (functions, symbols, globs) and a field for each option."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.patterns = patterns
        self.abi: tuple[str, ...] = ()
        self.arch: tuple[str, ...] = ()
        self.node: tuple[str, ...] = ()
        self.kernel: str | None = None
        self.date: str | None = None
        self.config: str | None = None
        self.mode: str | None = None
        self.provider: str | None = None
        self.lacking = False
        self.format_ = "table"

    def require_sense(self) -> None:
        """InputError where the parts of the question do not go together, or nothing is asked."""
        if not (self.patterns or self.abi or self.arch or self.node or self.provider):
            raise InputError("Give a function, a symbol, a glob ('*' for all), --abi, --arch, --node or --provider.")
        if self.kernel and self.date:
            raise InputError("Give --kernel or --date, not both.")
        for name in ("arch", "kernel", "date", "config", "mode", "lacking"):
            if self.provider and getattr(self, name):
                raise InputError(f"--provider and --{name} do not go together: a provider has releases of its own.")
        for name in ("kernel", "date", "config", "mode", "lacking"):
            if self.format_ == "header" and getattr(self, name):
                raise InputError(f"--format header tells all releases, so --{name} does not go with it.")
        for name in ("date", "kernel", "config", "mode", "lacking", "provider"):
            if self.format_ == "list" and getattr(self, name):
                raise InputError(f"--format list tells all releases, so --{name} does not go with it.")

    @property
    def about_a_release(self) -> bool:
        """Whether the answer is for one release rather than for all of them."""
        return bool(self.kernel or self.date or self.config or self.mode or self.lacking)


def question_from_words(words: list[str]) -> Question | None:
    """The question that the words after `query` ask; None for whatever is better refused, or explained, by click."""
    patterns: list[str] = []
    given: dict[str, object] = {}
    rest = iter(words)
    for word in rest:
        if word == "--":
            patterns += rest
        elif not word.startswith("-") or word == "-":
            patterns.append(word)
        else:
            name, joined, value = word.partition("=")
            option = _BY_NAME.get(name)
            if option is None or (joined and option.metavar is None):
                return None
            if option.metavar is not None and not joined:
                value = next(rest, "")
            if option.metavar is not None and (not value or (option.choices and value not in option.choices)):
                return None
            _give(given, option, value)
    question = Question(tuple(patterns))
    for name, one in given.items():
        setattr(question, name, one)
    return question


def _give(given: dict[str, object], option: Option, value: str) -> None:
    if option.metavar is None:
        given[option.field] = True
    elif option.many:
        earlier = given.get(option.field, ())
        assert isinstance(earlier, tuple)
        given[option.field] = (*earlier, value)
    else:
        given[option.field] = value
