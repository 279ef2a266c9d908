//! yawc, behind hyper. It validates text only where told, as it is here: the
//! other libraries do. Its limits are too low for messages of a megabyte.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;

use futures_util::StreamExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use yawc::{Frame, HttpWebSocket, OpCode, Options};

use crate::{Result, listen::serve_tcp, sink};

/// The longest message.
const MESSAGE: usize = 64 << 20;

pub(crate) fn echo(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| {
        serve(stream, |ws| {
            sink::echo(ws.map(Ok::<_, Infallible>), is_data)
        })
    })
}

pub(crate) fn echo_batching(address: SocketAddr) -> Result {
    serve_tcp(address, |stream: TcpStream| {
        serve(stream, |ws| {
            sink::echo_batching(ws.map(Ok::<_, Infallible>), is_data)
        })
    })
}

async fn serve<F>(stream: TcpStream, echo: fn(HttpWebSocket) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let answer = service_fn(move |mut request: Request<Incoming>| async move {
        let options = Options::default()
            .with_utf8()
            .with_limits(MESSAGE, 2 * MESSAGE);
        let (response, upgraded) = HttpWebSocket::upgrade_with_options(&mut request, options)?;
        tokio::spawn(async move {
            if let Ok(ws) = upgraded.await {
                drop(echo(ws).await);
            }
        });
        Ok::<_, yawc::WebSocketError>(response)
    });
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades()
        .await?;
    Ok(())
}

fn is_data(frame: &Frame) -> bool {
    matches!(frame.opcode(), OpCode::Text | OpCode::Binary)
}
