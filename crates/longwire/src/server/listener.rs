use super::Address;
use crate::io::Io;
use std::{io, time::Duration};
#[cfg(unix)]
use std::{os::unix::fs::FileTypeExt, path::Path, path::PathBuf};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::{
    net::{TcpListener, ToSocketAddrs},
    time::sleep,
};
use tracing::{info, warn};

/// A socket on which clients come in.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    local_addr: Address,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        unix: UnixListener,
        _file: Option<UnlinkOnDrop>,
    },
}

impl Listener {
    /// A TCP socket.
    ///
    /// # Errors
    /// Those of binding: that the port is in use, or needs privileges.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Listener> {
        TcpListener::bind(address).await?.try_into()
    }

    /// A Unix socket at this path. The file is removed when the listener is
    /// dropped; one that a killed server left behind is replaced.
    ///
    /// Who may connect is a matter of the permissions of the directory.
    ///
    /// # Errors
    /// Those of binding: that a server listens there already, or something that
    /// is no socket stands at the path.
    #[cfg(unix)]
    pub async fn unix(path: impl AsRef<Path>) -> io::Result<Listener> {
        let path = path.as_ref();
        let socket = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path).await => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)
            }
            bound => bound,
        }?;
        let file = UnlinkOnDrop(path.to_owned());
        Ok(Listener {
            socket: Socket::Unix {
                unix: socket,
                _file: Some(file),
            },
            local_addr: Address::Unix(Some(path.to_owned())),
        })
    }

    /// The sockets, TCP or Unix, that the process was started with: those of
    /// systemd's socket activation and of everything else that sets
    /// `LISTEN_FDS` and `LISTEN_PID`. None if there are none.
    ///
    /// To be called once, at the program's start: it removes these variables
    /// from the environment, so that child processes do not take them for
    /// theirs.
    ///
    /// # Errors
    /// If one of the descriptors is no such socket.
    #[cfg(unix)]
    pub fn inherited() -> io::Result<Vec<Listener>> {
        let mut fds = listenfd::ListenFd::from_env();
        let mut listeners = Vec::with_capacity(fds.len());
        for at in 0..fds.len() {
            listeners.push(if let Ok(Some(tcp)) = fds.take_tcp_listener(at) {
                tcp.set_nonblocking(true)?;
                TcpListener::from_std(tcp)?.try_into()?
            } else if let Ok(Some(unix)) = fds.take_unix_listener(at) {
                unix.set_nonblocking(true)?;
                UnixListener::from_std(unix)?.try_into()?
            } else {
                let number = at + 1;
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("number {number} of the descriptors that LISTEN_FDS hands over is no TCP or Unix stream socket"),
                ));
            });
        }
        Ok(listeners)
    }

    /// Where it listens: tells the port if it was bound to port 0.
    pub fn local_addr(&self) -> &Address {
        &self.local_addr
    }

    /// The next connection. Whatever goes wrong, it goes on trying.
    pub(super) async fn accept(&mut self) -> (Io, Option<Address>) {
        let mut pause = Pause::default();
        loop {
            match self.try_accept().await {
                Ok(accepted) => {
                    pause.end();
                    return accepted;
                }
                Err(error) if is_of_peer(&error) => {}
                Err(error) => pause.begin(&error).await,
            }
        }
    }

    async fn try_accept(&mut self) -> io::Result<(Io, Option<Address>)> {
        match &self.socket {
            Socket::Tcp(tcp) => {
                let (tcp, peer) = tcp.accept().await?;
                Ok((Io::Tcp(tcp), Some(Address::Tcp(peer))))
            }
            #[cfg(unix)]
            Socket::Unix { unix, .. } => {
                let (unix, peer) = unix.accept().await?;
                Ok((Io::new(unix), Some(Address::unix(&peer))))
            }
        }
    }
}

impl TryFrom<TcpListener> for Listener {
    type Error = io::Error;

    fn try_from(tcp: TcpListener) -> io::Result<Listener> {
        let local_addr = Address::Tcp(tcp.local_addr()?);
        Ok(Listener {
            socket: Socket::Tcp(tcp),
            local_addr,
        })
    }
}

#[cfg(unix)]
impl TryFrom<UnixListener> for Listener {
    type Error = io::Error;

    fn try_from(unix: UnixListener) -> io::Result<Listener> {
        let local_addr = Address::unix(&unix.local_addr()?);
        Ok(Listener {
            socket: Socket::Unix { unix, _file: None },
            local_addr,
        })
    }
}

/// Whether an error of accepting concerns only the connection that was to be
/// accepted: it went away while it waited.
fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Waits while the process or the system has no descriptor or memory for
/// another connection. Clients wait in the backlog meanwhile.
#[derive(Default)]
struct Pause {
    last: Option<Duration>,
}

impl Pause {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(500);

    async fn begin(&mut self, error: &io::Error) {
        let next = match self.last {
            None => {
                warn!(%error, "accepting pauses: no connection can be taken in");
                Self::FIRST
            }
            Some(last) => (2 * last).min(Self::LONGEST),
        };
        self.last = Some(next);
        sleep(next).await;
    }

    fn end(&self) {
        if self.last.is_some() {
            info!("accepting goes on");
        }
    }
}

/// Whether the file at `path` is a socket on which nobody listens.
#[cfg(unix)]
async fn is_stale(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .await
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(unix)]
#[derive(Debug)]
struct UnlinkOnDrop(PathBuf);

#[cfg(unix)]
impl Drop for UnlinkOnDrop {
    fn drop(&mut self) {
        // Somebody else may have removed it already.
        let _ = std::fs::remove_file(&self.0);
    }
}
