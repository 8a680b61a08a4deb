//! Tables that fit the terminal: cells wrap, and if that is not enough, each row becomes a block of lines.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use console::measure_text_width;
use shared::domain::text::printable;

/// The spaces between two columns.
const GAP: usize = 2;

/// Words longer than this may be broken. No id is that long.
const LONGEST_WORD: usize = 40;

/// A longer reason in a list that is fitted to a terminal is shortened, in columns.
const LONGEST_REASON: usize = 100;

/// Narrower terminals are treated as this wide, in columns.
const MIN_WIDTH: usize = 40;

#[derive(Clone, Copy, Debug, Default)]
pub struct TableLayout {
    /// The maximum width of a line, in columns; `None` = unlimited.
    pub width: Option<usize>,
    /// Whether states are coloured.
    pub is_coloured: bool,
}

/// One result, as lines of title and value.
pub fn record(fields: &[(&'static str, String)], layout: TableLayout) -> String {
    let rows: Vec<_> = fields
        .iter()
        .map(|(title, value)| vec![((*title).to_owned(), None), toned(title, value)])
        .collect();
    aligned(rows, layout)
}

/// A list of results, as rows below their titles.
pub fn list(things: &[Vec<(&'static str, String)>], layout: TableLayout) -> String {
    let Some(first) = things.first() else {
        return String::new();
    };
    let titles = first.iter().map(|(title, _)| (title.to_uppercase(), None));
    let values = things.iter().map(|fields| {
        let cells = fields.iter().map(|(title, value)| {
            let (text, tone) = toned(title, value);
            (shortened(title, text, layout), tone)
        });
        cells.collect()
    });
    let rows: Vec<Vec<_>> = std::iter::once(titles.collect()).chain(values).collect();
    if fits(&rows, layout) {
        return aligned(rows, layout);
    }
    let blocks: Vec<_> = things.iter().map(|fields| record(fields, layout)).collect();
    blocks.join("\n")
}

/// The text of a cell and its colour.
type Toned = (String, Option<Tone>);

/// What a state means for the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Doubtful,
    Bad,
}

impl Tone {
    const fn color(self) -> Color {
        match self {
            Self::Good => Color::Green,
            Self::Doubtful => Color::Yellow,
            Self::Bad => Color::Red,
        }
    }

    /// The text in its colour, for a line.
    pub fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Good => 32,
            Self::Doubtful => 33,
            Self::Bad => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Shortens a reason that would fill the terminal.
fn shortened(title: &str, text: String, layout: TableLayout) -> String {
    if layout.width.is_none() || title != "reason" {
        return text;
    }
    console::truncate_str(&text, LONGEST_REASON, "…").into_owned()
}

fn toned(title: &str, value: &str) -> Toned {
    (printable(value).into_owned(), tone(title, value))
}

/// What a state means, by the first word.
pub fn tone(title: &str, value: &str) -> Option<Tone> {
    if !matches!(title, "result" | "state" | "status" | "sync") {
        return None;
    }
    let word = value.split([' ', ':']).next().unwrap_or_default();
    match word {
        "ok" | "live" | "active" | "delivered" | "works" | "done" | "unbanned" | "appealed" => {
            Some(Tone::Good)
        }
        "warning" | "paused" | "due" | "changed" => Some(Tone::Doubtful),
        "failed" | "revoked" | "expired" | "stopped" | "banned" => Some(Tone::Bad),
        _ => None,
    }
}

fn columns(rows: &[Vec<Toned>]) -> impl Iterator<Item = impl Iterator<Item = &str>> {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    (0..count).map(move |at| {
        rows.iter()
            .filter_map(move |row| row.get(at).map(|(text, _)| text.as_str()))
    })
}

/// The minimum width of each column, at which no word breaks.
fn narrowest(rows: &[Vec<Toned>]) -> Vec<usize> {
    columns(rows)
        .map(|cells| {
            let words = cells.flat_map(str::split_whitespace);
            let widest = words.map(measure_text_width).max();
            widest.unwrap_or_default().min(LONGEST_WORD)
        })
        .collect()
}

fn with_gaps(widths: &[usize]) -> usize {
    let gaps = widths.len().saturating_sub(1).saturating_mul(GAP);
    widths.iter().sum::<usize>().saturating_add(gaps)
}

fn fits(rows: &[Vec<Toned>], layout: TableLayout) -> bool {
    let Some(width) = layout.width else {
        return true;
    };
    with_gaps(&narrowest(rows)) <= width.max(MIN_WIDTH)
}

/// Rows of cells as aligned lines.
fn aligned(rows: Vec<Vec<Toned>>, layout: TableLayout) -> String {
    let widest: Vec<_> = columns(&rows)
        .map(|cells| cells.map(measure_text_width).max().unwrap_or_default())
        .collect();
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let limit = layout.width.map(|width| width.max(MIN_WIDTH));
    let is_wrapped = limit.is_some_and(|width| with_gaps(&widest) > width);
    let constraints = narrowest(&rows);
    if layout.is_coloured {
        table.enforce_styling();
    }
    for row in rows {
        let cells = row.into_iter().map(|(text, colour)| {
            let cell = Cell::new(text);
            match colour.filter(|_| layout.is_coloured) {
                Some(tone) => cell.fg(tone.color()),
                None => cell,
            }
        });
        table.add_row(cells);
    }
    if let Some(width) = limit.filter(|_| is_wrapped) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    let last = table.column_count().saturating_sub(1);
    let sized = table.column_iter_mut().zip(constraints);
    for (at, (column, narrowest)) in sized.enumerate() {
        let gap = if at == last { 0 } else { GAP };
        let gap = u16::try_from(gap).unwrap_or_default();
        column.set_padding((0, gap));
        if is_wrapped {
            let width = u16::try_from(narrowest).unwrap_or(u16::MAX);
            let width = width.saturating_add(gap);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
    }
    let mut text = table.trim_fmt();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(width: usize) -> TableLayout {
        TableLayout {
            width: Some(width),
            is_coloured: false,
        }
    }

    fn row(id: &str, why: &str) -> Vec<(&'static str, String)> {
        vec![
            ("id", id.to_owned()),
            ("reason", why.to_owned()),
            ("by", "me".to_owned()),
        ]
    }

    #[test]
    fn columns_fit_their_widest_cell() {
        let rows = [row("1", "é"), row("1000", "")];
        let text = list(&rows, TableLayout::default());
        assert_eq!(
            text,
            "ID    REASON  BY\n1     é       me\n1000          me\n"
        );
        let one = record(&rows[0], TableLayout::default());
        assert_eq!(one, "id      1\nreason  é\nby      me\n");
        assert_eq!(list(&[], TableLayout::default()), "");
    }

    #[test]
    fn wide_characters_and_emoji_take_two_columns() {
        let text = list(
            &[row("1", "迷惑行為"), row("2", "🙂")],
            TableLayout::default(),
        );
        assert_eq!(
            text,
            "ID  REASON    BY\n1   迷惑行為  me\n2   🙂        me\n"
        );
    }

    #[test]
    fn lines_fit_the_terminal() {
        let why = "many short words that take more room than there is in one line of a terminal";
        let text = list(&[row("1", why), row("2", "short")], layout(50));
        assert!(
            text.lines().all(|line| measure_text_width(line) <= 50),
            "{text}"
        );
        assert!(text.starts_with("ID  REASON"), "{text}");
        let unbroken: String = text.split_whitespace().collect();
        assert!(unbroken.contains("manyshort"), "{text}");
        // If the words do not fit either, each row is a block with unbroken values.
        let long = "0123456789012345678901234567890123456";
        let rows = [row(long, long), row("2", "short")];
        let text = list(&rows, layout(60));
        assert!(
            text.lines().all(|line| measure_text_width(line) <= 60),
            "{text}"
        );
        assert!(text.starts_with("id      0123"), "{text}");
        assert!(text.contains("\n\nid      2\n"), "{text}");
        assert_eq!(text.matches(long).count(), 2, "{text}");
    }

    #[test]
    fn states_are_coloured_on_request() {
        let rows = [vec![
            ("result", "ok".to_owned()),
            ("detail", "ok".to_owned()),
        ]];
        let plain = list(&rows, TableLayout::default());
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
        assert_eq!(tone("result", "failed"), Some(Tone::Bad));
        assert_eq!(tone("status", "live"), Some(Tone::Good));
        assert_eq!(
            tone("state", "paused: endpoint returned 410 Gone"),
            Some(Tone::Doubtful)
        );
        assert_eq!(tone("detail", "ok"), None);
    }

    #[test]
    fn stored_names_cannot_inject_terminal_escapes() {
        let one = [
            ("name", "a\u{1b}[2Jb\u{202e}".to_owned()),
            ("by", "\u{9b}m".to_owned()),
        ];
        let printed = "name  a\\u{1b}[2Jb\\u{202e}\nby    \\u{9b}m\n";
        assert_eq!(record(&one, TableLayout::default()), printed);
    }
}
