"""A preprocessor of mdBook: makes links between files of the repository links of the book.

A page of the book links to a file as GitHub and crates.io understand it, relative to the page. In the book, the pages of the root of the
repository are below `repository`, the README is the first page, and what is no page at all is read where the repository is: at
TRUEGATE_REPOSITORY, such as https://github.com/OWNER/truegate/blob/main, or else in the checkout that the book was built in.
"""

import json
import os
import pathlib
import posixpath
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = "docs"


def main():
    if sys.argv[1:2] == ["supports"]:
        sys.exit(sys.argv[2] != "html")
    context, book = json.load(sys.stdin)
    to_root = os.path.relpath(ROOT, ROOT / DOCS / context["config"]["build"]["build-dir"])
    chapters = list(listed(book["items"]))
    places = {in_repository(chapter): place(chapter) for chapter in chapters}
    places[f"{DOCS}/SUMMARY.md"] = "toc.html"
    broken = []
    for chapter in chapters:
        file = in_repository(chapter)

        def link(match):
            path, hash, anchor = match[2].partition("#")
            if not path or ":" in path:
                return match[0]
            target = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
            if not (ROOT / target).exists():
                broken.append(f"{file}: {match[2]}")
            folder = posixpath.dirname(places[file])
            if target in places:
                path = posixpath.relpath(as_built(places[target]), folder)
            elif target.startswith(f"{DOCS}/") and not target.endswith(".md"):
                path = posixpath.relpath(target.removeprefix(f"{DOCS}/"), folder)
            else:
                path = posixpath.join(os.environ.get("TRUEGATE_REPOSITORY") or posixpath.join(posixpath.relpath(".", folder), to_root), target)
            return match[1] + path + hash + anchor + ")"

        chapter["content"] = outside_code(chapter["content"], lambda text: re.sub(r"(\]\()([^()\s]+)\)", link, text))
        chapter["path"] = places[file]
    if broken:
        sys.exit("\n".join(["links that lead nowhere:", *broken]))
    json.dump(book, sys.stdout)


def listed(items):
    """The chapters of the book, and those below them."""
    for item in items:
        if isinstance(item, dict) and item.get("Chapter", {}).get("path"):
            yield item["Chapter"]
            yield from listed(item["Chapter"]["sub_items"])


def in_repository(chapter):
    return posixpath.normpath(posixpath.join(DOCS, chapter["source_path"]))


def place(chapter):
    """Where a chapter is in the book."""
    file = in_repository(chapter)
    if file.startswith(f"{DOCS}/"):
        return file.removeprefix(f"{DOCS}/")
    return file if file == "README.md" else f"repository/{file}"


def as_built(page):
    """The name that mdBook gives to a page, with the ending that it replaces itself."""
    return re.sub(r"README\.md$", "index.md", page)


def outside_code(text, change):
    """Changes what is neither in a block nor in a span of code."""
    blocks = re.split(r"(^[ \t]*```.*?^[ \t]*```)", text, flags=re.MULTILINE | re.DOTALL)
    for number in range(0, len(blocks), 2):
        spans = re.split(r"(`[^`]*`)", blocks[number])
        spans[::2] = map(change, spans[::2])
        blocks[number] = "".join(spans)
    return "".join(blocks)


main()
