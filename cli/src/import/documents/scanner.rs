//! Splits a JSON document into values, with the line of each.
//!
//! It only finds where values begin and end; `serde_json` parses them. So memory is constant for documents
//! of any size, and an invalid value does not affect the others.

use std::io::BufRead;

use crate::import::FileError;

/// The maximum size of a value, in bytes: far more than any ban needs.
const MAX_SIZE: usize = 1 << 20;

/// An unparsed value.
#[derive(Debug)]
pub struct Span {
    /// Its first line.
    pub line: u64,
    pub bytes: Vec<u8>,
}

#[derive(Debug)]
pub struct Scanner<R> {
    input: R,
    line: u64,
}

/// A list or an object that is being read.
#[derive(Debug)]
pub struct Container {
    closing: u8,
    first: bool,
}

impl<R: BufRead> Scanner<R> {
    pub const fn new(input: R) -> Self {
        Self { input, line: 1 }
    }

    /// The next byte after white space; `None` at the end.
    pub fn peek(&mut self) -> Result<Option<u8>, FileError> {
        loop {
            let Some(byte) = self.byte()? else {
                return Ok(None);
            };
            // Skip a byte order mark too.
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0xEF | 0xBB | 0xBF) {
                return Ok(Some(byte));
            }
            self.consume(byte);
        }
    }

    /// Enters a list or an object.
    pub fn enter(&mut self) -> Result<Container, FileError> {
        let closing = match self.peek()? {
            Some(b'[') => b']',
            Some(b'{') => b'}',
            _ => return Err(self.unexpected("expected a list or an object")),
        };
        self.input.consume(1);
        Ok(Container {
            closing,
            first: true,
        })
    }

    /// Moves to the next member; `false` at the end of the list or object, which is left.
    pub fn next(&mut self, within: &mut Container) -> Result<bool, FileError> {
        match self.peek()? {
            Some(byte) if byte == within.closing => {
                self.input.consume(1);
                Ok(false)
            }
            Some(b',') if !within.first => {
                self.input.consume(1);
                Ok(true)
            }
            Some(_) if within.first => {
                within.first = false;
                Ok(true)
            }
            Some(_) => Err(self.broken("a comma is missing")),
            None => Err(self.broken("unexpected end of file")),
        }
    }

    /// The name of a member of an object.
    pub fn name(&mut self) -> Result<String, FileError> {
        let piece = self.value()?;
        let name = serde_json::from_slice(&piece.bytes)
            .map_err(|_| FileError::new(piece.line, "expected the name of a field"))?;
        if self.peek()? != Some(b':') {
            return Err(self.broken("a colon is missing"));
        }
        self.input.consume(1);
        Ok(name)
    }

    pub fn value(&mut self) -> Result<Span, FileError> {
        self.peek()?;
        let mut piece = Span {
            line: self.line,
            bytes: Vec::new(),
        };
        let mut extent = Extent::default();
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) => return Err(FileError::new(self.line, unreadable(&error))),
            };
            if buffer.is_empty() {
                return if extent.may_end() && !piece.bytes.is_empty() {
                    Ok(piece)
                } else {
                    Err(self.broken("unexpected end of file"))
                };
            }
            let taken = extent.take(buffer);
            let part = buffer.get(..taken).unwrap_or_default();
            self.line = self.line.saturating_add(lines(part));
            piece.bytes.extend_from_slice(part);
            self.input.consume(taken);
            if piece.bytes.len() > MAX_SIZE {
                return Err(FileError::new(piece.line, "the value is larger than 1 MiB"));
            }
            if extent.is_over {
                return if piece.bytes.is_empty() {
                    Err(self.broken("a value is missing"))
                } else {
                    Ok(piece)
                };
            }
        }
    }

    /// Fails unless the document ends here.
    pub fn end(&mut self) -> Result<(), FileError> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.broken("unexpected content after the end")),
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, FileError> {
        match self.input.fill_buf() {
            Ok(buffer) => Ok(buffer.first().copied()),
            Err(error) => Err(FileError::new(self.line, unreadable(&error))),
        }
    }

    fn consume(&mut self, byte: u8) {
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        self.input.consume(1);
    }

    /// An error for valid JSON of an unexpected form.
    pub fn unexpected(&self, what: &str) -> FileError {
        FileError::new(self.line, what)
    }

    pub fn broken(&self, what: &str) -> FileError {
        FileError::new(self.line, format!("invalid JSON: {what}"))
    }
}

/// Finds the end of a value.
#[derive(Debug, Default)]
struct Extent {
    depth: usize,
    in_string: bool,
    escaped: bool,
    shape: ValueShape,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ValueShape {
    /// Before the first byte.
    #[default]
    Unknown,
    /// A number or a word, which ends before the next delimiter.
    Bare,
    /// A string, a list or an object, which has its own end.
    Closed,
}

impl Extent {
    /// The number of these bytes that belong to the value.
    fn take(&mut self, bytes: &[u8]) -> usize {
        for (at, byte) in bytes.iter().enumerate() {
            if self.shape == ValueShape::Bare && ends_bare(*byte) {
                self.is_over = true;
                return at;
            }
            if self.shape == ValueShape::Unknown {
                self.shape = match byte {
                    b',' | b':' | b']' | b'}' => {
                        self.is_over = true;
                        return at;
                    }
                    b'"' | b'[' | b'{' => ValueShape::Closed,
                    _ => ValueShape::Bare,
                };
            }
            self.step(*byte);
            if self.shape == ValueShape::Closed && self.depth == 0 && !self.in_string {
                self.is_over = true;
                return at.saturating_add(1);
            }
        }
        bytes.len()
    }

    const fn step(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'[' | b'{' if !self.in_string => self.depth = self.depth.saturating_add(1),
            b']' | b'}' if !self.in_string => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Whether the value may end at the end of the file.
    fn may_end(&self) -> bool {
        self.shape == ValueShape::Bare
    }
}

const fn ends_bare(byte: u8) -> bool {
    matches!(
        byte,
        b',' | b':' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n'
    )
}

fn lines(bytes: &[u8]) -> u64 {
    let pieces = bytes.split(|byte| *byte == b'\n').count();
    u64::try_from(pieces.saturating_sub(1)).unwrap_or_default()
}

fn unreadable(error: &std::io::Error) -> String {
    format!("could not read the file: {error}")
}
