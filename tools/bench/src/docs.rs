//! The tables in `docs/performance.md`, between two marks for each section.

use std::path::Path;

use anyhow::{Context, ensure};

use crate::table::Table;

const END: &str = "<!-- bench: end -->";

/// Replaces the tables of a section in a page.
pub fn update(page: &Path, section: &str, tables: &[Table]) -> anyhow::Result<()> {
    let name = || page.display().to_string();
    let text = std::fs::read_to_string(page).with_context(name)?;
    let text = replaced(&text, section, &machine(), tables)?;
    std::fs::write(page, text).with_context(name)
}

/// The text with new tables between the marks `<!-- bench: SECTION -->` and `<!-- bench: end -->`.
fn replaced(text: &str, section: &str, machine: &str, tables: &[Table]) -> anyhow::Result<String> {
    let begin = format!("<!-- bench: {section} -->");
    let (before, rest) = text
        .split_once(&begin)
        .with_context(|| format!("{begin} is missing"))?;
    let (old, after) = rest
        .split_once(END)
        .with_context(|| format!("{begin} has no {END}"))?;
    ensure!(!old.contains("<!-- bench:"), "{begin} has no {END}");
    let tables: String = tables.iter().map(Table::markdown).collect();
    Ok(format!(
        "{before}{begin}\n{tables}\n{machine}.\n\n{END}{after}"
    ))
}

/// Architecture and cores, which the figures depend on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{arch} {os}, {cores} cores")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(text: &str) -> anyhow::Result<String> {
        let mut table = Table::new("Weights", &["function", "MB"]);
        table.row(["a|b".to_owned(), "1.5".to_owned()]);
        table.note("Small is good.");
        super::replaced(text, "size", "2 cores", &[table])
    }

    #[test]
    fn new_tables_replace_the_old_ones_of_their_section() {
        let text = "# T\n\n<!-- bench: size -->\nold\n<!-- bench: end -->\n\nmore\n\
                    <!-- bench: cost -->\nkept\n<!-- bench: end -->\n";
        let once = replaced(text).unwrap();
        assert_eq!(
            once,
            "# T\n\n<!-- bench: size -->\n\n**Weights**\n\n| function | MB |\n|---|--:|\n\
             | a\\|b | 1.5 |\n\nSmall is good.\n\n2 cores.\n\n<!-- bench: end -->\n\nmore\n\
             <!-- bench: cost -->\nkept\n<!-- bench: end -->\n"
        );
        assert_eq!(replaced(&once).unwrap(), once);
    }

    #[test]
    fn a_section_without_both_marks_is_an_error() {
        for text in [
            "",
            "<!-- bench: size -->\n",
            "<!-- bench: size -->\n<!-- bench: cost -->\n<!-- bench: end -->\n",
        ] {
            assert!(replaced(text).is_err(), "{text}");
        }
    }
}
