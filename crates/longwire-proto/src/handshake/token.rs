//! The lexical pieces that HTTP header fields are made of (RFC 9110, section 5.6).

/// Which bytes may stand in a token.
static TCHAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = matches!(
            byte as u8,
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*'
                | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        );
        byte += 1;
    }
    table
};

/// Whether `byte` may stand in a token (RFC 9110, section 5.6.2: `tchar`).
pub(crate) fn is_tchar(byte: u8) -> bool {
    TCHAR[usize::from(byte)]
}

/// Whether `bytes` is a token: one `tchar` or more.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_tchar(byte))
}

/// Whether `byte` is optional whitespace (RFC 9110, section 5.6.3: `OWS`), which is less than ASCII
/// whitespace.
pub(crate) const fn is_ows(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `bytes` without optional whitespace at its ends.
pub(crate) fn trim_ows(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|&byte| !is_ows(byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|&byte| !is_ows(byte))
        .map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// The members of a comma-separated list (RFC 9110, section 5.6.1).
///
/// Empty members are skipped, as the section tells a recipient to do, and a comma in a quoted
/// string parts nothing.
#[derive(Clone, Debug)]
pub(crate) struct ListMembers<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for ListMembers<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.0.is_empty() {
            let end = member_end(self.0);
            let member = trim_ows(&self.0[..end]);
            self.0 = self.0.get(end + 1..).unwrap_or_default();
            if !member.is_empty() {
                return Some(member);
            }
        }
        None
    }
}

/// Where the first member of `list` ends: at a comma outside of quotes, or with the list.
fn member_end(list: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, &byte) in list.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    list.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn members(list: &str) -> Vec<&str> {
        ListMembers(list.as_bytes())
            .map(|member| core::str::from_utf8(member).unwrap())
            .collect()
    }

    #[test]
    fn tokens_are_one_tchar_or_more() {
        assert!(is_token(b"permessage-deflate"));
        assert!(is_token(b"!#$%&'*+-.^_`|~09azAZ"));
        for bad in [
            &b""[..],
            b"a b",
            b"a,b",
            b"a\"",
            b"a/b",
            b"a=b",
            b"a\0",
            b"\xe9",
            b"\x7f",
            b"(a)",
        ] {
            assert!(!is_token(bad), "{bad:?}");
        }
    }

    #[test]
    fn whitespace_is_trimmed_at_both_ends() {
        assert_eq!(trim_ows(b" \ta b\t "), b"a b");
        assert_eq!(trim_ows(b" \t "), b"");
        assert_eq!(trim_ows(b""), b"");
        assert_eq!(trim_ows(b"\ra\n"), b"\ra\n");
    }

    #[test]
    fn lists_split_at_commas_and_skip_empty_members() {
        assert_eq!(members("a, b\t,c"), ["a", "b", "c"]);
        assert_eq!(members(",, a ,, b,"), ["a", "b"]);
        assert_eq!(members(""), [""; 0]);
        assert_eq!(members(" , ,"), [""; 0]);
    }

    #[test]
    fn quoted_commas_do_not_split() {
        assert_eq!(members(r#"a="1,2", b"#), [r#"a="1,2""#, "b"]);
        assert_eq!(members(r#"a="\",", b"#), [r#"a="\",""#, "b"]);
        assert_eq!(members(r#"a="open, b"#), [r#"a="open, b"#]);
    }
}
