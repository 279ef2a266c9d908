//! Which host names requests may be for.

use std::net::IpAddr;

/// A web page can give its own name an address of loopback and so reach, as the
/// same host, a server that was thought to be out of its reach (DNS rebinding).
/// A server on loopback therefore answers only for names of loopback.
#[derive(Debug)]
pub(crate) enum HostPolicy {
    Any,
    LoopbackOr(Vec<String>),
}

impl HostPolicy {
    /// The policy of a server that listens on `ip`.
    pub(crate) fn new(ip: IpAddr, allowed: Vec<String>) -> HostPolicy {
        if ip.is_loopback() {
            HostPolicy::LoopbackOr(allowed)
        } else {
            HostPolicy::Any
        }
    }

    /// Checks the host of a request, which may have a port.
    ///
    /// # Errors
    /// What is wrong, and which setting would let it in.
    pub(crate) fn check(&self, host: &str) -> Result<(), String> {
        let HostPolicy::LoopbackOr(allowed) = self else {
            return Ok(());
        };
        let name = without_port(host);
        if is_loopback(name) || allowed.iter().any(|each| each.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        Err(format!(
            "This server listens on loopback and answers only for names of loopback, not for {}. \
             To let it, start it with --allow-host {0}.\n",
            name.escape_debug()
        ))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn is_loopback(name: &str) -> bool {
    let ip = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    if let Ok(ip) = ip.unwrap_or(name).parse::<IpAddr>() {
        return ip.is_loopback();
    }
    // RFC 6761 section 6.3: these names are always loopback.
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_loopback_reach_a_server_on_loopback() {
        let policy = HostPolicy::new([127, 0, 0, 1].into(), vec!["chat.example".into()]);
        for host in [
            "localhost:8080",
            "LOCALHOST",
            "a.localhost.",
            "127.0.0.1:80",
            "127.9.9.9",
            "[::1]:8080",
            "Chat.Example:443",
        ] {
            assert_eq!(policy.check(host), Ok(()), "{host}");
        }
        for host in [
            "evil.example:8080",
            "localhost.evil.example",
            "10.0.0.1",
            "[::2]:80",
            "",
            "127.0.0.1.evil.example",
        ] {
            let error = policy.check(host).unwrap_err();
            assert!(error.contains("--allow-host"), "{error}");
        }
    }

    #[test]
    fn a_server_on_a_network_answers_for_any_name() {
        assert_eq!(
            HostPolicy::new([0, 0, 0, 0].into(), vec![]).check("any.example"),
            Ok(())
        );
    }
}
