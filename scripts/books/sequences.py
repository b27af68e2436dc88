#!/usr/bin/python3
"""Draws the sequences of docs/how-it-works.md: sequences.py FOLDER. The page tells each step in words, by the same numbers."""

import html
import pathlib
import sys
import textwrap

BROWSER, TRUECALLER, TRUEGATE, APP = "browser", "Truecaller", "truegate", "the app"

# A step is (from, to, what is sent), or (who, what it does).
SEQUENCES = {
    "callback": ("A callback", [BROWSER, TRUECALLER, TRUEGATE, APP], [
        (BROWSER, TRUECALLER, "the user agrees"),
        (TRUECALLER, TRUEGATE, "POST callback"),
        (TRUEGATE, "is it a callback? is the endpoint listed?"),
        (TRUEGATE, TRUECALLER, "GET profile, with the token"),
        (TRUECALLER, TRUEGATE, "the profile"),
        (TRUEGATE, APP, "the POST, with identity"),
        (APP, TRUEGATE, "the app's answer"),
        (TRUEGATE, TRUECALLER, "the app's answer"),
        (BROWSER, APP, "the page asks whether its request id is verified"),
    ]),
    "login": ("A login with sessions", [BROWSER, TRUECALLER, TRUEGATE, APP], [
        (BROWSER, TRUEGATE, "GET /account/"),
        (TRUEGATE, BROWSER, "302 to the login page"),
        (BROWSER, TRUEGATE, "POST /.truegate/login"),
        (TRUEGATE, BROWSER, "a request id, a link, a cookie for this login"),
        (BROWSER, TRUECALLER, "the link; the user agrees"),
        (BROWSER, TRUEGATE, "GET /.truegate/status waits"),
        (TRUECALLER, TRUEGATE, "POST callback"),
        (TRUEGATE, TRUECALLER, "204, at once"),
        (TRUEGATE, TRUECALLER, "GET profile, with the token"),
        (TRUECALLER, TRUEGATE, "the profile"),
        (TRUEGATE, BROWSER, "verified, with the cookie of the session"),
        (BROWSER, TRUEGATE, "GET /account/, with the cookie"),
        (TRUEGATE, APP, "GET /account/, with identity"),
        (APP, BROWSER, "the page, through truegate"),
    ]),
    "forward-auth": ("A request with forward-auth", [BROWSER, "your proxy", TRUEGATE, APP], [
        (BROWSER, "your proxy", "GET /account/, cookie"),
        ("your proxy", TRUEGATE, "GET /.truegate/auth"),
        (TRUEGATE, "opens the cookie, and finds the rule of the path"),
        (TRUEGATE, "your proxy", "200, with identity"),
        ("your proxy", APP, "GET /account/, with identity"),
        (APP, BROWSER, "the page, through your proxy"),
    ]),
    "native": ("A login in your Android app", ["Android app", TRUECALLER, TRUEGATE, APP], [
        ("Android app", TRUECALLER, "the SDK asks; the user agrees"),
        (TRUECALLER, "Android app", "an authorization code"),
        ("Android app", TRUEGATE, "POST code and verifier"),
        (TRUEGATE, TRUECALLER, "the code and the verifier"),
        (TRUEGATE, TRUECALLER, "GET the profile"),
        (TRUECALLER, TRUEGATE, "a verified number"),
        (TRUEGATE, "Android app", "a session token"),
        ("Android app", TRUEGATE, "GET /orders, with the token"),
        (TRUEGATE, APP, "GET /orders, with identity"),
    ]),
}

WIDTH, LANE, TOP, ROW = 820, 205, 74, 46

# The picture has a ground of its own, so it can be read on every page; a browser that prefers dark pages gets a dark one.
STYLE = """
.ground { fill: #ffffff; stroke: #c9ced6 } .lane { stroke: #c9ced6 } .who { fill: #e8eefc; stroke: #3451b2 }
.line { stroke: #3451b2; stroke-width: 1.5; fill: none } .head { fill: #3451b2 } .own { fill: #fff6dd; stroke: #8a6100 }
text { font: 13px system-ui, sans-serif; fill: #1b1f27; text-anchor: middle } .name { font-weight: 600; font-size: 14px }
.label { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
.number { font-size: 11px; font-weight: 600; fill: #ffffff } .dot { fill: #3451b2 }
@media (prefers-color-scheme: dark) {
.ground { fill: #1b1f27; stroke: #4a5160 } .lane { stroke: #4a5160 } .who { fill: #26314f; stroke: #9db2ff }
.line { stroke: #9db2ff } .head, .dot { fill: #9db2ff } .own { fill: #3a3113; stroke: #e0b84c }
text { fill: #eef0f4 } .label { stroke: #1b1f27 } .number { fill: #1b1f27 } }
"""


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, (title, lanes, steps) in SEQUENCES.items():
        (folder / f"{name}.svg").write_text(drawing(title, lanes, steps))


def drawing(title, lanes, steps):
    height = TOP + ROW * len(steps) + 24
    at = {lane: WIDTH // 2 + int(LANE * (index - (len(lanes) - 1) / 2)) for index, lane in enumerate(lanes)}
    told = ". ".join(f"{number}: {words(step)}" for number, step in enumerate(steps, 1))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-labelledby="title told">',
        f'<title id="title">{html.escape(title)}</title><desc id="told">{html.escape(told)}.</desc><style>{STYLE}</style>',
        f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
    ]
    for lane, x in at.items():
        parts.append(f'<line class="lane" x1="{x}" y1="48" x2="{x}" y2="{height - 12}"/>')
        parts.append(f'<rect class="who" x="{x - 62}" y="16" width="124" height="32" rx="6"/>{label(x, 37, lane, "name")}')
    for number, step in enumerate(steps, 1):
        y = TOP + ROW * (number - 1) + 24
        if len(step) == 2:
            who, what = step
            lines = textwrap.wrap(what, 28)
            parts.append(f'<rect class="own" x="{at[who] - 96}" y="{y - 26}" width="192" height="38" rx="6"/>')
            parts += [label(at[who], y - 11 + 16 * row, line, "") for row, line in enumerate(lines)]
            parts.append(marker(at[who] - 96, y - 7, number))
        else:
            start, end, what = step
            x, to = at[start], at[end]
            side = 1 if to > x else -1
            parts.append(f'<path class="line" d="M{x} {y}H{to - 9 * side}"/>')
            parts.append(f'<path class="head" d="M{to} {y}l{-10 * side} -5v10z"/>')
            parts.append(marker(x, y, number))
            parts.append(label((x + to) // 2, y - 11, what, "label"))
    return "\n".join([*parts, "</svg>"]) + "\n"


def label(x, y, text, kind):
    return f'<text x="{x}" y="{y}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{html.escape(text)}</text>'


def marker(x, y, number):
    return f'<circle class="dot" cx="{x}" cy="{y}" r="9"/>{label(x, y + 4, str(number), "number")}'


def words(step):
    return f"{step[0]} to {step[1]}, {step[2]}" if len(step) == 3 else f"{step[0]}, {step[1]}"


main()
