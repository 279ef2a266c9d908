//! Header fields: the core's own list, since the `http` crate needs `std`.

use super::misuse::MisuseError;
use super::token::{ListMembers, is_token, trim_ows};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// An ordered list of header fields; names compare without regard to case, and one name may stand
/// in it many times.
///
/// Whatever is in the list can be written to the wire: names are tokens, and values hold no CR, LF,
/// NUL or other control character (RFC 9110, sections 5.1 and 5.5), so that no field can smuggle in
/// another one. Values are bytes: what is not UTF-8 is kept and passed on.
///
/// ```
/// # use longwire_proto::handshake::Headers;
/// let mut headers = Headers::new();
/// headers.append("Set-Cookie", "a=1")?;
/// headers.append("set-cookie", "b=2")?;
/// assert_eq!(headers.get("SET-COOKIE"), Some("a=1"));
/// assert_eq!(headers.get_all("Set-Cookie").count(), 2);
/// assert!(headers.append("X-Name", "value\r\nX-Other: injected").is_err());
/// # Ok::<(), longwire_proto::handshake::MisuseError>(())
/// ```
#[derive(Clone, Default)]
pub struct Headers {
    /// Names and values, one behind the other: two allocations hold a list of any length.
    text: Vec<u8>,
    fields: Vec<Field>,
}

/// Where a field lies in the text: its name up to `value`, and its value from there up to `end`.
#[derive(Clone, Copy)]
struct Field {
    name: usize,
    value: usize,
    end: usize,
}

impl Headers {
    /// An empty list. Allocates nothing.
    pub fn new() -> Headers {
        Headers::default()
    }

    /// An empty list with room for so many fields, of so many bytes in all.
    pub(super) fn with_room(fields: usize, text: usize) -> Headers {
        Headers {
            text: Vec::with_capacity(text),
            fields: Vec::with_capacity(fields),
        }
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Appends a field; whitespace around the value is dropped.
    ///
    /// # Errors
    /// [`MisuseError::InvalidHeaderName`] unless the name is a token,
    /// [`MisuseError::InvalidHeaderValue`] when the value holds a control character other than a
    /// tab. The list is then as it was.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), MisuseError> {
        let value = value.as_ref();
        if !is_token(name.as_bytes()) {
            return Err(MisuseError::InvalidHeaderName(name.to_owned()));
        }
        if !is_field_value(value) {
            return Err(MisuseError::InvalidHeaderValue(name.to_owned()));
        }
        self.push(name, value);
        Ok(())
    }

    /// Replaces all fields of this name by one.
    ///
    /// # Errors
    /// The same as [`append`](Headers::append).
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<(), MisuseError> {
        let others = self.fields.len();
        self.append(name, value)?;
        let new = self.fields.split_off(others);
        let text = &self.text;
        self.fields
            .retain(|field| !text[field.name..field.value].eq_ignore_ascii_case(name.as_bytes()));
        self.fields.extend(new);
        Ok(())
    }

    /// Appends a field that is known to be valid: a literal name with a value made here or checked
    /// before.
    pub(super) fn push(&mut self, name: &str, value: impl AsRef<[u8]>) {
        let start = self.text.len();
        self.text.extend_from_slice(name.as_bytes());
        let middle = self.text.len();
        self.text.extend_from_slice(trim_ows(value.as_ref()));
        self.fields.push(Field {
            name: start,
            value: middle,
            end: self.text.len(),
        });
    }

    /// The first value of this name, if there is one and it is UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        let field = self
            .fields
            .iter()
            .find(|field| self.is_named(field, name))?;
        core::str::from_utf8(self.value(field)).ok()
    }

    /// Every value of this name, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let fields = self.fields.iter();
        fields
            .filter(|field| self.is_named(field, name))
            .map(|field| self.value(field))
    }

    /// Compares bytes: names need not be looked through for being text.
    fn is_named(&self, field: &Field, name: &str) -> bool {
        self.text[field.name..field.value].eq_ignore_ascii_case(name.as_bytes())
    }

    fn value(&self, field: &Field) -> &[u8] {
        &self.text[field.value..field.end]
    }

    /// Whether there is a field of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.get_all(name).next().is_some()
    }

    /// The only value of a field that may occur once, as text.
    pub(super) fn sole<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, NotSole> {
        let mut values = self.get_all(name);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(NotSole::Repeated);
        }
        core::str::from_utf8(value)
            .map(Some)
            .map_err(|_| NotSole::NotText)
    }

    /// The members of a comma-separated list, over all fields of this name (RFC 9110, sections 5.3
    /// and 5.6.1).
    ///
    /// Empty members are skipped; a comma in a quoted string does not part members.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).flat_map(ListMembers)
    }

    /// Whether the comma-separated list of this name has `token` among its members, in any case.
    pub fn list_contains(&self, name: &str, token: &str) -> bool {
        self.list(name)
            .any(|member| member.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// All fields, in order: names as they were spelled.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields.iter().map(|field| {
            // Names are tokens, which are ASCII: `append` saw to it.
            let name =
                core::str::from_utf8(&self.text[field.name..field.value]).unwrap_or_default();
            (name, &self.text[field.value..field.end])
        })
    }

    /// Writes the fields as they stand on the wire, one line each, without the empty line behind
    /// the last.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.text.len() + 4 * self.fields.len() + 2);
        for (name, value) in self.iter() {
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// Whether a value holds no control character but tabs. All of it is looked at, many bytes at a
/// time: nearly every value is valid.
fn is_field_value(value: &[u8]) -> bool {
    let is_valid = |byte: u8| (byte >= b' ' && byte != 0x7F) || byte == b'\t';
    let bytes = value.iter();
    bytes.fold(true, |valid, &byte| valid & is_valid(byte))
}

/// Why a field has no single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSole {
    Repeated,
    NotText,
}

