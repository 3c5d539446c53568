//! Packs bodies while they are made.

use std::io::{self, Write as _};

use flate2::Compression as Level;
use flate2::write::{GzEncoder, ZlibEncoder};

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Packing {
    /// As it is.
    #[default]
    Plain,
    /// gzip.
    Gzip,
    /// HTTP's deflate, that is zlib.
    Deflate,
}

/// Packs a body piece by piece.
#[derive(Debug)]
pub enum Packer {
    /// As it is.
    Plain,
    /// gzip.
    Gzip(GzEncoder<Vec<u8>>),
    /// HTTP's deflate, that is zlib.
    Deflate(ZlibEncoder<Vec<u8>>),
}

impl Packer {
    /// Begins a body.
    #[must_use]
    pub fn new(packing: Packing) -> Self {
        match packing {
            Packing::Plain => Self::Plain,
            Packing::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Level::fast())),
            Packing::Deflate => Self::Deflate(ZlibEncoder::new(Vec::new(), Level::fast())),
        }
    }

    /// Takes a piece, and gives what is ready to be sent.
    pub fn feed(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(bytes.to_vec()),
            Self::Gzip(packer) => {
                packer.write_all(bytes)?;
                Ok(std::mem::take(packer.get_mut()))
            }
            Self::Deflate(packer) => {
                packer.write_all(bytes)?;
                Ok(std::mem::take(packer.get_mut()))
            }
        }
    }

    /// Ends the body, and gives the rest.
    pub fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(Vec::new()),
            Self::Gzip(packer) => packer.finish(),
            Self::Deflate(packer) => packer.finish(),
        }
    }
}
