//! The sockets of listeners and of their clients: TCP, or Unix sockets in the file system.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::{AsRawFd, RawFd},
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    pin::pin,
    task::{Context, Poll, Waker},
};

use pingora_core::protocols::l4::{socket::SocketAddr as Peer, stream::Stream};
use tokio::net::{TcpSocket, UnixSocket};

use super::config::ListenAddress;

/// A socket that is bound and listens.
pub(super) enum ListeningSocket {
    Tcp(TcpListener),
    /// The file is removed first: as long as the socket is open, no other gateway can take its place.
    Unix(SocketFile, UnixListener),
}

impl ListeningSocket {
    /// Binds the socket, and returns its address with the port that the system chose for port 0. It needs a tokio runtime.
    pub(super) fn bind(address: &ListenAddress) -> io::Result<(Self, ListenAddress)> {
        match address {
            ListenAddress::Tcp(address) => {
                let (socket, address) = bind_tcp(*address)?;
                Ok((Self::Tcp(socket), ListenAddress::Tcp(address)))
            }
            ListenAddress::Unix { path, mode } => {
                let (file, socket) = bind_unix(path, *mode)?;
                Ok((Self::Unix(file, socket), address.clone()))
            }
        }
    }

    /// Takes a connection that has come already.
    pub(super) fn accept_now(&self) -> io::Result<ClientSocket> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok(ClientSocket::Tcp(socket, peer))
            }
            Self::Unix(_, listener) => {
                let (socket, _) = listener.accept()?;
                socket.set_nonblocking(true)?;
                Ok(ClientSocket::Unix(socket))
            }
        }
    }

    /// The socket for tokio.
    pub(super) fn into_tokio(self) -> io::Result<AcceptingSocket> {
        Ok(match self {
            Self::Tcp(socket) => AcceptingSocket::Tcp(tokio::net::TcpListener::from_std(socket)?),
            Self::Unix(file, socket) => AcceptingSocket::Unix(file, tokio::net::UnixListener::from_std(socket)?),
        })
    }
}

/// Binds a socket for TCP, and returns its address. It needs a tokio runtime.
pub(super) fn bind_tcp(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let socket = socket.listen(BACKLOG)?.into_std()?;
    let address = socket.local_addr()?;
    Ok((socket, address))
}

/// Binds a Unix socket with the permissions of `mode`. The file of a gateway that was killed is replaced.
///
/// # Errors
///
/// When somebody listens there, or when a file is there that is no socket.
fn bind_unix(path: &Path, mode: u32) -> io::Result<(SocketFile, UnixListener)> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file is there that is no socket"));
        }
        Ok(_) if is_stale(path) => fs::remove_file(path)?,
        Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = SocketFile::of(path)?;
    // Until it listens, it refuses everyone, so nobody comes before the permissions are set.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok((file, socket.listen(BACKLOG)?.into_std()?))
}

/// Whether nobody listens on a socket. It is asked once and waits for nothing: the queue of a busy gateway may be full.
fn is_stale(path: &Path) -> bool {
    let asked = pin!(tokio::net::UnixStream::connect(path)).poll(&mut Context::from_waker(Waker::noop()));
    matches!(asked, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused)
}

/// The file of a Unix socket that is open. It is removed when this is dropped, unless another file has taken its place.
pub(super) struct SocketFile {
    path: PathBuf,
    /// The device and the inode, which no other file has while the socket is open.
    id: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), id: id(path)? })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if id(&self.path).is_ok_and(|found| found == self.id) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn id(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// A socket that accepts connections.
pub(super) enum AcceptingSocket {
    Tcp(tokio::net::TcpListener),
    /// The file is removed first, as above.
    Unix(SocketFile, tokio::net::UnixListener),
}

impl AcceptingSocket {
    /// Waits for a connection. The socket of the client leaves the runtime of this thread.
    pub(super) async fn accept(&self) -> io::Result<ClientSocket> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok(ClientSocket::Tcp(socket.into_std()?, peer))
            }
            Self::Unix(_, listener) => Ok(ClientSocket::Unix(listener.accept().await?.0.into_std()?)),
        }
    }

    /// The socket without the runtime of this thread, so that it knows of each connection as soon as the system does.
    pub(super) fn into_std(self) -> io::Result<ListeningSocket> {
        Ok(match self {
            Self::Tcp(listener) => ListeningSocket::Tcp(listener.into_std()?),
            Self::Unix(file, listener) => ListeningSocket::Unix(file, listener.into_std()?),
        })
    }
}

/// A socket of a client, which does not block and is in no runtime.
pub(super) enum ClientSocket {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl ClientSocket {
    /// The socket in the runtime of this thread. A client may be gone by now, and its socket with it.
    pub(super) fn register(self) -> io::Result<RegisteredSocket> {
        match self {
            Self::Tcp(socket, peer) => {
                socket.set_nodelay(true)?;
                Ok(RegisteredSocket::Tcp(tokio::net::TcpStream::from_std(socket)?, peer))
            }
            Self::Unix(socket) => Ok(RegisteredSocket::Unix(tokio::net::UnixStream::from_std(socket)?)),
        }
    }
}

/// A socket of a client in the runtime of a thread.
pub(super) enum RegisteredSocket {
    Tcp(tokio::net::TcpStream, SocketAddr),
    Unix(tokio::net::UnixStream),
}

impl RegisteredSocket {
    /// Who is at the other end. The client of a Unix socket has no name; none if it is gone.
    pub(super) fn peer(&self) -> Option<Peer> {
        match self {
            Self::Tcp(_, peer) => Some(Peer::Inet(*peer)),
            Self::Unix(socket) => Some(Peer::Unix(socket.peer_addr().ok()?.into())),
        }
    }

    /// Waits until the client has sent something, or is gone. A socket that is broken fails again when it is read.
    pub(super) async fn readable(&self) {
        let _ = match self {
            Self::Tcp(socket, _) => socket.readable().await,
            Self::Unix(socket) => socket.readable().await,
        };
    }

    /// The socket for pingora, and its descriptor.
    pub(super) fn into_stream(self) -> (Stream, RawFd) {
        match self {
            Self::Tcp(socket, _) => {
                let descriptor = socket.as_raw_fd();
                (socket.into(), descriptor)
            }
            Self::Unix(socket) => {
                let descriptor = socket.as_raw_fd();
                (socket.into(), descriptor)
            }
        }
    }
}

/// How many connections may wait to be accepted, if the system allows as many.
pub(super) const BACKLOG: u32 = 65_535;

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_replaced_and_anything_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [stale, live, file] = ["stale", "live", "file"].map(|name| folder.path().join(name));
        drop(UnixListener::bind(&stale).unwrap());
        let _listener = UnixListener::bind(&live).unwrap();
        fs::write(&file, "precious").unwrap();

        let bound = bind_unix(&stale, 0o640).unwrap();
        assert_eq!(fs::metadata(&stale).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(bind_unix(&live, 0o660).err().unwrap().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(bind_unix(&file, 0o660).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        assert!(bind_unix(&folder.path().join("none/socket"), 0o660).is_err());

        drop(bound);
        assert!(!stale.exists(), "it is removed at the end");
    }

    #[tokio::test]
    async fn the_socket_of_a_gateway_that_came_later_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = bind_unix(&path, 0o660).unwrap();
        fs::remove_file(&path).unwrap();
        let second = bind_unix(&path, 0o660).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).is_ok());
        drop(second);
        assert!(!path.exists());
    }
}
