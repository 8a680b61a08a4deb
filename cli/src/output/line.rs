//! Lines of a log: cells with fixed gaps, since later lines are not known yet.

use console::{measure_text_width, truncate_str};
use serde::Serialize;
use shared::domain::text::printable;

use super::table::{TableLayout, tone};

/// The last cell keeps at least this many columns.
const LEAST: usize = 12;

const GAP: &str = "  ";

/// Begins the continuation of a line.
const INDENT: &str = "    ";

/// A part of a line.
#[derive(Debug)]
pub struct Cell {
    pub text: String,
    is_state: bool,
}

impl Cell {
    pub const fn plain(text: String) -> Self {
        Self {
            text,
            is_state: false,
        }
    }

    /// A word that is coloured by what it means.
    pub const fn state(text: String) -> Self {
        Self {
            text,
            is_state: true,
        }
    }
}

/// An entry of a log that can be printed: as JSON through `Serialize`, as a line through [`Self::cells`].
pub trait LogLine: Serialize {
    /// The last cell may be shortened, the others are whole.
    fn cells(&self) -> Vec<Cell>;
}

/// Breaks the line between cells where the terminal ends.
pub fn shown(cells: &[Cell], layout: TableLayout) -> String {
    let Some((last, whole)) = cells.split_last() else {
        return String::new();
    };
    let mut text = String::new();
    let mut used = 0;
    for cell in whole {
        let shown = coloured(cell, layout);
        let needed = measure_text_width(&shown);
        used = place(&mut text, used, needed, layout);
        text.push_str(&shown);
    }
    let last = printable(&last.text).into_owned();
    if !last.is_empty() {
        let whole = measure_text_width(&last);
        used = place(&mut text, used, whole.min(LEAST), layout);
        let before = used.saturating_sub(whole.min(LEAST));
        let room = layout.width.map(|width| width.saturating_sub(before));
        let room = room.map_or(usize::MAX, |room| room.max(LEAST));
        text.push_str(&truncate_str(&last, room, "…"));
    }
    text
}

/// Adds the gap before a cell, or a new line if the cell does not fit. Returns how many columns are used
/// after the cell.
fn place(text: &mut String, used: usize, needed: usize, layout: TableLayout) -> usize {
    let gap = if used == 0 { "" } else { GAP };
    let end = used.saturating_add(gap.len()).saturating_add(needed);
    if used == 0 || layout.width.is_none_or(|width| end <= width) {
        text.push_str(gap);
        return end;
    }
    text.push('\n');
    text.push_str(INDENT);
    INDENT.len().saturating_add(needed)
}

fn coloured(cell: &Cell, layout: TableLayout) -> String {
    let text = printable(&cell.text);
    let colour = tone("state", &text).filter(|_| cell.is_state && layout.is_coloured);
    match colour {
        Some(colour) => colour.paint(&text),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(reason: &str) -> [Cell; 3] {
        [
            Cell::plain("156".to_owned()),
            Cell::state("banned".to_owned()),
            Cell::plain(reason.to_owned()),
        ]
    }

    fn layout(width: Option<usize>, is_coloured: bool) -> TableLayout {
        TableLayout { width, is_coloured }
    }

    #[test]
    fn only_the_last_cell_is_shortened_and_lines_break_between_cells() {
        let cells = cells("said something unkind to everybody");
        let whole = "156  banned  said something unkind to everybody";
        assert_eq!(shown(&cells, layout(None, false)), whole);
        assert_eq!(
            shown(&cells, layout(Some(30), false)),
            "156  banned  said something u…"
        );
        assert_eq!(
            shown(&cells, layout(Some(5), false)),
            "156\n    banned\n    said someth…"
        );
    }

    #[test]
    fn states_are_coloured_and_escapes_are_not_printed() {
        let line = shown(&cells("a\u{1b}[2J"), layout(None, true));
        assert_eq!(line, "156  \u{1b}[31mbanned\u{1b}[0m  a\\u{1b}[2J");
    }
}
