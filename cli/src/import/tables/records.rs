//! Parses the records of a table (RFC 4180 with any separator), with the first line of each.
//!
//! Quotes are parsed strictly: an unclosed one would include the following rows. The `csv` crate does not
//! report that, nor correct line numbers in files with CR LF.

use std::io::BufRead;

use crate::import::FileError;

/// The maximum size of a record, in bytes: far more than any ban needs.
const MAX_SIZE: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvRecord {
    /// Its first line, from 1.
    pub line: u64,
    /// Its cells. Unquoted cells are trimmed.
    pub cells: Vec<String>,
    /// Whether a line end follows it.
    pub is_closed: bool,
}

/// Iterates over records. Skips blank lines and rows of empty cells.
#[derive(Debug)]
pub struct CsvRecords<R> {
    input: R,
    separator: u8,
    line: u64,
    is_over: bool,
}

/// The position of the parser in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CellState {
    Start,
    Bare,
    /// In quotes; with the line of the opening quote.
    Quoted(u64),
    /// After a quote that ends the cell, unless another quote follows.
    Closed(u64),
    /// In spaces after the closing quote.
    After(u64),
}

impl<R: BufRead> CsvRecords<R> {
    pub const fn new(input: R, separator: u8) -> Self {
        Self {
            input,
            separator,
            line: 1,
            is_over: false,
        }
    }

    fn record(&mut self) -> Result<Option<CsvRecord>, FileError> {
        loop {
            let Some(record) = self.any_record()? else {
                return Ok(None);
            };
            if record.cells.iter().any(|cell| !cell.is_empty()) {
                return Ok(Some(record));
            }
        }
    }

