use super::{DISTANCES, LENGTHS};
use longwire_proto::extension::{Inflate, Inflated, InvalidDeflate};

/// A decompressor that begins anew with all of the stream at every call.
#[derive(Debug, Default)]
pub struct StrictInflate {
    history: Vec<u8>,
    input: Vec<u8>,
    given: usize,
}

impl Inflate for StrictInflate {
    fn restart(&mut self, history: &[&[u8]]) {
        *self = StrictInflate {
            history: history.concat(),
            ..StrictInflate::default()
        };
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Inflated, InvalidDeflate> {
        let before = self.input.len();
        self.input.extend_from_slice(input);
        let so_far = decompress(&self.history, &self.input).ok_or(InvalidDeflate)?;
        let new = &so_far.output[self.given..];
        let written = new.len().min(output.len());
        output[..written].copy_from_slice(&new[..written]);
        self.given += written;
        let finished = so_far.finished && written == new.len();
        let read = if so_far.finished {
            so_far.read - before
        } else {
            input.len()
        };
        self.input.truncate(before + read);
        Ok(Inflated {
            read,
            written,
            finished,
        })
    }
}

/// What [`decompress`] makes of a stream.
#[derive(Debug, Default)]
pub struct Strictly {
    /// What the input gives, as far as it goes.
    pub output: Vec<u8>,
    /// How far back the furthest match reaches.
    pub furthest: usize,
    /// A final block has ended.
    pub finished: bool,
    /// How many bytes of the input came before that end.
    pub read: usize,
}

/// Decompresses as much of a stream as there is. `None` if it is not DEFLATE.
pub fn decompress(history: &[u8], input: &[u8]) -> Option<Strictly> {
    let mut stream = Stream {
        input,
        at: 0,
        history,
        done: Strictly::default(),
    };
    match stream.run() {
        Ok(()) | Err(Stop::Starved) => Some(stream.done),
        Err(Stop::Invalid) => None,
    }
}

struct Stream<'a> {
    input: &'a [u8],
    /// The next bit.
    at: usize,
    history: &'a [u8],
    done: Strictly,
}

enum Stop {
    Starved,
    Invalid,
}

impl Stream<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        loop {
            let last = self.bits(1)? == 1;
            match self.bits(2)? {
                0 => self.stored()?,
                1 => self.compressed(&Code::new(&fixed_lengths()), &Code::new(&[5; 30]))?,
                2 => {
                    let (literals, distances) = self.codes()?;
                    self.compressed(&literals, &distances)?;
                }
                _ => return Err(Stop::Invalid),
            }
            if last {
                self.done.finished = true;
                self.done.read = self.at.div_ceil(8);
                return Ok(());
            }
        }
    }

    fn bits(&mut self, count: u8) -> Result<u16, Stop> {
        let mut value = 0;
        for i in 0..count {
            let byte = self.input.get(self.at / 8).ok_or(Stop::Starved)?;
            value |= u16::from(byte >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        Ok(value)
    }

    fn stored(&mut self) -> Result<(), Stop> {
        self.at = self.at.next_multiple_of(8);
        let (len, complement) = (self.bits(16)?, self.bits(16)?);
        if len != !complement {
            return Err(Stop::Invalid);
        }
        for _ in 0..len {
            let byte = self.bits(8)? as u8;
            self.done.output.push(byte);
        }
        Ok(())
    }

    fn compressed(&mut self, literals: &Code, distances: &Code) -> Result<(), Stop> {
        loop {
            let symbol = usize::from(literals.symbol(self)?);
            match symbol {
                0..=255 => self.done.output.push(symbol as u8),
                256 => return Ok(()),
                _ => {
                    let &(extra, base) = LENGTHS.get(symbol - 257).ok_or(Stop::Invalid)?;
                    let len = base + self.bits(extra)?;
                    let code = usize::from(distances.symbol(self)?);
                    let &(extra, base) = DISTANCES.get(code).ok_or(Stop::Invalid)?;
                    let distance = base + self.bits(extra)?;
                    self.copy(len.into(), distance.into())?;
                }
            }
        }
    }

    fn copy(&mut self, len: usize, distance: usize) -> Result<(), Stop> {
        self.done.furthest = self.done.furthest.max(distance);
        for _ in 0..len {
            let written = self.done.output.len();
            let byte = match written.checked_sub(distance) {
                Some(at) => self.done.output[at],
                None => {
                    let back = distance - written;
                    let at = self.history.len().checked_sub(back).ok_or(Stop::Invalid)?;
                    self.history[at]
                }
            };
            self.done.output.push(byte);
        }
        Ok(())
    }

    /// The codes of a block with dynamic ones (3.2.7).
    fn codes(&mut self) -> Result<(Code, Code), Stop> {
        const ORDER: [usize; 19] = [
            16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
        ];
        let literals = usize::from(self.bits(5)?) + 257;
        let distances = usize::from(self.bits(5)?) + 1;
        let count = usize::from(self.bits(4)?) + 4;
        let mut lengths = [0; 19];
        for &at in &ORDER[..count] {
            lengths[at] = self.bits(3)? as u8;
        }
        let code = Code::new(&lengths);
        let mut lengths: Vec<u8> = Vec::new();
        while lengths.len() < literals + distances {
            let (length, times) = match code.symbol(self)? {
                16 => {
                    let &previous = lengths.last().ok_or(Stop::Invalid)?;
                    (previous, 3 + self.bits(2)?)
                }
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length as u8, 1),
            };
            lengths.extend((0..times).map(|_| length));
        }
        if lengths.len() > literals + distances {
            return Err(Stop::Invalid);
        }
        let (literals, distances) = lengths.split_at(literals);
        Ok((Code::new(literals), Code::new(distances)))
    }
}

fn fixed_lengths() -> Vec<u8> {
    let lengths = [(144, 8), (112, 9), (24, 7), (8, 8)];
    let lengths = lengths.map(|(count, length)| vec![length; count]);
    lengths.concat()
}

/// A Huffman code: the symbols by length, and within that in order (3.2.2).
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Code {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16_u8 {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
                symbols.push(symbol as u16);
                counts[usize::from(length)] += 1;
            }
        }
        Code { counts, symbols }
    }

    fn symbol(&self, stream: &mut Stream<'_>) -> Result<u16, Stop> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for &count in &self.counts[1..] {
            code |= u32::from(stream.bits(1)?);
            let count = u32::from(count);
            if code < first + count {
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Stop::Invalid)
    }
}
