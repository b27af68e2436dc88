"""Draws the plots of docs/performance.md: plots.py peers|growth|soak FIGURES.json FOLDER. Needs matplotlib (plots.txt).

The ground is transparent and the ink is a middle grey, so that the plots can be read on a light and on a dark page.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as pyplot

INK, OWN, OTHER, FLOOR = "#7c848d", "#2f81f7", "#9aa3ad", "#d29922"
JOBS = {"pass": "passing through", "session": "with a session", "callback": "callbacks"}
matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "truegate", "font.family": "sans-serif", "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 11, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 12, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.titlecolor": INK, "legend.frameon": False, "savefig.transparent": True,
})


def cpu(rows):
    """The processor time of a request, by proxy: one bar each, grouped by what is done."""
    rows = list(reversed(rows))
    gap, place, places = None, 0.0, []
    for row in rows:
        place += 1.0 if row["job"] == gap or gap is None else 1.9
        gap = row["job"]
        places.append(place)
    figure, axes = pyplot.subplots(figsize=(8, 0.36 * place + 1.1), layout="constrained")
    colors = [color(row["name"]) for row in rows]
    axes.barh(places, [row["cpu_us"] for row in rows], height=0.72, color=colors)
    most = max(row["cpu_us"] for row in rows)
    for row, place in zip(rows, places):
        axes.text(row["cpu_us"] + most * 0.012, place, f"{row['cpu_us']:.0f}", va="center")
    axes.set_yticks(places, [row["name"] for row in rows])
    axes.tick_params(axis="y", length=0)
    for job, title in JOBS.items():
        own = [place for row, place in zip(rows, places) if row["job"] == job]
        if own:
            axes.text(0, max(own) + 0.52, title, weight="bold", va="bottom")
    axes.set_xlim(0, most * 1.1)
    axes.set_ylim(0.4, max(places) + 1.25)
    grid(axes, "x")
    axes.set_xlabel("processor time of one request in µs, at 64 connections (less is better)")
    return figure


def latency(rows):
    """Percentiles of the latency under two loads, one panel for each load."""
    panels = [
        ("closed loop, 64", lambda row: (row["p50"], row["p99"])),
        ("closed loop, 1,000", lambda row: (row["p50_1000"], row["p99_1000"])),
        ("fixed rate, 64", lambda row: (row["paced"][0], row["paced"][1])),
    ]
    rows = list(reversed(rows))
    figure, all_axes = pyplot.subplots(1, 3, figsize=(9.6, 0.36 * len(rows) + 1.3), layout="constrained", sharey=True)
    for axes, (title, read) in zip(all_axes, panels):
        for place, row in enumerate(rows):
            middle, high = read(row)
            axes.plot([middle, high], [place, place], color=color(row["name"]), linewidth=3, alpha=0.45, solid_capstyle="butt")
            axes.plot(middle, place, "o", color=color(row["name"]), markersize=7)
            axes.plot(high, place, "|", color=color(row["name"]), markersize=13, markeredgewidth=3)
        axes.set_xlim(0, max(read(row)[1] for row in rows) * 1.08)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("ms")
        axes.tick_params(axis="y", length=0)
        grid(axes, "x")
    all_axes[0].set_yticks(range(len(rows)), [row["name"] for row in rows])
    figure.supxlabel("● median     | 99 % of the requests are faster     (the number is that of the connections)", fontsize=11, color=INK)
    return figure


def memory(idle, names):
    """The memory of a process by the number of connections that are only open."""
    figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    ends = []
    for name in names:
        steps = idle[name]
        x, y = [step["connections"] for step in steps], [step["rss_kib"] / 1024 for step in steps]
        axes.plot(x, y, "o-" if name in ("truegate", "pingora", "HAProxy") else "o--", color=color(name), markersize=5, linewidth=2)
        ends.append((y[-1], name, color(name)))
    top = max(end for end, _, _ in ends)
    last = -top
    for end, name, own in sorted(ends):
        last = max(end, last + top * 0.062)
        axes.text(x[-1] * 1.02, last, name, color=own, va="center", weight="bold")
    axes.set_xlim(0, x[-1] * 1.24)
    axes.set_xticks(x, [f"{count:,}" for count in x])
    axes.set_ylim(0, top * 1.08)
    axes.set_xlabel("open connections without a request")
    axes.set_ylabel("memory of the process, MiB")
    grid(axes, "y")
    return figure


def rules(points):
    """The instructions of a request by the number of rules, of which the last one matches."""
    figure, axes = pyplot.subplots(figsize=(8, 3.2), layout="constrained")
    x, y = [point["rules"] for point in points], [point["instructions"] / 1000 for point in points]
    axes.plot(x, y, "o-", color=OWN, markersize=7, linewidth=2)
    for rule, instructions in zip(x, y):
        axes.annotate(f"{instructions:,.0f}", (rule, instructions), xytext=(0, 9), textcoords="offset points", ha="center")
    axes.set_xscale("log")
    axes.set_xticks(x, [f"{rule:,}" for rule in x])
    axes.minorticks_off()
    axes.set_ylim(0, max(y) * 1.2)
    axes.set_xlabel("rules in the configuration; the last one matches")
    axes.set_ylabel("thousand instructions\nof one request")
    grid(axes, "y")
    return figure


def soak(samples):
    """Memory and descriptors of the gateway during the soak."""
    figure, (upper, lower) = pyplot.subplots(2, 1, figsize=(8, 4.4), layout="constrained", sharex=True)
    minutes = [sample["seconds"] / 60 for sample in samples]
    for axes, name, title in ((upper, "rss_mib", "memory, MiB"), (lower, "descriptors", "open descriptors")):
        values = [sample[name] for sample in samples]
        axes.plot(minutes, values, color=OWN, linewidth=1.8)
        axes.set_ylim(0, max(values) * 1.15)
        axes.set_ylabel(title)
        grid(axes, "y")
    lower.set_xlim(0, max(minutes))
    lower.set_xlabel("minutes")
    return figure


def color(name):
    return OWN if name.startswith("truegate") else FLOOR if name == "pingora" else OTHER


def grid(axes, axis):
    axes.grid(axis=axis, color=INK, alpha=0.25, linewidth=0.8)
    axes.set_axisbelow(True)


def save(figure, folder, name):
    path = Path(folder) / f"{name}.svg"
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    # One line for each element, without the blanks at the ends of lines that matplotlib leaves.
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def main():
    what, figures, folder = sys.argv[1:]
    result = json.loads(Path(figures).read_text())
    if what == "peers":
        rows = result["summary"]
        save(cpu(rows), folder, "cpu")
        save(latency(rows), folder, "latency")
        shown = ["truegate", "truegate sessions", "pingora", "HAProxy", "nginx"]
        save(memory(result["idle"], [name for name in shown if name in result["idle"]]), folder, "memory")
    elif what == "growth":
        save(rules(result["rules"]), folder, "rules")
    else:
        save(soak(result["samples"]), folder, "soak")


main()
