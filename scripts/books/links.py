"""Checks each link of a built book: links.py FOLDER. Its target must be in the folder or beside it, with the anchor that it names."""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """The anchors of a page, and what it leads to."""

    def __init__(self, file):
        super().__init__()
        self.anchors, self.links, self.undescribed = {"", "top"}, set(), []
        self.feed(file.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(filter(None, [attributes.get("id"), attributes.get("name")]))
        self.links.update(filter(None, [attributes.get("href"), attributes.get("src")]))
        if tag == "img" and "alt" not in attributes:
            self.undescribed.append(attributes.get("src"))


folder = pathlib.Path(sys.argv[1]).resolve()
# Its links begin at the root of the site, wherever that is.
pages = {file: Page(file) for file in folder.rglob("*.html") if file.name != "404.html"}
mistakes, count = [], 0
for file, page in pages.items():
    for link in page.links:
        url = urllib.parse.urlsplit(link)
        if url.scheme or url.netloc:
            continue
        count += 1
        target = (file.parent / urllib.parse.unquote(url.path)).resolve() if url.path else file
        if not target.exists():
            mistakes.append(f"{file.relative_to(folder)}: {link}: no such file")
        elif target in pages and urllib.parse.unquote(url.fragment) not in pages[target].anchors:
            mistakes.append(f"{file.relative_to(folder)}: {link}: no such anchor")
    mistakes += [f"{file.relative_to(folder)}: {image}: a picture without a text" for image in page.undescribed]
print(f"{len(pages)} pages, {count} links")
if mistakes:
    sys.exit("\n".join(sorted(mistakes)))
