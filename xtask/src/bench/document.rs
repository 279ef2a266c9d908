//! The document that quotes the tables.

use std::fs;

use super::machine;
use super::options::Options;
use super::table::Table;
use crate::error::{Error, Result, ResultExt as _};
use crate::workspace::Workspace;

const PATH: &str = "docs/benchmarks.md";

/// Puts a table in the document, in the place of its last one, with the command
/// that made it and the machine on which it ran.
pub(crate) fn write(workspace: &Workspace, table: &Table, options: &Options) -> Result {
    let path = workspace.root.join(PATH);
    let text = fs::read_to_string(&path).context(format!("reading {PATH}"))?;
    let section = format!(
        "{}.\n\n{}\n\n`{} {}`{}. {}.",
        table.group.title,
        table.markdown(),
        options.line,
        table.group.name,
        table.group.figure.legend(),
        machine::line(),
    );
    let text = replace(&text, table.group.name, &section)?;
    fs::write(&path, text).context(format!("writing {PATH}"))
}

/// Replaces what stands between the markers of `name`.
fn replace(text: &str, name: &str, section: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let parts = text
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) =
        parts.ok_or_else(|| Error::new(format!("{PATH} has no markers for '{name}'")))?;
    Ok(format!("{before}{begin}{section}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::scenario::GROUPS;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let text = "a\n<!-- echo -->\nold\n<!-- /echo -->\nb\n";
        let new = replace(text, "echo", "new").unwrap_or_default();
        assert_eq!(new, "a\n<!-- echo -->\nnew\n<!-- /echo -->\nb\n");
        assert!(replace(text, "tail", "new").is_err());
    }

    #[test]
    fn every_group_has_its_place() {
        let root = Workspace::for_tests().root;
        let text = fs::read_to_string(root.join(PATH)).expect("the document is there");
        for group in GROUPS {
            assert!(replace(&text, group.name, "").is_ok(), "{}", group.name);
        }
    }
}
