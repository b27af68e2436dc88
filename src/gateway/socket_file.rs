//! The files of Unix sockets.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    pin::pin,
    task::{Context, Poll, Waker},
};

use tokio::net::UnixSocket;

use super::sockets::BACKLOG;

/// Binds a Unix socket with the permissions of `mode`. The file of a gateway that was killed is replaced.
///
/// # Errors
///
/// When somebody listens there, or when a file is there that is no socket.
pub(super) fn bind(path: &Path, mode: u32) -> io::Result<(SocketFile, UnixListener)> {
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

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_replaced_and_anything_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [stale, live, file] = ["stale", "live", "file"].map(|name| folder.path().join(name));
        drop(UnixListener::bind(&stale).unwrap());
        let _listener = UnixListener::bind(&live).unwrap();
        fs::write(&file, "precious").unwrap();

        let bound = bind(&stale, 0o640).unwrap();
        assert_eq!(fs::metadata(&stale).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(bind(&live, 0o660).err().unwrap().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(bind(&file, 0o660).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        assert!(bind(&folder.path().join("none/socket"), 0o660).is_err());

        drop(bound);
        assert!(!stale.exists(), "it is removed at the end");
    }

    #[tokio::test]
    async fn the_socket_of_a_gateway_that_came_later_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = bind(&path, 0o660).unwrap();
        fs::remove_file(&path).unwrap();
        let second = bind(&path, 0o660).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).is_ok());
        drop(second);
        assert!(!path.exists());
    }
}
