"""A page as a test reads it: its links, anchors and commands, and whatever a strict policy would not run."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "link"})


class Parsed(HTMLParser):
    """One page. `inline` names what stands in the markup itself where only files of our own may run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.assets: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.commands: list[str] = []
        self.codes: list[str] = []
        self.headings: list[str] = []
        self.text = ""
        self._open: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self._open == [], "elements that are not closed"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "link":
            self.assets.append(given["href"])
        elif tag == "script" and "src" in given:
            self.assets.append(given["src"])
        elif tag in {"script", "style"}:
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "pre" and given.get("class") == "command":
            self.commands.append("")
        if tag == "code":
            self.codes.append("")
        if tag == "h1":
            self.headings.append("")
        if tag not in VOID:
            self._open.append((tag, given.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.text += data
        if ("pre", "command") in self._open:
            self.commands[-1] += data
        if self._open and self._open[-1][0] == "code":
            self.codes[-1] += data
        if ("h1", "") in self._open or ("h1", "unseen") in self._open:
            self.headings[-1] += data
