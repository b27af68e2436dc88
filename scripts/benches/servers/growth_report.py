"""What the figures of scripts/bench soak and scripts/bench growth say, as Markdown."""

from report import measured


def soak(result):
    """The verdict of a soak, and what it rests on."""
    counts, steady, growth = result["counts"], result["steady"], result["growth_per_hour"]
    verdict = "passed" if result["passed"] else "FAILED"
    lines = [
        f"{verdict}: {result['minutes']:.0f} minutes at {result['rate']:,} requests a second, half of what one core can do.", "",
        "| what | figure |", "|---|---|",
        f"| requests of the load | {counts['bulk']:,} |",
        f"| requests that were watched one by one | {counts['probes']:,}, of them {counts['handshakes']:,} after a TLS handshake each |",
        f"| logins, and logouts | {counts['logins']:,}, {counts['logouts']:,} |",
        f"| renewed certificates | {counts['renewals']:,} |",
        f"| times that the app went away | {counts['outages']:,} |",
        f"| requests that were lost although the app was up | {len(result['lost']):,} |",
        f"| memory after a warm-up of {result['warm_up_minutes']:.0f} min, MiB: least, median, most | {three(steady['rss_mib'], '.1f')} |",
        f"| its slope, MiB an hour | {growth['rss_mib']:+.1f} |",
        f"| open descriptors: least, median, most | {three(steady['descriptors'], '.0f')} |",
        f"| their slope, an hour | {growth['descriptors']:+.0f} |",
    ]
    lines += [f"- lost after {since} s: {what}" for since, what in result["lost"][:20]]
    lines += ["", f"{measured(result)}."]
    return "\n".join(lines)


def three(values, form):
    return ", ".join(format(value, form) for value in values)


def table(result):
    """What grows, and what one unit of it costs."""
    lines = ["| what | memory of one | all of them | a request before, µs | a request with them, µs |", "|---|---|---|---|---|"]
    for row in result["growth"]:
        lines.append(f"| {row['count']:,} {row['what']} | {row['bytes']:,.0f} bytes | {row['bytes'] * row['count'] / 2**20:.1f} MiB "
                     f"| {time(row['before_us'])} | {time(row['after_us'])} |")
    lines.append("")
    if result["rules"]:
        first, last = result["rules"][0], result["rules"][-1]
        more = last["instructions"] - first["instructions"]
        lines.append(f"- {last['rules']:,} rules instead of {first['rules']}, of which the last matches: {more / first['instructions']:+.1%} "
                     f"instructions in a request, {more / (last['rules'] - first['rules']):.1f} for each rule")
    lines += [f"- {note}" for note in result["notes"]]
    lines += ["", f"{measured(result)}."]
    return "\n".join(lines)


def time(value):
    return "–" if value is None else f"{value:.0f}"
