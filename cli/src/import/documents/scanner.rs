//! A JSON document taken apart piece by piece, with the line of each piece.
//!
//! It finds where values begin and end and leaves what they say to the JSON parser; so a document
//! of any size is read in flat memory, and a value that is wrong in itself does not spoil the rest.

use std::io::BufRead;

use crate::import::FileError;

/// The largest piece, in bytes: far beyond any ban, and no burden.
const LARGEST: usize = 1 << 20;

/// A value within the document.
#[derive(Debug)]
pub struct Span {
    /// The line on which it begins.
    pub line: u64,
    /// What it consists of.
    pub bytes: Vec<u8>,
}

/// Reads a document from front to back.
#[derive(Debug)]
pub struct Scanner<R> {
    input: R,
    line: u64,
}

/// A list or an object that is being gone through.
#[derive(Debug)]
pub struct Container {
    closing: u8,
    first: bool,
}

impl<R: BufRead> Scanner<R> {
    pub const fn new(input: R) -> Self {
        Self { input, line: 1 }
    }

    /// The first byte of what comes next, past white space; nothing at the end.
    pub fn peek(&mut self) -> Result<Option<u8>, FileError> {
        loop {
            let Some(byte) = self.byte()? else {
                return Ok(None);
            };
            // The mark of byte order is no white space, but no part of a document either.
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

    /// Goes to the next member; `false` when there is none and the list or object is left.
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
            None => Err(self.broken("the file ends in the middle")),
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

    /// The next value, whatever it is.
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
                    Err(self.broken("the file ends in the middle"))
                };
            }
            let taken = extent.take(buffer);
            let part = buffer.get(..taken).unwrap_or_default();
            self.line = self.line.saturating_add(lines(part));
            piece.bytes.extend_from_slice(part);
            self.input.consume(taken);
            if piece.bytes.len() > LARGEST {
                return Err(FileError::new(piece.line, "this is too large to be a ban"));
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

    /// Makes sure that nothing follows.
    pub fn end(&mut self) -> Result<(), FileError> {
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.broken("something follows after the end")),
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

    /// Sound JSON, but of another shape.
    pub fn unexpected(&self, what: &str) -> FileError {
        FileError::new(self.line, what)
    }

    pub fn broken(&self, what: &str) -> FileError {
        FileError::new(self.line, format!("invalid JSON: {what}"))
    }
}

/// How far a value reaches.
#[derive(Debug, Default)]
struct Extent {
    depth: usize,
    in_string: bool,
    escaped: bool,
    shape: ValueShape,
    is_over: bool,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ValueShape {
    /// Its first byte has not been seen.
    #[default]
    Unknown,
    /// A number or a word, which ends where something else begins.
    Bare,
    /// A text, a list or an object, which has an end of its own.
    Closed,
}

impl Extent {
    /// How many of these bytes belong to it.
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

    /// Whether the end of the file may be its end.
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
    format!("the file cannot be read: {error}")
}
