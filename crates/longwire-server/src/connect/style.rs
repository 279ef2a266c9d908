//! Colours, where they are wanted.

use std::io::IsTerminal;

/// How to write to one stream: with colours or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette {
    colours: bool,
}

impl Palette {
    /// No colours.
    pub(crate) const PLAIN: Palette = Palette { colours: false };
    /// Colours.
    pub(crate) const COLOURED: Palette = Palette { colours: true };

    /// Colours if `stream` is a terminal that has them, and the user has not
    /// said no (<https://no-color.org>).
    pub(crate) fn of(stream: &impl IsTerminal) -> Palette {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb {
            Palette::COLOURED
        } else {
            Palette::PLAIN
        }
    }

    pub(crate) const fn has_colours(self) -> bool {
        self.colours
    }

    /// What this end does: the prompt, and frames that are sent.
    pub(crate) fn ours(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// What the peer says.
    pub(crate) fn theirs(self, text: &str) -> String {
        self.wrap("36", text)
    }

    /// What stands beside it, and is read only when looked for.
    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// What is wrong.
    pub(crate) fn wrong(self, text: &str) -> String {
        self.wrap("31", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colours && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
