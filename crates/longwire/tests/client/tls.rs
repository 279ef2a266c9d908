//! `wss://`: whom the client trusts, whom it does not, and what it says then.

use crate::support::{next_text, read_head, serve, serve_bytes, switching, tell_head};
use longwire::{
    ConnectError, Connector,
    tls::{
        ClientTls, Roots, TlsError, TlsErrorKind,
        rustls::{
            ClientConfig, ProtocolVersion, RootCertStore, ServerConfig, SupportedProtocolVersion,
            crypto::ring,
            pki_types::{CertificateDer, PrivateKeyDer},
            server::WebPkiClientVerifier,
            version::{TLS12, TLS13},
        },
    },
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    authority_of("Test Authority")
}

fn authority_of(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// A certificate and its key, as PEM.
fn issue(authority: &Authority, params: &CertificateParams) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// Which clients a server of these tests lets in.
enum Clients {
    All,
    WithCertificateOf(CertificateDer<'static>),
}

fn acceptor(
    authority: &Authority,
    params: &CertificateParams,
    clients: Clients,
    versions: &[&'static SupportedProtocolVersion],
) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        Clients::All => builder.with_no_client_auth(),
        Clients::WithCertificateOf(root) => {
            let mut roots = RootCertStore::empty();
            roots.add(root).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Arc::new(config).into()
}

async fn serve_tls(acceptor: TlsAcceptor) -> SocketAddr {
    serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            // A client that is not content goes away.
            if let Ok(stream) = acceptor.accept(stream).await {
                tell_head(stream, "").await;
            }
        }
    })
    .await
}

/// A server with such a certificate, and its URL by that name.
async fn server(authority: &Authority, params: &CertificateParams) -> String {
    let acceptor = acceptor(authority, params, Clients::All, &[&TLS13, &TLS12]);
    let address = serve_tls(acceptor).await;
    format!("wss://server.example:{}", address.port())
}

fn connector(tls: ClientTls) -> Connector {
    let localhost = [Ipv4Addr::LOCALHOST.into()];
    Connector::builder()
        .resolve("server.example", localhost)
        .tls(tls)
        .build()
        .unwrap()
}

fn trusting(authority: &Authority) -> ClientTls {
    ClientTls::new()
        .roots(Roots::None)
        .root_pem(authority.pem())
        .unwrap()
}

