"""What the figures of scripts/bench peers say: medians, ratios within a repetition, and the tables of them."""

from collections import Counter
from statistics import median, quantiles

# What each job is called, and the proxy that the others are compared with.
JOBS = {
    "pass": ("Passing through", "nginx"), "session": ("With a session", "HAProxy + JWT"), "callback": ("Callbacks", "nginx + Lua"),
}
# A measurement counts if the core was nearly as fast as at its best, and if other programs left it alone.
SLOWEST, MOST_FOREIGN = 1.25, 0.25


def usable(result):
    """The runs that count. Where fewer than two of a kind do, all of the kind count."""
    undisturbed = quiet(result)
    counts = Counter(kind(run) for run in undisturbed)
    return [run for run in result["runs"] if run in undisturbed or counts[kind(run)] < 2]


def quiet(result):
    """The runs that nothing disturbed."""
    yardsticks = sorted(run["yardstick_ns"] for run in result["runs"])
    best = yardsticks[len(yardsticks) // 5]
    return [run for run in result["runs"] if run["yardstick_ns"] <= SLOWEST * best and run["foreign_cores"] <= MOST_FOREIGN]


def kind(run):
    return run["peer"], run["kind"], run["connections"]


def runs(usable, peer, what, connections):
    return [run for run in usable if kind(run) == (peer, what, connections)]


def ratios(usable, peer, reference, connections=64):
    """The processor time of a proxy over that of another in the same repetition."""
    own, others = (
        {run["repetition"]: run["cpu_us"] for run in runs(usable, name, "closed", connections)} for name in (peer, reference)
    )
    return [own[repetition] / others[repetition] for repetition in own if repetition in others]


def summary(result):
    """One dictionary for each proxy."""
    used, found = usable(result), []
    for peer in result["peers"]:
        name, reference = peer["name"], JOBS[peer["job"]][1]
        few, many, paced = (runs(used, name, *what) for what in (("closed", 64), ("closed", 1000), ("paced", 64)))
        if not few or not many or not paced:
            continue
        idle, compared = result["idle"][name], ratios(used, name, reference)
        middle = lambda runs, read: median(read(run) for run in runs)
        percentile = lambda runs, which: middle(runs, lambda run: run["microseconds"][which]) / 1000
        found.append({
            "name": name, "job": peer["job"], "cpu_us": middle(few, lambda run: run["cpu_us"]),
            "ratio": median(compared) if compared else None, "range": quartiles(compared),
            "cpu_us_1000": middle(many, lambda run: run["cpu_us"]),
            "rate": middle(few, lambda run: run["requests"] / run["seconds"]),
            "p50": percentile(few, "p50"), "p99": percentile(few, "p99"),
            "p50_1000": percentile(many, "p50"), "p99_1000": percentile(many, "p99"),
            "paced": [percentile(paced, which) for which in ("p50", "p99", "p99.9")],
            "idle_kib": (idle[-1]["kib"] - idle[0]["kib"]) / (idle[-1]["connections"] - idle[0]["connections"]),
            # Later runs have more connections, and the peak would be theirs.
            "peak_mib": next(run["peak_kib"] for run in result["runs"] if kind(run) == (name, "closed", 64)) / 1024,
            "start_ms": median(result["starts"][name]) * 1000,
        })
    return found


def quartiles(values):
    if len(values) < 2:
        return None
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def table(result):
    """The tables, as Markdown."""
    machine, rates, rows = result["machine"], result["settings"]["rates"], summary(result)
    lines = [
        "| | CPU per request, µs | compared with | CPU at 1,000 connections, µs | requests a second, one core | KiB per idle connection "
        "| MiB at 64 connections | start, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for job, (title, reference) in JOBS.items():
        lines += [f"| *{title}* | | | | | | | |"] if any(row["job"] == job for row in rows) else []
        for row in (row for row in rows if row["job"] == job):
            own = row["name"] == reference or row["ratio"] is None
            spread = f", {row['range'][0]:.2f} to {row['range'][1]:.2f}" if row["range"] else ""
            ratio = ("1" if row["name"] == reference else "–") if own else f"{row['ratio']:.2f} × {reference}{spread}"
            lines.append(f"| {shown(row)} | {row['cpu_us']:.1f} | {ratio} | {row['cpu_us_1000']:.1f} | {row['rate']:,.0f} | {row['idle_kib']:.1f} "
                         f"| {row['peak_mib']:.1f} | {row['start_ms']:.0f} |")
    lines += [
        "", "| latency, ms | 64 connections: p50, p99 | 1,000 connections: p50, p99 | fixed rate: p50, p99, p99.9 | requests a second at the fixed rate |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(f"| {shown(row)} | {row['p50']:.1f}, {row['p99']:.1f} | {row['p50_1000']:.0f}, {row['p99_1000']:.0f} "
                     f"| {', '.join(f'{value:.2f}' for value in row['paced'])} | {rates[row['job']]:,} |")
    lines.append("")
    others = [
        ratio_line(result, "truegate", "pingora", "truegate that passes requests through, over raw pingora"),
        ratio_line(result, "truegate sessions", "truegate", "truegate with a session, over truegate that passes requests through"),
        p99_line(result, "truegate", "HAProxy"),
    ]
    lines += [line for line in others if line]
    lines += ["", (
        f"{measured(result)}; nginx {machine['nginx']}, HAProxy {machine['haproxy']}, pingora {machine['pingora']}; "
        f"{result['settings']['repetitions']} repetitions of {result['settings']['seconds']} s; "
        f"{len(quiet(result))} of {len(result['runs'])} runs were undisturbed.")]
    return "\n".join(lines)


def measured(result):
    """When, where and of what a measurement was."""
    machine = result["machine"]
    return (
        f"Measured on {result['at']}: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}; "
        f"{machine['truegate']} ({machine['commit']}), Rust {machine['rust']}")


def shown(row):
    return f"**{row['name']}**" if row["name"].startswith("truegate") else row["name"]


def ratio_line(result, peer, reference, what):
    compared = ratios(usable(result), peer, reference)
    if not compared:
        return None
    low, high = quartiles(compared) or (compared[0], compared[0])
    return f"- CPU of {what}: {median(compared):.2f}, with the quartiles {low:.2f} and {high:.2f}"


def p99_line(result, peer, reference):
    used = usable(result)
    own, others = (
        {run["repetition"]: run["microseconds"]["p99"] for run in runs(used, name, "closed", 1000)} for name in (peer, reference)
    )
    compared = [own[repetition] / others[repetition] for repetition in own if repetition in others]
    return f"- p99 of {peer} at 1,000 connections, over {reference}: {median(compared):.2f}" if compared else None
