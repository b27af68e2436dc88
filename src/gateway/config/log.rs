//! `log`: the program's own log, the access log and the audit log.

use std::path::{Path, PathBuf};

use tracing::level_filters::LevelFilter;

use super::{
    ConfigPlace,
    listen_address::{UNIX, read_socket_path},
    reader::{Item, Scalar, Section, Shape, ValueParser},
    value,
};
use crate::session::Secret;

/// How the program logs.
pub(crate) struct LogConfig {
    /// The least severe level that is logged.
    pub(crate) level: LevelFilter,
    /// The form of a line.
    pub(crate) format: LogFormat,
    /// The log of requests; none by default.
    pub(crate) access: Option<AccessLogConfig>,
    /// The log of logins, logouts and attacks; none by default.
    pub(crate) audit: Option<AuditLogConfig>,
    /// The key for the names of users; none if each start makes its own.
    pub(crate) user_key: Option<Secret>,
}

/// The form of a line of the program's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// Text for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The log with one line for each request.
pub(crate) struct AccessLogConfig {
    /// Where the lines go.
    pub(crate) to: LogDestination,
    /// The form of a line.
    pub(crate) format: LineFormat,
    /// What a line tells of the path.
    pub(crate) path: PathMode,
}

/// The log with one line for each login, logout, refusal and attack, and for each reload.
pub(crate) struct AuditLogConfig {
    /// Where the lines go.
    pub(crate) to: LogDestination,
}

/// Where the lines of a log go.
#[derive(Debug, Clone)]
pub(crate) enum LogDestination {
    /// The standard error.
    Stderr,
    /// A file, and where the configuration names it.
    File(PathBuf, ConfigPlace),
    /// A Unix datagram socket.
    Socket(PathBuf),
}

/// The form of a line of a log of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineFormat {
    /// Fields as `key=value`.
    Text,
    /// A JSON object.
    Json,
}

/// What the access log tells of a request's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathMode {
    /// Nothing.
    None,
    /// The path of the rule that matched.
    Rule,
    /// The path as it came, without the query.
    Full,
}

impl LogConfig {
    /// Reads the section. Use what it returns only if no mistake was reported.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let levels = [
            ("off", LevelFilter::OFF),
            ("error", LevelFilter::ERROR),
            ("warn", LevelFilter::WARN),
            ("info", LevelFilter::INFO),
            ("debug", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
        ];
        let user_key = value::text(Secret::parse, "make one with `truegate keys secret`");
        let formats = [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
        Self {
            level: section.read_or("level", LevelFilter::INFO, &value::choice(levels)),
            format: section.read_or("format", LogFormat::Auto, &value::choice(formats)),
            access: section.take("access").and_then(|item| item.section(AccessLogConfig::read)),
            audit: section.take("audit").and_then(|item| item.section(AuditLogConfig::read)),
            user_key: section.read("user_key", &user_key.secret()),
        }
    }
}

impl AccessLogConfig {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let to = LogDestination::read_or_stderr(section);
        let formats = [("text", LineFormat::Text), ("json", LineFormat::Json)];
        let modes = [("none", PathMode::None), ("rule", PathMode::Rule), ("full", PathMode::Full)];
        let format = section.read_or("format", LineFormat::Json, &value::choice(formats));
        let path = section.read_or("path", PathMode::Rule, &value::choice(modes));
        Some(Self { to: to?, format, path })
    }
}

impl AuditLogConfig {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        LogDestination::read_or_stderr(section).map(|to| Self { to })
    }
}

impl LogDestination {
    fn read_or_stderr(section: &mut Section<'_>) -> Option<Self> {
        section.note_default("to", "stderr");
        section.take("to").map_or(Some(Self::Stderr), Self::read)
    }

    /// Reads `stderr`, the path of a file, or `unix:` with the path of a socket. It opens none of them, and makes no file.
    fn read(item: Item<'_>) -> Option<Self> {
        match item.parse(&ValueParser::new(DESTINATION, kind).open())? {
            Kind::Stderr => Some(Self::Stderr),
            Kind::Socket => read_socket_path(item, ADVICE).map(Self::Socket),
            Kind::File => {
                let path = item.path()?;
                if path.is_dir() || path.file_name().is_none() {
                    item.complain(format!("is a folder ({ADVICE})"));
                    return None;
                }
                if !path.parent().is_some_and(is_folder) {
                    item.complain("is in a place that is not a folder (make the folder, or write another path)");
                    return None;
                }
                Some(Self::File(path, item.config_place()))
            }
        }
    }

    /// Whether both are the same, wherever the configurations name them.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stderr, Self::Stderr) => true,
            (Self::File(one, _), Self::File(other, _)) | (Self::Socket(one), Self::Socket(other)) => one == other,
            _ => false,
        }
    }
}

enum Kind {
    Stderr,
    File,
    Socket,
}

/// A lone word is more likely meant as another destination than as the name of a file.
fn kind(text: &Scalar) -> Result<Kind, String> {
    match &**text {
        "stderr" => Ok(Kind::Stderr),
        socket if socket.starts_with(UNIX) => Ok(Kind::Socket),
        file if file.contains(['/', '.']) => Ok(Kind::File),
        _ => Err(format!("not a known destination ({ADVICE})")),
    }
}

/// Whether a path leads to a folder. The empty one is the current folder.
fn is_folder(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.is_dir()
}

const DESTINATION: Shape =
    Shape::Pattern { pattern: "^stderr$|^unix:|[/.]", words: "stderr, a file, or unix: and the path of a socket" };
const ADVICE: &str =
    "write stderr, a file such as /var/log/truegate/access.log, or a socket such as unix:/run/logs.sock";