async fn error_of(tls: ClientTls, url: &str) -> TlsError {
    match connector(tls).connect(url).await {
        Err(ConnectError::Tls { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_root_of_ones_own() {
    let authority = authority();
    let url = server(&authority, &certificate_for("server.example")).await;
    let mut websocket = connector(trusting(&authority)).connect(&url).await.unwrap();
    let head = next_text(&mut websocket).await;
    assert!(head.contains(&url.replace("wss://", "Host: ")), "{head}");
}

#[cfg(feature = "proxy")]
#[tokio::test]
async fn a_proxy_sees_nothing_of_it() {
    use crate::proxies::{http_proxy, socks5_proxy};
    use longwire::client::Proxy;

    let authority = authority();
    let url = server(&authority, &certificate_for("server.example")).await;
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (http, _) = http_proxy(server).await;
    let (socks5, _) = socks5_proxy(server, None).await;
    for proxy in [format!("http://{http}"), format!("socks5://{socks5}")] {
        let connector = Connector::builder()
            .proxy(Proxy::parse(&proxy).unwrap())
            .tls(trusting(&authority))
            .build()
            .unwrap();
        let mut websocket = connector.connect(&url).await.unwrap();
        let head = next_text(&mut websocket).await;
        assert!(head.contains("Host: server.example:"), "{head}");
    }
}

#[cfg(feature = "proxy")]
#[tokio::test]
async fn each_step_through_a_proxy_is_told() {
    use crate::proxies::http_proxy;
    use longwire::client::{DialEvent, Proxy};

    let authority = authority();
    let url = server(&authority, &certificate_for("server.example")).await;
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let (address, _) = http_proxy(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
    let connector = Connector::builder()
        .proxy(Proxy::parse(&format!("http://{address}")).unwrap())
        .tls(trusting(&authority))
        .build()
        .unwrap();
    let mut told = Vec::new();
    let observe = |event: DialEvent<'_>| told.push(format!("{event:?}"));
    connector.dial_observed(&url, observe).await.unwrap();
    let expected = [
        format!("Proxy(http://{address})"),
        format!("Resolved([{address}])"),
        format!("Attempt({address})"),
        format!("Connected({address})"),
        "Tunnelled".to_owned(),
        "Secured".to_owned(),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_was_agreed_on_is_shown() {
    let authority = authority();
    let url = server(&authority, &certificate_for("server.example")).await;
    let stream = connector(trusting(&authority)).dial(&url).await.unwrap();
    let state = stream.tls_state().unwrap();
    assert_eq!(state.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(state.peer_certificates().unwrap().len(), 1);
}

#[tokio::test]
async fn addresses_in_certificates() {
    let authority = authority();
    let acceptor = acceptor(
        &authority,
        &certificate_for("127.0.0.1"),
        Clients::All,
        &[&TLS12],
    );
    let address = serve_tls(acceptor).await;
    connector(trusting(&authority))
        .connect(format!("wss://{address}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_unknown_authority() {
    let url = server(&authority(), &certificate_for("server.example")).await;
    for roots in [Roots::System, Roots::WebPki] {
        let tls = ClientTls::new()
            .roots(roots)
            .root_pem(authority_of("Another").pem())
            .unwrap();
        let error = error_of(tls, &url).await;
        assert_eq!(error.kind(), TlsErrorKind::UnknownIssuer);
        assert_eq!(
            error.to_string(),
            "the server's certificate is signed by nobody who is trusted here; if it is \
             self-signed or your own authority's, add that to the roots"
        );
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn an_authority_that_was_made_anew() {
    let url = server(&authority(), &certificate_for("server.example")).await;
    let error = error_of(trusting(&authority()), &url).await;
    assert_eq!(error.kind(), TlsErrorKind::BadCertificate);
    assert!(
        error.to_string().ends_with("was your authority made anew?"),
        "{error}"
    );
}

#[tokio::test]
async fn another_name() {
    let authority = authority();
    let url = server(&authority, &certificate_for("other.example")).await;
    let error = error_of(trusting(&authority), &url).await;
    assert_eq!(error.kind(), TlsErrorKind::WrongName);
    assert_eq!(
        error.to_string(),
        "the server's certificate is not for \"server.example\" but for other.example"
    );
}

#[tokio::test]
async fn a_certificate_out_of_its_time() {
    let authority = authority();
    let mut params = certificate_for("server.example");
    params.not_before = rcgen::date_time_ymd(2001, 2, 3);
    params.not_after = rcgen::date_time_ymd(2004, 2, 29);
    let error = error_of(trusting(&authority), &server(&authority, &params).await).await;
    assert_eq!(error.kind(), TlsErrorKind::Expired);
    assert_eq!(
        error.to_string(),
        "the server's certificate expired on 2004-02-29"
    );

    params.not_before = rcgen::date_time_ymd(2999, 1, 1);
    params.not_after = rcgen::date_time_ymd(2999, 12, 31);
    let error = error_of(trusting(&authority), &server(&authority, &params).await).await;
    assert_eq!(error.kind(), TlsErrorKind::NotYetValid);
    assert!(
        error.to_string().contains("valid only from 2999-01-01"),
        "{error}"
    );
}

#[tokio::test]
async fn anything_goes_when_that_is_asked_for() {
    let mut params = certificate_for("other.example");
    params.not_after = rcgen::date_time_ymd(2004, 2, 29);
    for version in [&TLS12, &TLS13] {
        let acceptor = acceptor(&authority(), &params, Clients::All, &[version]);
        let address = serve_tls(acceptor).await;
        let tls = ClientTls::new().danger_accept_invalid_certificates();
        connector(tls)
            .connect(format!("wss://{address}"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn no_roots_at_all() {
    let authority = authority();
    let url = server(&authority, &certificate_for("server.example")).await;
    let error = error_of(ClientTls::new().roots(Roots::None), &url).await;
    assert_eq!(error.kind(), TlsErrorKind::Config);
    assert_eq!(
        error.to_string(),
        "there are no root certificates to check a server's by: none is given"
    );
}

#[tokio::test]
async fn a_whole_configuration() {
    let authority = authority();
    let url = server(&authority, &certificate_for("server.example")).await;
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = Connector::builder()
        .resolve("server.example", [Ipv4Addr::LOCALHOST.into()])
        .rustls(Arc::new(config))
        .build()
        .unwrap();
    let stream = connector.dial(&url).await.unwrap();
    let version = stream.tls_state().unwrap().protocol_version();
    assert_eq!(version, Some(ProtocolVersion::TLSv1_2));
    connector.handshake(&url, stream).await.unwrap();
}

#[tokio::test]
async fn client_certificates() {
    let (servers, clients, strangers) = (authority(), authority(), authority_of("Strangers"));
    let mut params = certificate_for("me");
    params
        .extended_key_usages
        .push(rcgen::ExtendedKeyUsagePurpose::ClientAuth);
    let (good, good_key) = issue(&clients, &params);
    let (bad, bad_key) = issue(&strangers, &params);
    for version in [&TLS12, &TLS13] {
        let only = Clients::WithCertificateOf(clients.der().clone());
        let acceptor = acceptor(
            &servers,
            &certificate_for("server.example"),
            only,
            &[version],
        );
        let url = format!("wss://server.example:{}", serve_tls(acceptor).await.port());

        let tls = trusting(&servers)
            .client_certificate_pem(&good, &good_key)
            .unwrap();
        connector(tls).connect(&url).await.unwrap();

        let tls = trusting(&servers)
            .client_certificate_pem(&bad, &bad_key)
            .unwrap();
        let error = error_of(tls, &url).await;
        assert_eq!(error.kind(), TlsErrorKind::CertificateRefused, "{error}");

        let error = error_of(trusting(&servers), &url).await;
        assert_eq!(error.kind(), TlsErrorKind::CertificateRequired, "{error}");
        assert_eq!(error.to_string(), "the server wants a client certificate");
    }
}

#[test]
fn unusable_certificates_are_found_at_once() {
    let authority = authority();
    let (certificate, key) = issue(&authority, &certificate_for("me"));
    let (_, other_key) = issue(&authority, &certificate_for("me"));
    let tls = ClientTls::new;
    for (result, expected) in [
        (
            tls().root_pem("no PEM"),
            "there is no certificate in the PEM text",
        ),
        (
            tls().root_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "the root certificate is none: not X.509, or not in DER",
        ),
        (
            tls().root_pem("-----BEGIN CERTIFICATE-----\nAAAA\n"),
            "the PEM text is broken",
        ),
        (
            tls().client_certificate_pem(&certificate, &certificate),
            "there is no private key in the PEM text",
        ),
        (
            tls().client_certificate_pem(&certificate, &other_key),
            "the client certificate and its key cannot be used: keys may not be consistent: \
             KeyMismatch",
        ),
        (
            tls().client_certificate_pem(&key, &key),
            "there is no certificate in the PEM text",
        ),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), TlsErrorKind::Config);
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn a_port_without_tls() {
    let bad_request = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let address = serve(move |mut stream| async move {
        // It has no empty line to wait for.
        stream.write_all(bad_request.as_bytes()).await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let tls = ClientTls::new().danger_accept_invalid_certificates();
    let error = error_of(tls, &format!("wss://{address}")).await;
    assert_eq!(error.kind(), TlsErrorKind::NotTls);
    assert_eq!(
        error.to_string(),
        "the server does not speak TLS on this port: use ws:// in place of wss://, or another port"
    );
}

#[tokio::test]
async fn a_server_that_hangs_up_in_tls() {
    let address = serve(|mut stream| async move {
        stream.read_u8().await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let tls = ClientTls::new().danger_accept_invalid_certificates();
    let error = error_of(tls, &format!("wss://{address}")).await;
    assert_eq!(error.kind(), TlsErrorKind::Closed);
    assert!(
        error.to_string().ends_with("is this its port for wss?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_redirect_out_of_tls_is_not_followed() {
    let authority = authority();
    let plain = serve_bytes("").await;
    let params = certificate_for("server.example");
    let acceptor = acceptor(&authority, &params, Clients::All, &[&TLS13]);
    let address = serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            read_head(&mut stream).await;
            let answer = format!("HTTP/1.1 301 Moved\r\nLocation: ws://{plain}/\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let connector = Connector::builder()
        .resolve("server.example", [Ipv4Addr::LOCALHOST.into()])
        .tls(trusting(&authority))
        .redirects(5)
        .build()
        .unwrap();
    let url = format!("wss://server.example:{}", address.port());
    let error = connector.connect(url).await.unwrap_err();
    assert!(
        matches!(error, ConnectError::InsecureRedirect(_)),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .ends_with("which has no TLS; it is not followed"),
        "{error}"
    );
}

#[tokio::test]
async fn frames_in_the_record_of_the_response_are_received() {
    let authority = authority();
    let params = certificate_for("server.example");
    let acceptor = acceptor(&authority, &params, Clients::All, &[&TLS13]);
    let address = serve(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let head = read_head(&mut stream).await;
            let mut record = switching(&head, "");
            record.extend(b"\x81\x05hello");
            stream.write_all(&record).await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    })
    .await;
    let url = format!("wss://server.example:{}", address.port());
    let mut websocket = connector(trusting(&authority)).connect(&url).await.unwrap();
    assert_eq!(next_text(&mut websocket).await, "hello");
}