impl PartialEq for Headers {
    /// Whether both lists hold the same fields in the same order, names in any case.
    fn eq(&self, other: &Headers) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|(a, b)| a.0.eq_ignore_ascii_case(b.0) && a.1 == b.1)
    }
}

impl Eq for Headers {}

/// Fields whose values are credentials; [`Headers`]' `Debug` hides them, since it ends up in logs.
const SECRET: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| {
                let secret = SECRET.iter().any(|each| each.eq_ignore_ascii_case(name));
                (
                    name,
                    if secret {
                        "(hidden)".into()
                    } else {
                        String::from_utf8_lossy(value)
                    },
                )
            }))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    fn headers(fields: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.append(name, value).unwrap();
        }
        headers
    }

    #[test]
    fn names_compare_without_case_and_keep_their_spelling() {
        let headers = headers(&[("Host", "a"), ("X-Y", "1"), ("x-y", "2")]);
        assert_eq!(headers.get("hOST"), Some("a"));
        assert_eq!(headers.get_all("X-y").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(headers.get("X"), None);
        assert!(headers.contains("host") && !headers.contains("hos"));
        let mut out = Vec::new();
        headers.write_to(&mut out);
        assert_eq!(out, b"Host: a\r\nX-Y: 1\r\nx-y: 2\r\n");
    }

    #[test]
    fn injection_is_refused_and_leaves_the_list_alone() {
        let mut headers = Headers::new();
        for value in [
            "a\r\nX: y",
            "a\nX: y",
            "a\rb",
            "\0",
            "\x7f",
            "\x1b[0m",
            "\r\n",
            "a\r\n\r\nGET / HTTP/1.1",
        ] {
            assert_eq!(
                headers.append("X", value),
                Err(MisuseError::InvalidHeaderValue("X".into())),
                "{value:?}"
            );
            assert_eq!(
                headers.set("X", value),
                Err(MisuseError::InvalidHeaderValue("X".into())),
                "{value:?}"
            );
        }
        for name in ["", "a b", "a:", "a\r\nb", "\u{e9}", "a\0"] {
            assert_eq!(
                headers.append(name, "v"),
                Err(MisuseError::InvalidHeaderName(name.into())),
                "{name:?}"
            );
        }
        assert!(headers.is_empty());
    }

    #[test]
    fn values_may_be_any_bytes_but_control_characters() {
        let mut headers = Headers::new();
        headers.append("X", b" \tcaf\xe9\ttab \t").unwrap();
        assert_eq!(headers.get_all("X").next(), Some(&b"caf\xe9\ttab"[..]));
        assert_eq!(headers.get("X"), None);
        assert_eq!(headers.sole("X"), Err(NotSole::NotText));
        headers.append("Y", "").unwrap();
        assert_eq!(headers.get("Y"), Some(""));
    }

    #[test]
    fn set_replaces_every_field_of_the_name() {
        let mut headers = headers(&[("a", "1"), ("b", "2"), ("A", "3")]);
        headers.set("A", "4").unwrap();
        assert_eq!(headers, self::headers(&[("B", "2"), ("a", "4")]));
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn a_sole_value_occurs_once() {
        let headers = headers(&[("a", "1"), ("b", "2"), ("A", "1")]);
        assert_eq!(headers.sole("b"), Ok(Some("2")));
        assert_eq!(headers.sole("c"), Ok(None));
        assert_eq!(headers.sole("a"), Err(NotSole::Repeated));
    }

    #[test]
    fn lists_run_over_all_fields_of_the_name() {
        let headers = headers(&[
            ("Connection", "keep-alive, "),
            ("Host", "x"),
            ("connection", ",UPGRADE"),
        ]);
        assert_eq!(
            headers.list("Connection").collect::<Vec<_>>(),
            [&b"keep-alive"[..], b"UPGRADE"]
        );
        assert!(headers.list_contains("Connection", "upgrade"));
        assert!(!headers.list_contains("Connection", "grade"));
    }

    #[test]
    fn debug_hides_credentials() {
        let headers = headers(&[
            ("Authorization", "Basic c2VjcmV0"),
            ("Cookie", "id=secret"),
            ("X", "shown"),
        ]);
        let text = format!("{headers:?}");
        assert!(
            text.contains("shown") && !text.contains("secret") && !text.contains("c2VjcmV0"),
            "{text}"
        );
    }
}
