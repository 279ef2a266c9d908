//! yawc, behind hyper. It validates text only where told, as it is here: the
//! other libraries do. Its limits are too low for messages of a megabyte.

use std::convert::Infallible;
use std::future::Future;

use futures_util::StreamExt as _;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use yawc::{DeflatePool, Frame, HttpWebSocket, OpCode, Options};

use crate::listen::{Stream, serve_tcp};
use crate::tls::serve_tls;
use crate::{Result, sink};

/// The longest message.
const MESSAGE: usize = 64 << 20;

/// How many compressors wait for work: more than one thread needs.
const POOL: usize = 64;

pub(crate) fn echo() -> Result {
    serve_tcp(|stream| serve(stream, options(), one_by_one))
}

/// With permessage-deflate as its documentation has it for many connections, but
/// for the threshold.
pub(crate) fn echo_deflate() -> Result {
    let options = options()
        .with_low_latency_compression()
        .server_no_context_takeover()
        .client_no_context_takeover()
        .with_deflate_pool(DeflatePool::new(POOL));
    serve_tcp(move |stream| serve(stream, options.clone(), one_by_one))
}

pub(crate) fn echo_tls() -> Result {
    serve_tls(|stream| serve(stream, options(), one_by_one))
}

pub(crate) fn echo_batching() -> Result {
    serve_tcp(|stream| {
        serve(stream, options(), |ws| {
            sink::echo_batching(ws.map(Ok::<_, Infallible>), is_data)
        })
    })
}

fn one_by_one(ws: HttpWebSocket) -> impl Future<Output = Result> + Send {
    sink::echo(ws.map(Ok::<_, Infallible>), is_data)
}

fn options() -> Options {
    Options::default()
        .with_utf8()
        .with_limits(MESSAGE, 2 * MESSAGE)
}

async fn serve<F>(stream: impl Stream, options: Options, echo: fn(HttpWebSocket) -> F) -> Result
where
    F: Future<Output = Result> + Send + 'static,
{
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let options = options.clone();
        async move {
            let (response, upgraded) = HttpWebSocket::upgrade_with_options(&mut request, options)?;
            tokio::spawn(async move {
                if let Ok(ws) = upgraded.await {
                    drop(echo(ws).await);
                }
            });
            Ok::<_, yawc::WebSocketError>(response)
        }
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
