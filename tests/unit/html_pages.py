"""A page of HTML as tests look at it: parsed strictly, with what every page of ours must hold to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import html5lib

# What stands within a line; all else is apart from the text before it and behind it.
_INLINE = ("a", "b", "code", "span", "strong")
_HEADING = re.compile(r"h([1-6])")


class Page:
    """A page that has passed a strict parser."""

    def __init__(self, source: str) -> None:
        self.source = source
        parser = html5lib.HTMLParser(html5lib.treebuilders.getTreeBuilder("etree"), True, False)
        self.root: Element = parser.parse(source)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements with this tag and these attributes; a class is one of several. `class_` stands for class."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            one
            for one in self.root.iter(tag)
            if all(
                value in one.get(name, "").split() if name == "class" else one.get(name) == value
                for name, value in wanted.items()
            )
        ]

    def text(self) -> str:
        """All text outside of style and script, each piece of white space as one space."""
        return " ".join("".join(_texts(self.root)).split())

    def element(self, id_: str) -> Element:
        """The element with this id."""
        (found,) = (one for one in self.root.iter() if one.get("id") == id_)
        return found

    def rows(self, table: Element) -> list[list[str]]:
        """The cells of each row of a table as text; one that spans rows is in each of them."""
        rows: list[list[str]] = []
        spanning: dict[int, tuple[int, str]] = {}
        for row in table.iter("tr"):
            texts: list[str] = []
            cells = [cell for cell in row if cell.tag in ("td", "th")]
            while cells or len(texts) in spanning:
                column = len(texts)
                left, text = spanning.pop(column, (0, ""))
                if not left:
                    cell = cells.pop(0)
                    left, text = int(cell.get("rowspan", "1")), text_of(cell)
                texts.append(text)
                if left > 1:
                    spanning[column] = (left - 1, text)
            rows.append(texts)
        assert not spanning, "a cell spans more rows than there are"
        return rows

    def hold_to_the_rules(self) -> None:
        """What must be so on every page of ours, for people with a keyboard, a reader of screens, or no network."""
        self._has_language_title_and_one_main()
        self._is_self_contained()
        self._headings_come_in_order()
        self._links_and_ids_agree()
        self._tables_have_headers()
        self._boxes_that_scroll_are_reached_by_keyboard()

    def _has_language_title_and_one_main(self) -> None:
        assert self.root.get("lang") == "en"
        assert text_of(self.all("title")[0])
        assert len(self.all("main")) == len(self.all("h1")) == 1

    def _is_self_contained(self) -> None:
        loading = ("src", "srcset", "href", "data", "action", "poster", "background", "formaction")
        addresses = [one.get(name, "") for one in self.root.iter() for name in loading if one.get(name) is not None]
        assert all(address.startswith("#") or address == "data:," for address in addresses), addresses
        for style in self.all("style"):
            assert "url(" not in (style.text or "")
            assert "@import" not in (style.text or "")
        for one in self.root.iter():
            forbidden = [name for name in one.keys() if name.startswith("on") or name == "style"]  # noqa: SIM118
            assert not forbidden, (one.tag, forbidden)

    def _headings_come_in_order(self) -> None:
        level = 0
        for one in self.root.iter():
            if match := _HEADING.fullmatch(str(one.tag)):
                assert int(match[1]) <= level + 1, f"{text_of(one)}: h{match[1]} after h{level}"
                level = int(match[1])

    def _links_and_ids_agree(self) -> None:
        ids = [one.get("id") for one in self.root.iter() if one.get("id") is not None]
        assert len(ids) == len(set(ids))
        targets = [one.get("href", "")[1:] for one in self.all("a")]
        targets += [name for one in self.root.iter() for name in one.get("aria-labelledby", "").split()]
        targets += [one.get("for", "") for one in self.all("label")]
        assert set(targets) <= set(ids), set(targets) - set(ids)

    def _tables_have_headers(self) -> None:
        for table in self.all("table"):
            headers = list(table.iter("th"))
            assert headers
            assert all(one.get("scope") in ("col", "row", "rowgroup") for one in headers), self.rows(table)[0]

    def _boxes_that_scroll_are_reached_by_keyboard(self) -> None:
        for one in self.all("div", class_="scroll"):
            assert one.get("tabindex") == "0"
            assert one.get("role") == "region"
            assert one.get("aria-label")
        for one in self.all("details"):
            assert one[0].tag == "summary"
            assert text_of(one[0])


def text_of(element: Element) -> str:
    """The text of an element and what is in it, each piece of white space as one space."""
    return " ".join("".join(_texts(element)).split())


def _texts(element: Element) -> Iterator[str]:
    if element.tag in ("style", "script"):
        return
    yield element.text or ""
    for one in element:
        apart = "" if one.tag in _INLINE else " "
        yield apart
        yield from _texts(one)
        yield apart + (one.tail or "")
