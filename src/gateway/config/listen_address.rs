//! Where a listener is: an IP address with a port, or a Unix socket.

use std::{fmt, net::SocketAddr, path::PathBuf};

use super::{
    reader::{Item, Scalar, Shape, ValueParser},
    value,
};

/// Where a listener is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    /// An IP address and a port; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket in the file system, with the permissions of its file.
    Unix { path: PathBuf, mode: u32 },
}

impl ListenAddress {
    /// The IP address and the port, if it has them.
    pub(crate) fn tcp(&self) -> Option<SocketAddr> {
        if let Self::Tcp(address) = self { Some(*address) } else { None }
    }

    /// Reads an address, and the permissions of a Unix socket if they are given.
    pub(super) fn read(item: Item<'_>, mode: Option<Item<'_>>) -> Option<Self> {
        let permissions = mode.map_or(Some(DEFAULT_MODE), |mode| mode.parse(&file_mode()));
        if item.text_if(SOCKET, |text| text.starts_with(UNIX)).is_none() {
            let address = item.parse(&value::address()).map(Self::Tcp);
            if let Some(mode) = mode.filter(|_| item.is_single()) {
                mode.complain_of_key(
                    "only used with a Unix socket (write address: unix:/run/truegate.sock, or remove the key)",
                );
            }
            return address;
        }
        let path = read_socket_path(item, "write unix:/run/truegate.sock")?;
        Some(Self::Unix { path, mode: permissions? })
    }

    /// Whether two listeners cannot be at these addresses together.
    pub(super) fn clashes_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(one), Self::Tcp(other)) => clash(*one, *other),
            (Self::Unix { path: one, .. }, Self::Unix { path: other, .. }) => one == other,
            _ => false,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { path, .. } => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl fmt::Debug for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the path of a Unix socket, which stands behind [`UNIX`].
pub(super) fn read_socket_path(item: Item<'_>, advice: &str) -> Option<PathBuf> {
    let path = item.path_after(UNIX)?;
    if path.file_name().is_none() {
        item.complain(format!("must name a file ({advice})"));
        return None;
    }
    if path.as_os_str().len() > LONGEST_PATH {
        item.complain(format!(
            "is longer than the {LONGEST_PATH} bytes of a Unix socket's path (use a shorter folder)"
        ));
        return None;
    }
    Some(path)
}

/// The permissions of a file, in octal digits.
fn file_mode() -> ValueParser<'static, u32> {
    let octal = Shape::Digits { pattern: "^0?[0-7]{3}$", words: "three octal digits" };
    ValueParser::new(octal, parse_mode).open()
}

fn parse_mode(text: &Scalar) -> Result<u32, &'static str> {
    let digits = text.strip_prefix('0').unwrap_or(text);
    let is_octal = digits.len() == 3 && digits.bytes().all(|byte| (b'0'..b'8').contains(&byte));
    let mode = is_octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten();
    mode.ok_or("not valid permissions (write three octal digits, such as 0660)")
}

fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = |one: SocketAddr, other: SocketAddr| one.ip().is_unspecified() && one.is_ipv4() == other.is_ipv4();
    let same = one.ip() == other.ip() || everywhere(one, other) || everywhere(other, one);
    same && one.port() == other.port() && one.port() != 0
}

/// What the address of a Unix socket looks like.
const SOCKET: Shape = Shape::Pattern { pattern: "^unix:.*[^/]$", words: "unix: and the path of a socket" };
/// How the address of a Unix socket starts.
pub(super) const UNIX: &str = "unix:";
/// For the user of the gateway and its group.
const DEFAULT_MODE: u32 = 0o660;
/// What Linux has room for, with a zero at the end.
const LONGEST_PATH: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_listened_on_once() {
        for (one, other, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "127.0.0.2:80", true),
            ("[::]:80", "[::1]:80", true),
            ("0.0.0.0:80", "[::]:80", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
        ] {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!((clash(one, other), clash(other, one)), (expected, expected), "{one} {other}");
        }
    }
}
