//! Extensions: as both peers negotiate them (RFC 6455, section 9), and as they change messages.
//!
//! [`Extension`] is what stands in the handshake. [`MessageExtension`] is what one does when it is
//! in use; [`PermessageDeflate`] is the one there is.

mod message;
mod permessage_deflate;

pub use message::{Coded, Compress, Decoded, MessageExtension, Piece};
pub use permessage_deflate::{
    Codecs, Deflate, DeflateConfig, DeflateParamError, DeflateSettings, Direction, Inflate,
    Inflated, InvalidDeflate, NoCodecs, PermessageDeflate,
};

use crate::handshake::token::{is_ows, is_tchar, is_token};
use crate::handshake::{Headers, MisuseError};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// An extension's name and parameters: one offer of a client, or what a server made of it.
///
/// Nothing here knows what the parameters mean; that is up to the extension.
///
/// ```
/// # use longwire_proto::extension::Extension;
/// let offer = Extension::new("permessage-deflate")?
///     .flag("client_max_window_bits")?
///     .param("server_max_window_bits", "10")?;
/// assert_eq!(
///     offer.to_string(),
///     "permessage-deflate; client_max_window_bits; server_max_window_bits=10"
/// );
/// # Ok::<(), longwire_proto::handshake::MisuseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    name: String,
    params: Vec<(String, Option<String>)>,
}

impl Extension {
    /// An extension without parameters.
    ///
    /// # Errors
    /// [`MisuseError::InvalidExtension`] unless the name is a token.
    pub fn new(name: &str) -> Result<Extension, MisuseError> {
        Ok(Extension {
            name: checked(name)?,
            params: Vec::new(),
        })
    }

    /// Adds a parameter with a value.
    ///
    /// # Errors
    /// [`MisuseError::InvalidExtension`] unless both are tokens.
    pub fn param(mut self, name: &str, value: &str) -> Result<Extension, MisuseError> {
        self.params.push((checked(name)?, Some(checked(value)?)));
        Ok(self)
    }

    /// Adds a parameter without a value.
    ///
    /// # Errors
    /// [`MisuseError::InvalidExtension`] unless the name is a token.
    pub fn flag(mut self, name: &str) -> Result<Extension, MisuseError> {
        self.params.push((checked(name)?, None));
        Ok(self)
    }

    /// An extension whose name is known to be a token.
    fn of_valid(name: &str) -> Extension {
        Extension {
            name: name.to_owned(),
            params: Vec::new(),
        }
    }

    /// Adds a parameter whose name is known to be a token.
    fn push_valid(&mut self, name: &str, value: Option<u8>) {
        let value = value.map(|value| value.to_string());
        self.params.push((name.to_owned(), value));
    }

    /// The name under which the extension is registered.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The parameters in their order, each with its value if it has one. A name may stand there
    /// more than once.
    pub fn params(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Every extension in the `Sec-WebSocket-Extensions` fields, in order.
    ///
    /// # Errors
    /// [`ExtensionListError`] if a field is not of the form of RFC 6455, section 9.1.
    pub fn parse_list(headers: &Headers) -> Result<Vec<Extension>, ExtensionListError> {
        let mut list = Vec::new();
        for value in headers.get_all("Sec-WebSocket-Extensions") {
            let mut parser = Parser { text: value, at: 0 };
            while parser.skip_to_member() {
                list.push(parser.extension()?);
            }
        }
        Ok(list)
    }
}

impl fmt::Display for Extension {
    /// As it stands in the header: values are tokens, so that none needs quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in self.params() {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

fn checked(text: &str) -> Result<String, MisuseError> {
    if !is_token(text.as_bytes()) {
        return Err(MisuseError::InvalidExtension(text.to_owned()));
    }
    Ok(text.to_owned())
}

/// What is wrong with a list of extensions that a peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionListError {
    /// How many bytes of the header's value were in order.
    pub at: usize,
    /// What should have stood there.
    pub expected: &'static str,
}

impl fmt::Display for ExtensionListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Sec-WebSocket-Extensions: expected {} at byte {}",
            self.expected, self.at
        )
    }
}

impl core::error::Error for ExtensionListError {}

