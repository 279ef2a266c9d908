//! What a peer sends may hold anything, and a terminal obeys it: control
//! sequences could move the cursor, rewrite what stands there, or set the
//! clipboard. So they are shown, and not sent.

use std::{borrow::Cow, fmt::Write as _};

/// The text with all control characters made visible, on one line.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    replace(text, |char| char == '\t')
}

/// The text with all control characters made visible, except ends of lines.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        let text = text.replace("\r\n", "\n");
        return Cow::Owned(replace(&text, |char| matches!(char, '\t' | '\n')).into_owned());
    }
    replace(text, |char| matches!(char, '\t' | '\n'))
}

fn replace(text: &str, is_harmless: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_shown = |char: char| is_harmless(char) || !(char.is_control() || is_bidi_control(char));
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        match char {
            _ if is_shown(char) => shown.push(char),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            // Writing to a string does not fail.
            '\0'..='\x7F' => drop(write!(shown, "\\x{:02x}", u32::from(char))),
            _ => drop(write!(shown, "\\u{{{:x}}}", u32::from(char))),
        }
    }
    Cow::Owned(shown)
}

/// Unicode's directional controls: with them a text can look like another one
/// ("Trojan Source").
fn is_bidi_control(char: char) -> bool {
    matches!(char, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in ["", "hello\tworld", "h\u{e9}llo \u{1f980} \u{4f60}\u{597d}"] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(line("\x1b]0;owned\x07"), "\\x1b]0;owned\\x07");
        assert_eq!(line("a\r\nb\0\x7f"), "a\\r\\nb\\x00\\x7f");
        // The same sequence as ESC [, in one character.
        assert_eq!(line("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(line("\u{202e}txt.exe"), "\\u{202e}txt.exe");
    }

    #[test]
    fn line_ends_can_stay() {
        assert_eq!(lines("a\nb\r\nc\rd"), "a\nb\nc\\rd");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let all: String = (0..=0x2FFF).filter_map(char::from_u32).collect();
        assert!(
            !line(&all)
                .chars()
                .any(|char| char.is_control() && char != '\t')
        );
        assert!(
            !lines(&all)
                .chars()
                .any(|char| char.is_control() && !"\t\n".contains(char))
        );
    }
}
