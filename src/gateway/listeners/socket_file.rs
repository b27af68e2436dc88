//! The files of Unix sockets.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    pin::pin,
    process,
    task::{Context, Poll, Waker},
};

use tokio::net::UnixSocket;

use super::sockets::BACKLOG;

/// The file of a Unix socket that is open. It is removed when this is dropped, unless another file has taken its place.
pub(in crate::gateway) struct SocketFile {
    path: PathBuf,
    /// The path of another socket, whose place it has yet to take.
    awaited: Option<PathBuf>,
    /// The device and the inode, which no other file has while the socket is open.
    id: (u64, u64),
}

/// What to do if a gateway listens at the path of a socket already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum Occupied {
    Refuse,
    /// The new socket is beside the path until [`SocketFile::take_place`].
    TakePlace,
}

impl SocketFile {
    /// Binds a socket with the permissions of `mode`. The file of a gateway that was killed is replaced. It needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// When another process listens at the path and must not be replaced, or when a file that is not a socket is there.
    pub(in crate::gateway) fn bind(path: &Path, mode: u32, occupied: Occupied) -> io::Result<(Self, UnixListener)> {
        match occupied {
            Occupied::Refuse => bind(path, mode),
            Occupied::TakePlace => {
                refuse_other_files(path)?;
                let (mut file, socket) = bind(&beside(path), mode)?;
                file.awaited = Some(path.to_owned());
                Ok((file, socket))
            }
        }
    }

    /// Moves the file to the path that it was bound for, unless it is there. Clients that come from now on come to this socket.
    pub(in crate::gateway) fn take_place(&mut self) -> io::Result<()> {
        if let Some(path) = self.awaited.take() {
            fs::rename(&self.path, &path)?;
            self.path = path;
        }
        Ok(())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if id(&self.path).is_ok_and(|found| found == self.id) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn bind(path: &Path, mode: u32) -> io::Result<(SocketFile, UnixListener)> {
    if refuse_other_files(path)? {
        if !is_stale(path) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        fs::remove_file(path)?;
    }
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = SocketFile { path: path.to_owned(), awaited: None, id: id(path)? };
    // Until it listens, it refuses everyone, so nobody comes before the permissions are set.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok((file, socket.listen(BACKLOG.into())?.into_std()?))
}

/// Whether a socket is at a path already; an error, if it is something else.
fn refuse_other_files(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file is there that is no socket")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether nobody listens on a socket. It is asked once and waits for nothing: the queue of a busy gateway may be full.
fn is_stale(path: &Path) -> bool {
    let asked = pin!(tokio::net::UnixStream::connect(path)).poll(&mut Context::from_waker(Waker::noop()));
    matches!(asked, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused)
}

/// A path that only this process uses, and that is at most eight bytes longer.
fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", process::id()));
    beside.into()
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
        let bind = |path: &Path, mode| SocketFile::bind(path, mode, Occupied::Refuse);

        let bound = bind(&stale, 0o640).unwrap();
        assert_eq!(fs::metadata(&stale).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(bind(&live, 0o660).err().unwrap().kind(), io::ErrorKind::AddrInUse);
        for occupied in [Occupied::Refuse, Occupied::TakePlace] {
            let refused = SocketFile::bind(&file, 0o660, occupied).err().unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
        assert!(bind(&folder.path().join("none/socket"), 0o660).is_err());

        drop(bound);
        assert!(!stale.exists(), "it is removed at the end");
    }

    #[tokio::test]
    async fn the_socket_of_a_gateway_that_came_later_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let first = SocketFile::bind(&path, 0o660, Occupied::Refuse).unwrap();
        fs::remove_file(&path).unwrap();
        let second = SocketFile::bind(&path, 0o660, Occupied::Refuse).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).is_ok());
        drop(second);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_takes_the_place_of_another_one_at_once_and_the_other_keeps_its_clients() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (old_file, old) = SocketFile::bind(&path, 0o660, Occupied::Refuse).unwrap();
        let (mut file, new) = SocketFile::bind(&path, 0o600, Occupied::TakePlace).unwrap();
        let _before = UnixStream::connect(&path).unwrap();
        file.take_place().unwrap();
        let _after = UnixStream::connect(&path).unwrap();
        for listener in [&old, &new] {
            listener.accept().unwrap();
            assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop((old_file, old));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop((file, new));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_socket_that_takes_no_place_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _first = SocketFile::bind(&path, 0o660, Occupied::Refuse).unwrap();
        drop(SocketFile::bind(&path, 0o660, Occupied::TakePlace).unwrap());
        assert!(UnixStream::connect(&path).is_ok());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