/// Reads the grammar of RFC 6455, section 9.1, with optional whitespace where RFC 2616 implied it:
///
/// ```text
/// extension       = extension-token *( ";" extension-param )
/// extension-param = token [ "=" ( token | quoted-string ) ]
/// ```
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    /// Skips commas, as empty members count for nothing; says whether a member follows.
    fn skip_to_member(&mut self) -> bool {
        while self.eat(b',') {}
        self.at < self.text.len()
    }

    fn extension(&mut self) -> Result<Extension, ExtensionListError> {
        let mut extension = Extension {
            name: self.token("the name of an extension")?,
            params: Vec::new(),
        };
        while self.eat(b';') {
            let name = self.token("the name of a parameter")?;
            let value = if self.eat(b'=') {
                Some(self.value()?)
            } else {
                None
            };
            extension.params.push((name, value));
        }
        self.skip_ows();
        match self.peek() {
            None | Some(b',') => Ok(extension),
            Some(_) => Err(self.expected("`;`, `,` or the end")),
        }
    }

    fn value(&mut self) -> Result<String, ExtensionListError> {
        if self.eat(b'"') {
            self.quoted_token()
        } else {
            self.token("a value")
        }
    }

    fn token(&mut self, expected: &'static str) -> Result<String, ExtensionListError> {
        self.skip_ows();
        let mut token = String::new();
        while let Some(byte) = self.peek().filter(|&byte| is_tchar(byte)) {
            token.push(char::from(byte));
            self.at += 1;
        }
        if token.is_empty() {
            Err(self.expected(expected))
        } else {
            Ok(token)
        }
    }

    /// RFC 6455, section 9.1: "the value after quoted-string unescaping MUST conform to the 'token'
    /// ABNF".
    fn quoted_token(&mut self) -> Result<String, ExtensionListError> {
        let mut token = String::new();
        loop {
            if self.peek() == Some(b'\\') {
                self.at += 1;
            } else if self.peek() == Some(b'"') && !token.is_empty() {
                self.at += 1;
                return Ok(token);
            }
            match self.peek() {
                Some(byte) if is_tchar(byte) => token.push(char::from(byte)),
                _ => return Err(self.expected("a token in quotes")),
            }
            self.at += 1;
        }
    }

    /// Takes `byte` and the whitespace before it, if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        self.skip_ows();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_ows(&mut self) {
        while self.peek().is_some_and(is_ows) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expected(&self, expected: &'static str) -> ExtensionListError {
        ExtensionListError {
            at: self.at,
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str]) -> Result<Vec<Extension>, ExtensionListError> {
        let mut headers = Headers::new();
        for value in values {
            headers.append("sec-websocket-extensions", value).unwrap();
        }
        Extension::parse_list(&headers)
    }

    fn formatted(values: &[&str]) -> Vec<String> {
        parse(values)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_examples_of_rfc_6455_section_9_1() {
        assert_eq!(formatted(&["foo", "bar; baz=2"]), ["foo", "bar; baz=2"]);
        assert_eq!(formatted(&["foo, bar; baz=2"]), ["foo", "bar; baz=2"]);
        assert_eq!(formatted(&["deflate-stream"]), ["deflate-stream"]);
        assert_eq!(
            formatted(&["mux; max-channels=4; flow-control, deflate-stream"]),
            ["mux; max-channels=4; flow-control", "deflate-stream"]
        );
        assert_eq!(formatted(&["private-extension"]), ["private-extension"]);
    }

    #[test]
    fn quotes_are_taken_off() {
        assert_eq!(formatted(&[r#"a; b="10"; c="\x\y""#]), ["a; b=10; c=xy"]);
    }

    #[test]
    fn whitespace_and_empty_members_count_for_nothing() {
        assert_eq!(
            formatted(&[" ,, a ;b\t=\t1 ; c ,, d , "]),
            ["a; b=1; c", "d"]
        );
        assert_eq!(formatted(&["", " , "]), [""; 0]);
    }

    #[test]
    fn params_may_repeat_and_keep_their_order() {
        let list = parse(&["a; x=1; y; x=2"]).unwrap();
        let params: Vec<_> = list[0].params().collect();
        assert_eq!(params, [("x", Some("1")), ("y", None), ("x", Some("2"))]);
    }

    #[test]
    fn malformed_lists_say_where() {
        for (value, at, expected) in [
            ("a b", 2, "`;`, `,` or the end"),
            ("a;", 2, "the name of a parameter"),
            ("a;;b", 2, "the name of a parameter"),
            ("; a", 0, "the name of an extension"),
            ("a; =1", 3, "the name of a parameter"),
            ("a; b=", 5, "a value"),
            ("a; b=,", 5, "a value"),
            ("a; b=1=2", 6, "`;`, `,` or the end"),
            (r#"a; b="""#, 6, "a token in quotes"),
            (r#"a; b="1"#, 7, "a token in quotes"),
            (r#"a; b="1 2""#, 7, "a token in quotes"),
            (r#"a; b="1,2""#, 7, "a token in quotes"),
            (r#"a; b="\""#, 7, "a token in quotes"),
            (r#"a; b="1"2"#, 8, "`;`, `,` or the end"),
            (r#""a""#, 0, "the name of an extension"),
            ("a, \u{e9}", 3, "the name of an extension"),
        ] {
            assert_eq!(
                parse(&[value]),
                Err(ExtensionListError { at, expected }),
                "{value}"
            );
        }
    }

    #[test]
    fn only_tokens_can_be_sent() {
        let extension = Extension::new("a").unwrap();
        for bad in ["", "a b", "a;b", "a,b", "a\r\nb", "\"a\""] {
            let error = Err(MisuseError::InvalidExtension(bad.into()));
            assert_eq!(Extension::new(bad), error);
            assert_eq!(extension.clone().flag(bad), error);
            assert_eq!(extension.clone().param(bad, "1"), error);
            assert_eq!(extension.clone().param("b", bad), error);
        }
    }
}
