//! Findings as one JSON document: what `truegate check --format json` prints, and what a reload is answered with.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Finding, Severity, error::Position};

/// What was found in a configuration. Its names are documented in docs/gateway.md.
#[derive(Serialize, Deserialize)]
pub(crate) struct FindingsReport {
    file: String,
    valid: bool,
    findings: Vec<FindingRecord>,
}

#[derive(Serialize, Deserialize)]
struct FindingRecord {
    severity: String,
    file: String,
    line: Option<usize>,
    column: Option<usize>,
    key: String,
    message: String,
    advice: Option<String>,
}

impl FindingsReport {
    /// The report of what was found in a file.
    pub(crate) fn new(file: &Path, findings: &[Finding]) -> Self {
        let file = file.to_string_lossy();
        let valid = findings.iter().all(|finding| finding.severity == Severity::Warning);
        let record = |finding: &Finding| FindingRecord {
            severity: finding.severity.as_str().to_owned(),
            file: file.clone().into_owned(),
            line: finding.position.map(|position| position.line),
            column: finding.position.map(|position| position.column),
            key: finding.key.clone(),
            message: finding.message.clone(),
            advice: finding.advice.clone(),
        };
        Self { findings: findings.iter().map(record).collect(), valid, file: file.into_owned() }
    }

    /// The file, as the program names it that has read it.
    pub(crate) fn file(&self) -> &Path {
        Path::new(&self.file)
    }

    /// What was found.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let finding = |record: &FindingRecord| {
            let FindingRecord { severity, line, column, key, message, advice, .. } = record;
            Finding {
                severity: if severity == Severity::Warning.as_str() { Severity::Warning } else { Severity::Error },
                position: line.zip(*column).map(|(line, column)| Position { line, column }),
                key: key.clone(),
                message: message.clone(),
                advice: advice.clone(),
            }
        };
        self.findings.iter().map(finding).collect()
    }
}
