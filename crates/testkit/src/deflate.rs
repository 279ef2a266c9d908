//! DEFLATE (RFC 1951) a second time: slow, strict, and by other means than any
//! engine, so that both can be held against it.

mod compressor;
mod decompressor;

pub use compressor::RandomDeflate;
pub use decompressor::{StrictInflate, Strictly, decompress};

use longwire_proto::extension::{Codecs, Deflate, DeflateSettings, Inflate};
use std::{cell::Cell, rc::Rc};

/// The extra bits and the base of each length code, from 257 on (3.2.5).
const LENGTHS: [(u8, u16); 29] = [
    (0, 3),
    (0, 4),
    (0, 5),
    (0, 6),
    (0, 7),
    (0, 8),
    (0, 9),
    (0, 10),
    (1, 11),
    (1, 13),
    (1, 15),
    (1, 17),
    (2, 19),
    (2, 23),
    (2, 27),
    (2, 31),
    (3, 35),
    (3, 43),
    (3, 51),
    (3, 59),
    (4, 67),
    (4, 83),
    (4, 99),
    (4, 115),
    (5, 131),
    (5, 163),
    (5, 195),
    (5, 227),
    (0, 258),
];

/// The same for each distance code.
const DISTANCES: [(u8, u16); 30] = [
    (0, 1),
    (0, 2),
    (0, 3),
    (0, 4),
    (1, 5),
    (1, 7),
    (2, 9),
    (2, 13),
    (3, 17),
    (3, 25),
    (4, 33),
    (4, 49),
    (5, 65),
    (5, 97),
    (6, 129),
    (6, 193),
    (7, 257),
    (7, 385),
    (8, 513),
    (8, 769),
    (9, 1025),
    (9, 1537),
    (10, 2049),
    (10, 3073),
    (11, 4097),
    (11, 6145),
    (12, 8193),
    (12, 12289),
    (13, 16385),
    (13, 24577),
];

/// Lends [`StrictInflate`] and [`RandomDeflate`], and counts what is lent. Its
/// clones count together.
#[derive(Debug, Clone, Default)]
pub struct TestCodecs {
    counts: Rc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    inflaters: Cell<usize>,
    deflaters: Cell<usize>,
    exhausted: Cell<bool>,
    seed: Cell<u64>,
}

impl TestCodecs {
    /// How many decompressors are lent.
    pub fn inflaters(&self) -> usize {
        self.counts.inflaters.get()
    }

    /// How many compressors are lent.
    pub fn deflaters(&self) -> usize {
        self.counts.deflaters.get()
    }

    /// From here on there are no more of either, or there are again.
    pub fn exhaust(&self, exhausted: bool) {
        self.counts.exhausted.set(exhausted);
    }
}

impl Codecs for TestCodecs {
    fn inflater(&mut self, _: usize) -> Option<Box<dyn Inflate>> {
        if self.counts.exhausted.get() {
            return None;
        }
        self.counts.inflaters.update(|lent| lent + 1);
        Some(Box::<StrictInflate>::default())
    }

    fn deflater(&mut self, settings: DeflateSettings, _: usize) -> Option<Box<dyn Deflate>> {
        if self.counts.exhausted.get() {
            return None;
        }
        self.counts.deflaters.update(|lent| lent + 1);
        self.counts.seed.update(|seed| seed + 1);
        let seed = self.counts.seed.get();
        Some(Box::new(RandomDeflate::new(seed, settings)))
    }

    fn take_back_inflater(&mut self, _: Box<dyn Inflate>) {
        self.counts.inflaters.update(|lent| lent - 1);
    }

    fn take_back_deflater(&mut self, _: Box<dyn Deflate>) {
        self.counts.deflaters.update(|lent| lent - 1);
    }
}
