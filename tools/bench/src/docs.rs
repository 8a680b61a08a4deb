//! The tables in `docs/performance.md`, between two marks for each section.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};

use crate::table::Table;

const END: &str = "<!-- bench: end -->";

/// The text with each section's tables as they are now. What stands between the marks
/// `<!-- bench: size -->` and `<!-- bench: end -->` gives way to the tables of the section `size`;
/// a section that was not measured stays as it is.
///
/// # Errors
/// If a mark has no end.
pub fn rewritten(
    text: &str,
    machine: &str,
    tables: &BTreeMap<String, Vec<Table>>,
) -> anyhow::Result<String> {
    let mut rewritten = text.to_owned();
    for (section, tables) in tables {
        let begin = format!("<!-- bench: {section} -->");
        let Some((before, rest)) = rewritten.split_once(&begin) else {
            continue;
        };
        let (old, after) = rest
            .split_once(END)
            .with_context(|| format!("{begin} has no {END}"))?;
        ensure!(
            !old.contains("<!-- bench:"),
            "{begin} has no end of its own"
        );
        let tables: String = tables.iter().map(Table::markdown).collect();
        rewritten = format!("{before}{begin}\n{tables}\n{machine}.\n\n{END}{after}");
    }
    Ok(rewritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> BTreeMap<String, Vec<Table>> {
        let mut table = Table::new("Weights", &["function", "MB"]);
        table.row(["a|b".to_owned(), "1.5".to_owned()]);
        table.note("Small is good.");
        [("size".to_owned(), vec![table])].into()
    }

    #[test]
    fn a_table_takes_the_place_of_the_last_one() {
        let text = "# T\n\n<!-- bench: size -->\nold\n<!-- bench: end -->\n\nmore\n\
                    <!-- bench: cost -->\nkept\n<!-- bench: end -->\n";
        let once = rewritten(text, "2 cores", &tables()).unwrap();
        assert_eq!(
            once,
            "# T\n\n<!-- bench: size -->\n\n**Weights**\n\n| function | MB |\n|---|--:|\n\
             | a\\|b | 1.5 |\n\nSmall is good.\n\n2 cores.\n\n<!-- bench: end -->\n\nmore\n\
             <!-- bench: cost -->\nkept\n<!-- bench: end -->\n"
        );
        assert_eq!(rewritten(&once, "2 cores", &tables()).unwrap(), once);
    }

    #[test]
    fn a_mark_without_an_end_is_an_error() {
        for text in [
            "<!-- bench: size -->\n",
            "<!-- bench: size -->\n<!-- bench: cost -->\n<!-- bench: end -->\n",
        ] {
            assert!(rewritten(text, "", &tables()).is_err(), "{text}");
        }
    }
}
