use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

/// The name of a channel: 1 to 255 bytes of `A-Z a-z 0-9`, `- _ . ~ : @ + = ,`
/// and the characters beyond ASCII, but for control characters and white space.
///
/// Those of ASCII stand in the path of a URL as they are, the others
/// percent-encoded in UTF-8; none of them ends a path segment. Names are
/// compared byte by byte: who makes them of what people type should bring them
/// to one form (NFC). `.` and `..` are no names, because every URL parser
/// resolves them away. Cheap to clone.
///
/// ```
/// use longwire_hub::ChannelName;
/// assert_eq!(ChannelName::new("room:42").unwrap().as_str(), "room:42");
/// assert_eq!(
///     ChannelName::new("a/b").unwrap_err().to_string(),
///     "the channel name has '/' at byte 1; \
///      allowed are 1 to 255 bytes of letters, digits and - _ . ~ : @ + = ,",
/// );
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Checks `name`.
    ///
    /// # Errors
    /// When `name` is empty, too long, `.` or `..`, or has another character
    /// than those above.
    pub fn new(name: &str) -> Result<ChannelName, InvalidChannelName> {
        if name.is_empty() {
            return Err(InvalidChannelName::Empty);
        }
        if name.len() > ChannelName::MAX_LEN {
            return Err(InvalidChannelName::TooLong { len: name.len() });
        }
        if let Some((at, character)) = name.char_indices().find(|&(_, c)| !is_allowed(c)) {
            return Err(InvalidChannelName::Character { character, at });
        }
        if name == "." || name == ".." {
            return Err(InvalidChannelName::DotSegment);
        }
        Ok(ChannelName(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 3986 section 3.3 allows in a path segment, unescaped, the "unreserved"
/// characters, ':', '@' and the "sub-delims". Of the last only those are taken
/// that mean nothing to a shell, a quoted string or a pattern.
fn is_allowed(character: char) -> bool {
    if !character.is_ascii() {
        return !character.is_control() && !character.is_whitespace();
    }
    character.is_ascii_alphanumeric() || "-_.~:@+=,".contains(character)
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for ChannelName {
    type Err = InvalidChannelName;

    fn from_str(name: &str) -> Result<Self, InvalidChannelName> {
        ChannelName::new(name)
    }
}

impl TryFrom<&str> for ChannelName {
    type Error = InvalidChannelName;

    fn try_from(name: &str) -> Result<Self, InvalidChannelName> {
        ChannelName::new(name)
    }
}

impl AsRef<str> for ChannelName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a text is no [`ChannelName`]. The message says what is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidChannelName {
    /// There is nothing.
    Empty,
    /// More than [`ChannelName::MAX_LEN`] bytes.
    TooLong {
        /// How many there are.
        len: usize,
    },
    /// A character that a name cannot have.
    Character {
        /// The first such character.
        character: char,
        /// The byte at which it starts, from 0.
        at: usize,
    },
    /// `.` or `..`, which mean something else in a URL.
    DotSegment,
}

impl fmt::Display for InvalidChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidChannelName::Empty => f.write_str("the channel name is empty")?,
            InvalidChannelName::TooLong { len } => {
                write!(f, "the channel name has {len} bytes")?;
            }
            InvalidChannelName::Character { character, at } => {
                write!(f, "the channel name has {character:?} at byte {at}")?;
            }
            InvalidChannelName::DotSegment => {
                return f.write_str(
                    "the channel name cannot be \".\" or \"..\": a URL's path cannot end in them",
                );
            }
        }
        let max = ChannelName::MAX_LEN;
        write!(
            f,
            "; allowed are 1 to {max} bytes of letters, digits and - _ . ~ : @ + = ,"
        )
    }
}

impl std::error::Error for InvalidChannelName {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_every_allowed_character() {
        let all = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~:@+=,";
        assert_eq!(ChannelName::new(all).unwrap().as_str(), all);
        let taken: String = (0..=0x7f_u8)
            .map(char::from)
            .filter(|&c| ChannelName::new(&format!("x{c}")).is_ok())
            .collect();
        let mut expected: Vec<char> = all.chars().collect();
        expected.sort_unstable();
        assert_eq!(taken, expected.into_iter().collect::<String>());
    }

    #[test]
    fn takes_letters_of_any_script_and_emoji() {
        for name in ["café", "cafe\u{301}", "帖子", "नमस्ते", "🎉"] {
            assert_eq!(ChannelName::new(name).unwrap().as_str(), name);
        }
        for name in ["a\u{a0}b", "a\u{2028}b", "a\u{85}b"] {
            assert!(ChannelName::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn bounds_the_length() {
        assert_eq!(ChannelName::new(""), Err(InvalidChannelName::Empty));
        assert!(ChannelName::new("a").is_ok());
        assert!(ChannelName::new(&"a".repeat(255)).is_ok());
        assert_eq!(
            ChannelName::new(&"a".repeat(256)),
            Err(InvalidChannelName::TooLong { len: 256 })
        );
    }

    #[test]
    fn refuses_dot_segments_only_when_they_are_the_whole_name() {
        for name in [".", ".."] {
            assert_eq!(ChannelName::new(name), Err(InvalidChannelName::DotSegment));
        }
        for name in ["...", ".a", "a.", "a..b"] {
            assert!(ChannelName::new(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_is_allowed() {
        let error = |name: &str| ChannelName::new(name).unwrap_err().to_string();
        let allowed = "allowed are 1 to 255 bytes of letters, digits and - _ . ~ : @ + = ,";
        assert_eq!(error(""), format!("the channel name is empty; {allowed}"));
        assert_eq!(
            error("caf\u{e9}!"),
            format!("the channel name has '!' at byte 5; {allowed}")
        );
        assert_eq!(
            error(&"a".repeat(300)),
            format!("the channel name has 300 bytes; {allowed}")
        );
        assert!(error("..").contains("cannot be"));
    }

    proptest! {
        #[test]
        fn a_name_is_what_was_given(text in any::<String>()) {
            if let Ok(name) = ChannelName::new(&text) {
                prop_assert_eq!(name.to_string(), text.as_str());
                prop_assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace()));
                prop_assert!(!text.contains(['/', '?', '#', '%', '&', '\\', '"']));
                prop_assert_eq!(text.parse::<ChannelName>().unwrap(), name);
            }
        }
    }
}
