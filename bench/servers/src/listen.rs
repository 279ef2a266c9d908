//! What the servers have in common that is none of their libraries' business.

use std::future::Future;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;

/// Where a server listens: the kernel chooses the port.
pub(crate) const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// What a connection is made of.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Says where the server is, for the one who started it.
pub(crate) fn announce(address: impl std::fmt::Display) {
    println!("{address}");
}

/// Runs a server on a runtime of one thread.
pub(crate) fn block_on(serve: impl Future<Output = Result>) -> Result {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve)
}

/// Serves each connection in a task of its own.
pub(crate) fn serve_tcp<F>(serve: impl Fn(TcpStream) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    block_on(async move {
        let listener = TcpListener::bind(ADDRESS).await?;
        announce(listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let serving = serve(stream);
            // How a connection ended is not what is measured.
            tokio::spawn(async move { drop(serving.await) });
        }
    })
}
