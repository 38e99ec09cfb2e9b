"""vdsocat query: which ABIs export a function or symbol."""

from __future__ import annotations

import sys

from vdsocat.asking.answer import abis_asked, answer_from_index, names_asked
from vdsocat.asking.index_file import read_index
from vdsocat.asking.question import OPTIONS, Question, question_from_words
from vdsocat.cli.places import terminal_width
from vdsocat.report.listing import render_listing

# Loading typing takes half as long as starting Python.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import click

    from vdsocat.asking.answer import Answer
    from vdsocat.catalog.model import Catalog
    from vdsocat.cli.settings import Settings


def answer_quickly(words: list[str], catalog_root: str, cache: str) -> bool:
    """Answer the question that the words after `query` ask if the index in the cache can; whether it could."""
    question = question_from_words(words)
    if question is None or question.config is not None or question.format_ in ("list", "header"):
        return False
    question.require_sense()
    index = read_index(catalog_root, cache)
    if index is None:
        return False
    _print(question, answer_from_index(question, index))
    return True


def ask(settings: Settings, question: Question) -> None:
    """Answer a question, whatever it takes: an index that has to be made, a configuration, another form."""
    from vdsocat.asking.index import load_index

    question.require_sense()
    index = load_index(settings.catalog_root, settings.cache)
    if question.config is not None:
        from vdsocat.asking.configuration import answer_for_configuration

        _print(question, answer_for_configuration(question, settings.load_catalog(), index))
    elif question.format_ in ("list", "header"):
        sys.stdout.write(_as_text(question, settings.load_catalog(), index) + "\n")
    else:
        _print(question, answer_from_index(question, index))


def _as_text(question: Question, catalog: Catalog, index: dict[str, Any]) -> str:
    """The entries asked for in a form that other projects keep."""
    from vdsocat.catalog.query import entries_of
    from vdsocat.report.c_header import render_header
    from vdsocat.report.export_list import render_list

    names = names_asked(question, index)
    chosen = [
        (abi, [one for one in entries_of(abi, names) if not question.node or one.where in question.node])
        for abi in map(catalog.abi, abis_asked(question, index))
    ]
    if question.format_ == "header":
        return render_header(chosen)
    return render_list(one for _, entries in chosen for one in entries)


def _print(question: Question, answer: Answer) -> None:
    text = render_listing(answer.rows, answer.columns, answer.kind, question.format_, terminal_width())
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    if answer.remark and question.format_ == "table":
        sys.stderr.write(answer.remark + "\n")


def __getattr__(name: str) -> Any:
    """The command, made for click when click asks for it: a quick answer never loads click."""
    if name != "query":
        raise AttributeError(name)
    return _command()


def _command() -> click.Command:
    import click

    def run(context: click.Context, /, patterns: tuple[str, ...], **fields: Any) -> None:
        question = Question(patterns)
        for name, value in fields.items():
            setattr(question, name, value if value is not None else getattr(question, name))
        ask(context.obj, question)

    parameters: list[click.Parameter] = [click.Argument(["patterns"], metavar="[PATTERN…]", nargs=-1)]
    for option in OPTIONS:
        parameters.append(
            click.Option(
                [option.name, option.field],
                help=option.help + (" May be given several times." if option.many else ""),
                is_flag=option.metavar is None,
                multiple=option.many,
                metavar=None if option.choices else option.metavar,
                type=click.Choice(option.choices) if option.choices else None,
            )
        )
    return click.Command(
        "query", callback=click.pass_context(run), params=parameters, help=_HELP, short_help=_SHORT_HELP
    )


_SHORT_HELP = "Which ABIs export a function or symbol, since when."
_HELP = """Which ABIs export a function or symbol, under which name and version, since when.

PATTERN is a function (getcpu), a symbol (__vdso_getcpu) or a glob ('*getres*').

Without --kernel, --date, --config, --mode or --lacking the answer is for all releases; with one of the last two alone
it is for the newest release in the catalogue.
"""
