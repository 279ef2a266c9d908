//! fastwebsockets, as its own example has it. It writes each frame at once, so
//! there is nothing to batch.

use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use crate::Result;
use crate::listen::{Stream, serve_tcp};
use crate::tls::serve_tls;

pub(crate) fn echo() -> Result {
    serve_tcp(serve)
}

pub(crate) fn echo_tls() -> Result {
    serve_tls(serve)
}

async fn serve(stream: impl Stream) -> Result {
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service_fn(answer))
        .with_upgrades()
        .await?;
    Ok(())
}

async fn answer(
    mut request: Request<Incoming>,
) -> std::result::Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade(&mut request)?;
    tokio::spawn(async move { drop(frames(upgraded).await) });
    Ok(response)
}

async fn frames(upgraded: UpgradeFut) -> Result {
    let mut ws = FragmentCollector::new(upgraded.await?);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            _ => {}
        }
    }
}
