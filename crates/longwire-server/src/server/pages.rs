//! The pages, embedded in the program.

use super::HostPolicy;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{self, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use longwire::server::HttpConnection;
use std::{convert::Infallible, sync::Arc, time::Duration};

/// How long a browser may keep a connection open without asking for anything.
const IDLE: Duration = Duration::from_secs(30);

/// One file, with the type that it is served as.
struct Page {
    content_type: &'static str,
    body: &'static [u8],
}

macro_rules! pages {
    ($($name:literal)*) => {
        /// The page of this name under `/assets/`.
        fn asset(name: &str) -> Option<Page> {
            Some(match name {
                $($name => Page {
                    content_type: content_type($name),
                    body: include_bytes!(concat!("../../pages/", $name)),
                },)*
                _ => return None,
            })
        }

        #[cfg(test)]
        const NAMES: &[&str] = &[$($name),*];
    };
}

pages! {
    "avatar.js"
    "backoff.js"
    "base.css"
    "chat.js"
    "clipboard.js"
    "close-codes.js"
    "composer.css"
    "composer.js"
    "connection.js"
    "dom.js"
    "empty-view.js"
    "empty.css"
    "explain.js"
    "favicon.svg"
    "frame.css"
    "index.html"
    "lightbox.js"
    "line-view.js"
    "log-view.js"
    "log.css"
    "messages.js"
    "name-view.js"
    "names.js"
    "overlays.css"
    "people-view.js"
    "people.js"
    "pictures.js"
    "room.js"
    "rooms-view.js"
    "rooms.js"
    "status-view.js"
    "storage.js"
    "text.js"
    "timeline.js"
    "wire.js"
}

const fn content_type(name: &str) -> &'static str {
    match name.as_bytes() {
        [.., b'.', b'h', b't', b'm', b'l'] => "text/html; charset=utf-8",
        [.., b'.', b'c', b's', b's'] => "text/css; charset=utf-8",
        [.., b'.', b'j', b's'] => "text/javascript; charset=utf-8",
        [.., b'.', b's', b'v', b'g'] => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// Serves the pages on one connection.
pub(super) async fn serve(http: HttpConnection, hosts: Arc<HostPolicy>) {
    let service = service_fn(|request| {
        let response = respond(&request, &hosts);
        async move { Ok::<_, Infallible>(response) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(http.into_stream()), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "HTTP connection failed");
    }
}

fn respond(request: &Request<Incoming>, hosts: &HostPolicy) -> Response<Full<Bytes>> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    if let Err(text) = hosts.check(host) {
        return plain(StatusCode::FORBIDDEN, text);
    }
    if request.uri().path().starts_with("/channels/") {
        let text = "This is a channel. Open it as a WebSocket.\n";
        let mut response = plain(StatusCode::UPGRADE_REQUIRED, text);
        let upgrade = HeaderValue::from_static("websocket");
        response.headers_mut().insert(header::UPGRADE, upgrade);
        return response;
    }
    let Some(page) = find(request.uri().path()) else {
        return plain(
            StatusCode::NOT_FOUND,
            "There is nothing here. The chat is at /.\n",
        );
    };
    match *request.method() {
        Method::GET => page.response(page.body),
        Method::HEAD => page.response(&[]),
        _ => {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET is for pages.\n");
            let allow = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(header::ALLOW, allow);
            response
        }
    }
}

/// The page at a path: every room is the same page, which looks at its address.
fn find(path: &str) -> Option<Page> {
    match path.strip_prefix("/assets/") {
        Some(name) => asset(name),
        None if path == "/" || path.starts_with("/rooms/") => asset("index.html"),
        None => None,
    }
}

impl Page {
    fn response(&self, body: &'static [u8]) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from_static(body)));
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, self.content_type);
        // A new version of the program is a new page at once.
        set(header::CACHE_CONTROL, "no-cache");
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::REFERRER_POLICY, "no-referrer");
        set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' blob: data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        );
        response
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_embedded() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/pages");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| content_type(name) != "application/octet-stream")
            .collect();
        files.sort();
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn every_room_is_the_same_page() {
        for path in ["/", "/rooms/garden", "/assets/index.html"] {
            assert_eq!(find(path).unwrap().content_type, "text/html; charset=utf-8");
        }
        assert!(find("/assets/../Cargo.toml").is_none());
        assert!(find("/elsewhere").is_none());
    }
}
