use super::{Proxy, ProxyUrlError};
use hyper_util::client::proxy::matcher::Matcher;
use std::{env, sync::Arc};

/// What the environment says of proxies.
#[derive(Debug, Clone)]
pub(in crate::client) struct Environment {
    http: Option<Setting>,
    https: Option<Setting>,
    /// Intercepts what is not to be reached directly.
    rules: Arc<Matcher>,
}

/// A variable, and the proxy in it.
#[derive(Debug, Clone)]
struct Setting {
    variable: &'static str,
    proxy: Result<Proxy, ProxyUrlError>,
}

impl Environment {
    pub(in crate::client) fn read() -> Environment {
        Environment::of(|variable| env::var(variable).ok())
    }

    fn of(value: impl Fn(&str) -> Option<String>) -> Environment {
        let setting = |variables: &[&'static str]| {
            let set = variables.iter().find_map(|&variable| {
                let text = value(variable).filter(|text| !text.is_empty())?;
                Some((variable, text))
            });
            set.map(|(variable, text)| Setting {
                variable,
                proxy: Proxy::parse(&text),
            })
        };
        let all = setting(&["all_proxy", "ALL_PROXY"]);
        // Of a CGI program HTTP_PROXY is what the client sent as `Proxy:`.
        let http = match value("REQUEST_METHOD") {
            None => setting(&["http_proxy", "HTTP_PROXY"]),
            Some(_) => setting(&["http_proxy"]),
        };
        let no_proxy = value("no_proxy").or_else(|| value("NO_PROXY"));
        Environment {
            http: http.or_else(|| all.clone()),
            https: setting(&["https_proxy", "HTTPS_PROXY"]).or(all),
            // Only its exceptions are asked for; any proxy will do.
            rules: Arc::new(
                Matcher::builder()
                    .all("http://any")
                    .no(no_proxy.unwrap_or_default())
                    .build(),
            ),
        }
    }

    pub(super) fn proxy(&self, host: &str, secure: bool) -> Result<Option<Proxy>, ProxyUrlError> {
        let setting = if secure { &self.https } else { &self.http };
        let Some(setting) = setting.as_ref().filter(|_| self.is_proxied(host)) else {
            return Ok(None);
        };
        let named = |error| ProxyUrlError::Environment(setting.variable, Box::new(error));
        setting.proxy.clone().map(Some).map_err(named)
    }

    fn is_proxied(&self, host: &str) -> bool {
        let uri = format!("http://{host}/").parse();
        uri.is_ok_and(|uri| self.rules.intercept(&uri).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &'static [(&'static str, &'static str)]) -> Environment {
        Environment::of(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn proxy(environment: &Environment, host: &str, secure: bool) -> String {
        match environment.proxy(host, secure) {
            Ok(None) => "none".to_owned(),
            Ok(Some(proxy)) => proxy.to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_scheme_has_its_variable_and_lower_case_comes_first() {
        let set = environment(&[
            ("http_proxy", "http://lower:1"),
            ("HTTP_PROXY", "http://upper:1"),
            ("ALL_PROXY", "socks5://all:1"),
        ]);
        assert_eq!(proxy(&set, "a.example", false), "http://lower:1");
        assert_eq!(proxy(&set, "a.example", true), "socks5://all:1");
        let unset = environment(&[("https_proxy", "")]);
        assert_eq!(proxy(&unset, "a.example", true), "none");
    }

    #[test]
    fn exceptions_are_names_with_all_below_addresses_and_networks() {
        let set = environment(&[
            ("ALL_PROXY", "http://p:1"),
            ("NO_PROXY", "example.com, .test.example,10.0.0.0/8,::1"),
        ]);
        for direct in [
            "example.com",
            "a.example.com",
            "test.example",
            "10.2.3.4",
            "[::1]",
        ] {
            assert_eq!(proxy(&set, direct, false), "none", "{direct}");
        }
        for proxied in ["notexample.com", "11.0.0.1", "[::2]"] {
            assert_eq!(proxy(&set, proxied, true), "http://p:1", "{proxied}");
        }
        let none = environment(&[("ALL_PROXY", "http://p:1"), ("no_proxy", "*")]);
        assert_eq!(proxy(&none, "a.example", true), "none");
    }

    #[test]
    fn a_request_to_a_cgi_program_sets_no_proxy() {
        let cgi = environment(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")]);
        assert_eq!(proxy(&cgi, "a.example", false), "none");
    }

    #[test]
    fn a_bad_setting_is_named() {
        let set = environment(&[("HTTPS_PROXY", "gopher://p")]);
        let error = proxy(&set, "a.example", true);
        assert!(
            error.starts_with("HTTPS_PROXY: there is no gopher proxy"),
            "{error}"
        );
        assert_eq!(proxy(&set, "a.example", false), "none");
    }
}
