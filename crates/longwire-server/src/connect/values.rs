//! The values of options, as they are written on the command line.

use longwire::client::Proxy;
use std::time::Duration;

/// A header of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// How long to wait for answers once all of the input is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until nothing has come for so long.
    Silence(Duration),
    /// Until the server closes.
    Forever,
}

/// Which proxy to connect through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProxyChoice {
    None,
    Proxy(Proxy),
}

/// After how much silence to beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interval {
    None,
    Fixed(Duration),
    /// As long a silence as the path carries.
    Learned,
}

/// The URL of a proxy, or `none`.
pub(crate) fn proxy(text: &str) -> Result<ProxyChoice, String> {
    if text == "none" {
        return Ok(ProxyChoice::None);
    }
    let proxy = Proxy::parse(text);
    proxy
        .map(ProxyChoice::Proxy)
        .map_err(|error| error.to_string())
}

/// `Name: value`.
pub(crate) fn header(text: &str) -> Result<Header, String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header is written as 'Name: value'")?;
    Ok(Header {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
    })
}

/// A time in seconds, such as `5` or `0.5`.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        // Some clocks cannot hold a moment that is further away.
        .filter(|time| *time <= Duration::from_secs(100 * 365 * 24 * 60 * 60))
        .ok_or_else(|| "it takes a number of seconds, such as 5 or 0.5".to_owned())
}

/// Seconds, or `forever`.
pub(crate) fn patience(text: &str) -> Result<Patience, String> {
    if text == "forever" {
        return Ok(Patience::Forever);
    }
    seconds(text)
        .map(Patience::Silence)
        .map_err(|_| "it takes a number of seconds, such as 5 or 0.5, or forever".to_owned())
}

/// Seconds, also as `25s`, or `learned`, or `none`.
pub(crate) fn interval(text: &str) -> Result<Interval, String> {
    match text {
        "none" => return Ok(Interval::None),
        "learned" => return Ok(Interval::Learned),
        _ => {}
    }
    match seconds(text.strip_suffix('s').unwrap_or(text)) {
        Ok(Duration::ZERO) => Ok(Interval::None),
        Ok(interval) => Ok(Interval::Fixed(interval)),
        Err(_) => Err("it takes a time such as 25s, or learned, or none".to_owned()),
    }
}

/// A time in seconds, also as `90s`, `10m` or `1h`. Not zero.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, text.as_bytes().last()),
        None => (text, None),
    };
    let scale = match unit {
        Some(b'm') => 60,
        Some(b'h') => 60 * 60,
        _ => 1,
    };
    seconds(number)
        .ok()
        .and_then(|time| time.checked_mul(scale))
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "it takes a time, such as 90s, 10m or 1h".to_owned())
}

/// A number of bytes, also as `64K`, `16M` or `1G`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.find(|char: char| !char.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let shift = match unit.to_ascii_uppercase().as_str() {
        "" | "B" => Some(0),
        "K" | "KB" | "KIB" => Some(10),
        "M" | "MB" | "MIB" => Some(20),
        "G" | "GB" | "GIB" => Some(30),
        _ => None,
    };
    shift
        .zip(number.parse::<u64>().ok())
        .and_then(|(shift, number)| number.checked_mul(1 << shift))
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| "it takes a number of bytes, such as 65536, 64K or 16M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let parsed = header("X-Trace:  a:b ").unwrap();
        assert_eq!(parsed.name, "X-Trace");
        assert_eq!(parsed.value, "a:b");
        assert!(header("no colon").unwrap_err().contains("Name: value"));
    }

    #[test]
    fn times() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("0"), Ok(Duration::ZERO));
        for wrong in ["", "-1", "NaN", "inf", "1e300", "5s"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(patience("forever"), Ok(Patience::Forever));
        assert_eq!(patience("2"), Ok(Patience::Silence(Duration::from_secs(2))));
        assert!(patience("never").unwrap_err().contains("forever"));
    }

    #[test]
    fn intervals() {
        let fixed = |secs| Ok(Interval::Fixed(Duration::from_secs(secs)));
        assert_eq!(interval("25s"), fixed(25));
        assert_eq!(interval("25"), fixed(25));
        assert_eq!(interval("learned"), Ok(Interval::Learned));
        for none in ["none", "0", "0s"] {
            assert_eq!(interval(none), Ok(Interval::None));
        }
        for wrong in ["", "s", "25m", "-1s", "Learned"] {
            assert!(interval(wrong).unwrap_err().contains("learned"), "{wrong}");
        }
    }

    #[test]
    fn spans() {
        let secs = |secs| Ok(Duration::from_secs(secs));
        assert_eq!(span("90"), secs(90));
        assert_eq!(span("90s"), secs(90));
        assert_eq!(span("10m"), secs(600));
        assert_eq!(span("1.5h"), secs(5400));
        for wrong in ["", "m", "0", "0s", "-1s", "5d", "1e300h", "10m5s"] {
            assert!(span(wrong).unwrap_err().contains("10m"), "{wrong}");
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("65536"), Ok(65_536));
        assert_eq!(size("64k"), Ok(65_536));
        assert_eq!(size("16M"), Ok(16 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        for wrong in ["", "M", "0", "1.5M", "1T", "99999999999G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
