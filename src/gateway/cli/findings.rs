//! What `truegate check` finds, in the form that its reader wants: lines for editors, source lines for people, JSON for scripts.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::builder::styling::{AnsiColor, Style};

use crate::gateway::config::{Finding, FindingsReport, Severity, SourceLines};

/// Writes one line for each finding, which begins with its place, as editors read it.
pub(super) fn write_lines(out: &mut impl Write, file: &Path, findings: &[Finding]) -> io::Result<()> {
    findings.iter().try_for_each(|finding| match finding.severity {
        Severity::Error => writeln!(out, "{}", finding.line(file)),
        Severity::Warning => writeln!(out, "{}: warning: {}", finding.place(file), finding.text()),
    })
}

/// Writes each finding with the line that it is in, and marks the place.
pub(super) fn write_text(
    out: &mut impl Write,
    file: &Path,
    findings: &[Finding],
    lines: &SourceLines<'_>,
) -> io::Result<()> {
    for finding in findings {
        let color = if finding.severity == Severity::Error { AnsiColor::Red } else { AnsiColor::Yellow };
        let (mark, plain) = (color.on_default().bold(), Style::new().dimmed());
        writeln!(out, "{mark}{}{mark:#}: {}", finding.severity.as_str(), finding.line(file))?;
        let Some(shown) = finding.position.and_then(|place| lines.show(place)) else { continue };
        let gutter = shown.number.to_string().len();
        writeln!(out, "{plain}{:gutter$} |{plain:#}", "")?;
        writeln!(out, "{plain}{} |{plain:#} {}", shown.number, shown.text)?;
        let caret = "^".repeat(shown.length);
        writeln!(out, "{plain}{:gutter$} |{plain:#} {:start$}{mark}{caret}{mark:#}", "", "", start = shown.start)?;
    }
    Ok(())
}

/// Writes one JSON document.
pub(super) fn write_json(out: &mut impl Write, file: &Path, findings: &[Finding]) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &FindingsReport::new(file, findings))?;
    writeln!(out)
}
