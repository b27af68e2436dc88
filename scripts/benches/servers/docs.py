"""docs/performance.md: the tables between its markers, and the plots."""

import subprocess

import build
import report

PAGE = build.ROOT / "docs/performance.md"
PLOTS = build.ROOT / "docs/performance"


def write(name, result):
    """Writes what a measurement has found into the page, and its plots beside it."""
    tables = {"peers": report.table}
    if name != "peers":
        import growth_report
        tables |= {"growth": growth_report.table, "soak": growth_report.soak}
    start, end = f"<!-- {name}: scripts/bench {name} --write-docs writes this -->", f"<!-- end of {name} -->"
    before, rest = PAGE.read_text().split(start, 1)
    after = rest.split(end, 1)[1]
    PAGE.write_text(f"{before}{start}\n\n{tables[name](result).strip()}\n\n{end}{after}")
    PLOTS.mkdir(exist_ok=True)
    figures = build.TARGET / f"bench/{name}-for-plots.json"
    build.write(figures, result if name != "peers" else {"summary": report.summary(result), "idle": result["idle"]})
    subprocess.run([build.PYTHON, build.ROOT / "scripts/benches/servers/plots.py", name, figures, PLOTS], check=True)
    print(f"written: {PAGE.relative_to(build.ROOT)} and its plots")