    /// The next record, even if it is empty.
    fn any_record(&mut self) -> Result<Option<CsvRecord>, FileError> {
        let line = self.line;
        let (mut cells, mut cell, mut size) = (Vec::new(), Vec::new(), 0_usize);
        let mut state = CellState::Start;
        let mut is_first = true;
        loop {
            let Some(byte) = self.byte()? else {
                if is_first {
                    return Ok(None);
                }
                if let CellState::Quoted(opened) = state {
                    return Err(FileError::new(
                        opened,
                        "a quote opens a cell here and is never closed, so the cell would include the \
                         following rows",
                    ));
                }
                cells.push(finished(cell, state, line)?);
                return Ok(Some(CsvRecord {
                    line,
                    cells,
                    is_closed: false,
                }));
            };
            is_first = false;
            size = size.saturating_add(1);
            if size > MAX_SIZE {
                let opened = match state {
                    CellState::Quoted(opened) => opened,
                    _ => line,
                };
                return Err(FileError::new(
                    opened,
                    "the row that begins here is longer than 1 MiB",
                ));
            }
            let is_end = matches!(byte, b'\n' | b'\r');
            let is_blank = byte == b' ' || (byte == b'\t' && self.separator != b'\t');
            match state {
                CellState::Quoted(opened) => match byte {
                    b'"' => state = CellState::Closed(opened),
                    b'\r' => {
                        cell.push(byte);
                        if self.peeked()? == Some(b'\n') {
                            self.byte()?;
                            cell.push(b'\n');
                        }
                        self.line = self.line.saturating_add(1);
                    }
                    _ => {
                        cell.push(byte);
                        self.line = self.line.saturating_add(u64::from(byte == b'\n'));
                    }
                },
                CellState::Closed(opened) if byte == b'"' => {
                    cell.push(byte);
                    state = CellState::Quoted(opened);
                }
                _ if byte == self.separator => {
                    cells.push(finished(std::mem::take(&mut cell), state, line)?);
                    state = CellState::Start;
                }
                _ if is_end => {
                    if byte == b'\r' && self.peeked()? == Some(b'\n') {
                        self.byte()?;
                    }
                    self.line = self.line.saturating_add(1);
                    cells.push(finished(cell, state, line)?);
                    return Ok(Some(CsvRecord {
                        line,
                        cells,
                        is_closed: true,
                    }));
                }
                CellState::Start if is_blank => {}
                CellState::Start if byte == b'"' => state = CellState::Quoted(self.line),
                CellState::Start | CellState::Bare => {
                    cell.push(byte);
                    state = CellState::Bare;
                }
                CellState::Closed(opened) | CellState::After(opened) if is_blank => {
                    state = CellState::After(opened);
                }
                CellState::Closed(opened) | CellState::After(opened) => {
                    return Err(FileError::new(
                        opened,
                        "a quote opens a cell here, and text follows the closing quote: quotes within a \
                         cell must be doubled",
                    ));
                }
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, FileError> {
        let byte = self.peeked()?;
        if byte.is_some() {
            self.input.consume(1);
        }
        Ok(byte)
    }

    fn peeked(&mut self) -> Result<Option<u8>, FileError> {
        match self.input.fill_buf() {
            Ok(buffer) => Ok(buffer.first().copied()),
            Err(error) => {
                let what = format!("could not read the file: {error}");
                Err(FileError::new(self.line, what))
            }
        }
    }
}

fn finished(cell: Vec<u8>, state: CellState, line: u64) -> Result<String, FileError> {
    let text = String::from_utf8(cell).map_err(|_| {
        FileError::new(
            line,
            "this is not UTF-8 (it may be Windows-1252 from an older program): save the file as UTF-8",
        )
    })?;
    Ok(match state {
        CellState::Start | CellState::Bare => text.trim().to_owned(),
        _ => text,
    })
}

impl<R: BufRead> Iterator for CsvRecords<R> {
    type Item = Result<CsvRecord, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.record().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Cells = (u64, Vec<String>);

    fn read(text: &str, separator: u8) -> Vec<Result<Cells, (u64, String)>> {
        let records = CsvRecords::new(text.as_bytes(), separator);
        records
            .map(|record| match record {
                Ok(record) => Ok((record.line, record.cells)),
                Err(broken) => Err((broken.line, broken.message)),
            })
            .collect()
    }

    fn cells(text: &str, separator: u8) -> Vec<(u64, Vec<String>)> {
        read(text, separator)
            .into_iter()
            .map(Result::unwrap)
            .collect()
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn records_have_their_first_line() {
        let text = "a,b\r\n1,\"x\r\ny\"\r\n\r\n\n2, \"y\" \n,\n3,z\"z";
        let expected = [
            row(1, &["a", "b"]),
            row(2, &["1", "x\r\ny"]),
            row(6, &["2", "y"]),
            row(8, &["3", "z\"z"]),
        ];
        assert_eq!(cells(text, b','), expected);
        assert_eq!(cells("a\rb\r", b','), [row(1, &["a"]), row(2, &["b"])]);
        assert_eq!(cells("a;\"b;\"\"c\"\n", b';'), [row(1, &["a", "b;\"c"])]);
        assert_eq!(cells("a\t b\t\n", b'\t'), [row(1, &["a", "b", ""])]);
        assert_eq!(cells("", b','), []);
    }

    #[test]
    fn unclosed_quotes_are_reported_where_they_open() {
        for (text, line) in [
            ("a\n1,\"x\n2,y\n", 2),
            ("a\n1,\"x\n2,\"y\"\n3,z\n", 2),
            ("a\n\n\"x\" y\n", 3),
            ("a\n\"x\r\n\r\n", 2),
        ] {
            let broken = read(text, b',').pop().unwrap().unwrap_err();
            assert_eq!(broken.0, line, "{text:?}: {}", broken.1);
        }
    }

    #[test]
    fn invalid_utf_8_is_reported() {
        let mut records = CsvRecords::new(b"a\nM\xfcller\n".as_slice(), b',');
        assert!(records.next().unwrap().is_ok());
        let broken = records.next().unwrap().unwrap_err();
        assert_eq!(broken.line, 2);
        assert!(broken.message.contains("Windows-1252"));
        assert!(records.next().is_none());
    }

    #[test]
    fn records_may_span_read_buffers() {
        let text = "a,b\r\n\"x\"\"\r\ny\",2\r\n";
        let whole = cells(text, b',');
        for size in 1..8 {
            let input = std::io::BufReader::with_capacity(size, text.as_bytes());
            let records = CsvRecords::new(input, b',').map(Result::unwrap);
            let pieces: Vec<_> = records.map(|record| (record.line, record.cells)).collect();
            assert_eq!(pieces, whole);
        }
    }
}
